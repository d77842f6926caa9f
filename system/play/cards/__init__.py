"""Five Blessings (五福): cards of five kinds come by tickets and ties, are given, combined, and share a pot."""

from system.play.cards.metrics import COLLECTORS
from system.play.cards.pot import pay_pots
from system.play.cards.routes import ROUTES
from system.play.plays import Play

PLAY = Play("cards", "Cards of a season: drawn, given, combined; the pot at its end.", ROUTES, COLLECTORS, (pay_pots,))
