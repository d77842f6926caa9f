"""The money fund (余额宝): a user's balance put to work, and taken back."""

from system.play.fund.buying import MOVED
from system.play.fund.routes import ROUTES
from system.play.plays import Play

PLAY = Play("fund", "The money fund: bought from the balance, sold back to it.", ROUTES, (MOVED,))
