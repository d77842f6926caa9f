"""Participation: taps, distinct people, shown sponsors, as fronts counted them."""

from system.play.participation.routes import ROUTES
from system.play.plays import Play

PLAY = Play("participation", "Taps, people and shown sponsors.", ROUTES)
