"""A card to a neighbour, of a kind by the user's place: who has none of it is told so, which is an answer as well."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.answers import ParsedAnswer
from harness.engine.orders import key_of, meaning, neighbours, posts, uid_of
from harness.engine.shot import Aim, Following, People, Target

KINDS = 5
FAMILY = 500
"""One tap in 128 has a ticket: of so many people of a town thirty get a card, and among these are all five kinds."""


def gatherer(place: int) -> int:
    """Who gathers the cards of a family: the first of the people who stand side by side."""
    return place // FAMILY * FAMILY


class GiftShot:
    """*given*: a card went. *again*: it had gone before. *none*: no card of that kind. *closed*: no open season of that
    number. *pending*: the COMMIT was not answered; it may have gone.
    """

    name = "gift"
    at: Target = "play"
    noted = True
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

    def follow(self, people: People, place: int, note: str, each: int) -> list[Following]:
        """A card that came (`note`: its kind) goes to whoever gathers the family's."""
        to = gatherer(place)
        if to == place or not note:
            return []
        body = {
            "key": f"{key_of(people.aim)[:60]}-{note}", "season": people.aim.season, "to": uid_of(people.tokens[to]),
            "kind": int(note), "whom": "family",
        }  # fmt: skip
        return [(place, posts(people.aim, self.route, [people.tokens[place]], [body])[0])]

    def understand(self, status: int, body: bytes) -> ParsedAnswer:
        """As `POST /v1/cards/gift` answers."""
        codes = {"card_not_owned": "none", "unknown_season": "closed", "season_ended": "closed"}
        return meaning(self.outcomes, status, body, {"done": "given"}, codes)


SHOT = GiftShot()
