"""Payouts (提现): a user's balance to his bank account, by the bank outside."""

from system.play.payouts.asking import ask_for_live, ask_for_stress
from system.play.payouts.bank import set_up
from system.play.payouts.figures import COLLECTORS
from system.play.payouts.routes import ROUTES
from system.play.plays import Play

PLAY = Play(
    "payouts", "Payouts to the users' bank accounts.", ROUTES, COLLECTORS, (ask_for_live, ask_for_stress), set_up
)
