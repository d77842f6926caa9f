"""A friend's tap: each user adds a neighbour, who adds him too; with the second of the two there is a tie."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.answers import ParsedAnswer
from harness.engine.orders import meaning, neighbours, posts
from harness.engine.shot import Aim, Target


class FriendShot:
    """*asked*: the other has not asked back yet. *tied*: there is a tie. *pending*: the COMMIT was not answered."""

    name = "friend"
    at: Target = "play"
    method, route = "POST", "/v1/friends"
    outcomes = ("unknown", "asked", "tied", "pending", "refused")
    good = frozenset(("asked", "tied"))

    def requests(self, aim: Aim, tokens: Sequence[bytes]) -> list[bytes]:
        """The pair is the key: asked again, it is the same request."""
        return posts(aim, self.route, tokens, [{"friend": uid} for uid in neighbours(tokens)])

    def understand(self, status: int, body: bytes) -> ParsedAnswer:
        """As `POST /v1/friends` answers."""
        return meaning(self.outcomes, status, body, {"asked": "asked", "tied": "tied"}, {})


SHOT = FriendShot()
