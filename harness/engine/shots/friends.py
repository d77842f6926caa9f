"""A user's ties: whom he has become a friend of, such as by a claim. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.answers import ParsedAnswer, json_object
from harness.engine.orders import read_meaning, reads
from harness.engine.shot import Aim, Target


class FriendsShot:
    """*tied*: he has at least one tie. *alone*: none."""

    name = "friends"
    at: Target = "play"
    method, route = "GET", "/v1/friends"
    outcomes = ("unknown", "tied", "alone", "refused")
    good = frozenset(("tied", "alone"))

    def requests(self, aim: Aim, tokens: Sequence[bytes]) -> list[bytes]:
        """The first page."""
        return reads(aim, f"{self.route}?limit=1", tokens)

    def understand(self, status: int, body: bytes) -> ParsedAnswer:
        """A page without `friends` is no answer."""
        friends = json_object(body).get("friends") if status == 200 else None
        found = None if not isinstance(friends, list) else "tied" if friends else "alone"
        return read_meaning(self.outcomes, status, body, found)


SHOT = FriendsShot()
