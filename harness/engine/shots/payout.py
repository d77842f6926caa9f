"""A payout: a fen of what a user won goes from his balance to his bank account. The bank settles it later.

As a follow-up of a balance that names an award, one for that award; alone, one a user and run. Asked again under the
same key, it is the same order.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.answers import ParsedAnswer
from harness.engine.orders import key_of, meaning, posts
from harness.engine.shot import Aim, Following, People, Target

STATES = {"processing": "ordered", "paid": "paid", "refused": "returned"}
CODES = {"insufficient": "empty", "processing": "empty", "no_real_name": "unnamed", "no_bank": "bankless"}


class PayoutShot:
    """*ordered*: off the balance, and the bank has not said what became of it. *paid*, *returned*: it has. *empty*: no
    money yet. *unnamed*: no real name, so no money moves. *bankless*: this lane has no bank. *pending*: the COMMIT was
    not answered.
    """

    name = "payout"
    at: Target = "play"
    noted = True
    method, route = "POST", "/v1/payouts"
    outcomes = ("unknown", "ordered", "paid", "returned", "empty", "unnamed", "bankless", "pending", "refused")
    good = frozenset(("ordered", "paid", "returned", "empty", "unnamed"))

    def requests(self, aim: Aim, tokens: Sequence[bytes]) -> list[bytes]:
        """Under the run's key; the ledger adds the user."""
        return posts(aim, self.route, tokens, [{"key": key_of(aim), "fen": 1}] * len(tokens))

    def follow(self, people: People, place: int, note: str, each: int) -> list[Following]:
        """The same user's; its key is the award's."""
        token = [people.tokens[place]]
        return [(place, posts(people.aim, self.route, token, [{"key": note, "fen": 1}])[0])] if note else []

    def understand(self, status: int, body: bytes) -> ParsedAnswer:
        """As `POST /v1/payouts` answers."""
        return meaning(self.outcomes, status, body, STATES, CODES)


SHOT = PayoutShot()
