"""The event page: `/`, what it shows of the rounds, and its way to a front."""

from system.play.event.page import PAGES
from system.play.event.routes import ROUTES, setup
from system.play.plays import Play

PLAY = Play("event", "The event page with the red button.", ROUTES, setup=setup, pages=PAGES)
