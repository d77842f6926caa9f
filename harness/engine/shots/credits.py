"""The first page of a user's statement: what moved his money, newest first. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.answers import ParsedAnswer, json_object
from harness.engine.orders import read_meaning, reads
from harness.engine.shot import Aim, Target


class CreditsShot:
    """*lines*: at least one. *empty*: nothing moved yet."""

    name = "credits"
    at: Target = "play"
    method, route = "GET", "/v1/wallet/statement"
    outcomes = ("unknown", "lines", "empty", "refused")
    good = frozenset(("lines", "empty"))

    def requests(self, aim: Aim, tokens: Sequence[bytes]) -> list[bytes]:
        """Play tells users apart by token, and lanes by the tag."""
        return reads(aim, self.route, tokens)

    def understand(self, status: int, body: bytes) -> ParsedAnswer:
        """A page without `lines` is no answer."""
        lines = json_object(body).get("lines") if status == 200 else None
        found = None if not isinstance(lines, list) else "lines" if lines else "empty"
        return read_meaning(self.outcomes, status, body, found)


SHOT = CreditsShot()
