"""A ticket of a losing tap becomes a card. Only as a follow-up of taps is there a ticket to redeem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.engine.answers import ParsedAnswer, json_object
from harness.engine.orders import meaning, posts
from harness.engine.shot import Aim, Following, People, Target

NOBODYS = "0.0.0.0.0.0.0"


class RedeemShot:
    """*card*: one came. *again*: it had come before. *gone*: no card is left. *forged*: nobody made this ticket.
    *closed*: no open season. *pending*: the COMMIT was not answered.
    """

    name = "redeem"
    at: Target = "play"
    noted = True
    plays = "season"
    method, route = "POST", "/v1/cards/redeem"
    outcomes = ("unknown", "card", "again", "gone", "forged", "closed", "pending", "refused")
    good = frozenset(("card", "again", "gone"))

    def requests(self, aim: Aim, tokens: Sequence[bytes]) -> list[bytes]:
        """A ticket that nobody made."""
        return posts(aim, self.route, tokens, [{"ticket": NOBODYS}] * len(tokens))

    def follow(self, people: People, place: int, note: str, each: int) -> list[Following]:
        """The user's own ticket, if the answer had one."""
        token = [people.tokens[place]]
        return [(place, posts(people.aim, self.route, token, [{"ticket": note}])[0])] if note else []

    def understand(self, status: int, body: bytes) -> ParsedAnswer:
        """As `POST /v1/cards/redeem` answers; a follow-up needs the card's kind."""
        codes = {
            "no_cards_left": "gone", "ticket_forged": "forged", "unknown_season": "closed", "season_ended": "closed",
        }  # fmt: skip
        answer = meaning(self.outcomes, status, body, {"done": "card"}, codes)
        kind = json_object(body).get("kind")
        return replace(answer, note=str(kind)) if status == 200 and isinstance(kind, int) else answer


SHOT = RedeemShot()
