"""The wallet: what users have, and what became of a packet that was shown to them."""

from system.play.plays import Play
from system.play.wallet.routes import ROUTES, setup

PLAY = Play("wallet", "The wallet. Amounts in fen, times in µs.", ROUTES, setup=setup)
