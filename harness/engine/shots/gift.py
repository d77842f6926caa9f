"""A card to a neighbour, of a kind by the user's place: who has none of it is told so, which is an answer as well."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.answers import ParsedAnswer
from harness.engine.orders import key_of, meaning, neighbours, posts
from harness.engine.shot import Aim, Target

KINDS = 5


class GiftShot:
    """*given*: a card went. *again*: it had gone before. *none*: no card of that kind. *closed*: no open season of that
    number. *pending*: the COMMIT was not answered; it may have gone.
    """

    name = "gift"
    at: Target = "play"
    method, route = "POST", "/v1/cards/gift"
    outcomes = ("unknown", "given", "again", "none", "closed", "pending", "refused")
    good = frozenset(("given", "again", "none"))

    def requests(self, aim: Aim, tokens: Sequence[bytes]) -> list[bytes]:
        """Once a user and run."""
        bodies = [
            {"key": key_of(aim), "season": aim.season, "to": to, "kind": 1 + place % KINDS, "whom": "family"}
            for place, to in enumerate(neighbours(tokens))
        ]
        return posts(aim, self.route, tokens, bodies)

    def understand(self, status: int, body: bytes) -> ParsedAnswer:
        """As `POST /v1/cards/gift` answers."""
        codes = {"card_not_owned": "none", "unknown_season": "closed", "season_ended": "closed"}
        return meaning(self.outcomes, status, body, {"done": "given"}, codes)


SHOT = GiftShot()
