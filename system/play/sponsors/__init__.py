"""Sponsors: what each paid in, where it is, what it was shown for."""

from system.play.plays import Play
from system.play.sponsors.routes import ROUTES

PLAY = Play("sponsors", "Sponsors' statements, to the fen.", ROUTES)
