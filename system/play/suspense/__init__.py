"""Suspense: what is held for records that cannot be believed, and what two people decide about it."""

from system.play.plays import Play
from system.play.suspense.routes import ROUTES

PLAY = Play("suspense", "Money held in suspense: shown, and settled in the name of two people.", ROUTES)
