"""Five Blessings combined: all five kinds at once, or none. Who lacks a kind is told so, and keeps what he has."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.answers import ParsedAnswer
from harness.engine.orders import key_of, meaning, posts
from harness.engine.shot import Aim, Following, People, Target
from harness.engine.shots.gift import gatherer


class CombineShot:
    """*combined*: five cards became a blessing. *again*: they had before. *missing*: not all five kinds. *closed*: no
    open season of that number. *pending*: the COMMIT was not answered; it may have happened.
    """

    name = "combine"
    at: Target = "play"
    method, route = "POST", "/v1/cards/combine"
    outcomes = ("unknown", "combined", "again", "missing", "closed", "pending", "refused")
    good = frozenset(("combined", "again", "missing"))

    def requests(self, aim: Aim, tokens: Sequence[bytes]) -> list[bytes]:
        """Once a season, whatever the key."""
        return posts(aim, self.route, tokens, [{"key": key_of(aim), "season": aim.season}] * len(tokens))

    def follow(self, people: People, place: int, note: str, each: int) -> list[Following]:
        """After a gift: whoever gathers the family's cards tries."""
        who = gatherer(place)
        return [(who, self.requests(people.aim, [people.tokens[who]])[0])]

    def understand(self, status: int, body: bytes) -> ParsedAnswer:
        """As `POST /v1/cards/combine` answers."""
        codes = {
            "kinds_missing": "missing", "combined_already": "again", "unknown_season": "closed",
            "season_ended": "closed",
        }  # fmt: skip
        return meaning(self.outcomes, status, body, {"done": "combined"}, codes)


SHOT = CombineShot()
