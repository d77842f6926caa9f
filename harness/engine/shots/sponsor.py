"""A sponsor's statement, asked with the operators' token: what the round's first sponsor paid in, and where it is.

Changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.answers import ParsedAnswer, json_object
from harness.engine.orders import read_meaning
from harness.engine.shot import Aim, Target

LINES = 50


class SponsorShot:
    """*lines*: at least one. *empty*: the sponsor has paid nothing in."""

    name = "sponsor"
    at: Target = "play"
    who = "operator"
    method, route = "GET", "/v1/sponsors/{sponsor}/statement"
    outcomes = ("unknown", "lines", "empty", "refused")
    good = frozenset(("lines", "empty"))

    def requests(self, aim: Aim, tokens: Sequence[bytes]) -> list[bytes]:
        """An operator names the lane; a tag is a user's."""
        path = f"/v1/sponsors/{aim.sponsor}/statement?lane={'stress' if aim.tag else 'live'}&limit={LINES}"
        head = f"GET {path} HTTP/1.1\r\nHost: {aim.host}\r\nAuthorization: Bearer ".encode()
        return [head + token + b"\r\n\r\n" for token in tokens]

    def understand(self, status: int, body: bytes) -> ParsedAnswer:
        """A page without `lines` is no answer."""
        lines = json_object(body).get("lines") if status == 200 else None
        found = None if not isinstance(lines, list) else "lines" if lines else "empty"
        return read_meaning(self.outcomes, status, body, found)


SHOT = SponsorShot()
