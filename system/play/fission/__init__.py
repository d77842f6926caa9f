"""Fission packets: a winner shares a packet, and whoever has the link claims a part of it."""

from system.play.fission.figures import COLLECTORS
from system.play.fission.routes import ROUTES, desks, setup
from system.play.fission.sweeps import sweeps
from system.play.plays import Play

PLAY = Play("fission", "Fission packets: shares and claims.", ROUTES, COLLECTORS, (desks, sweeps), setup)
