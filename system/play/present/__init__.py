"""A gift of money from one friend to another."""

from system.play.plays import Play
from system.play.present.giving import GIVEN
from system.play.present.routes import ROUTES

PLAY = Play("present", "A gift of money to a friend: one transfer, once for a key.", ROUTES, (GIVEN,))
