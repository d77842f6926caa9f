"""Spending a fen from a wallet: the money that a user won leaves it again, once in a run.

The key is the run's and the round's, and the ledger adds the user: asked again, the same order is answered the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from harness.engine.answers import UNKNOWN, ParsedAnswer, code_of, json_object, nothing_happened
from harness.engine.shot import Aim, Target
from system.contract.ids import TAG_HEADER

SPENT, AGAIN, EMPTY, UNNAMED, PENDING, REFUSED = 1, 2, 3, 4, 5, 6
_BY_CODE = {"insufficient": EMPTY, "no_real_name": UNNAMED}
KEY_CHARS_MAX = 64


class SpendShot:
    """*spent*: a fen left. *again*: it had left before. *empty*: nothing was credited yet. *unnamed*: no real name, so
    no money moves. *pending*: the COMMIT was not answered; it may have left.
    """

    name = "spend"
    at: Target = "play"
    method, route = "POST", "/v1/wallet/spend"
    outcomes = ("unknown", "spent", "again", "empty", "unnamed", "pending", "refused")
    good = frozenset(("spent", "again", "empty", "unnamed"))

    def requests(self, aim: Aim, tokens: Sequence[bytes]) -> list[bytes]:
        """Play tells users apart by token, and lanes by the tag."""
        key = re.sub(r"[^A-Za-z0-9_-]", "-", f"{aim.round}-{aim.tag or 'live'}")[:KEY_CHARS_MAX]
        body = json.dumps({"key": key, "fen": 1, "what": "a drill"}, separators=(",", ":")).encode()
        head = f"{self.method} {self.route} HTTP/1.1\r\nHost: {aim.host}\r\nAuthorization: Bearer ".encode()
        tag = f"\r\n{TAG_HEADER}: {aim.tag}" if aim.tag else ""
        tail = f"{tag}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        return [head + token + tail for token in tokens]

    def understand(self, status: int, body: bytes) -> ParsedAnswer:
        """Only a transfer with a number is one that was made."""
        document = json_object(body)
        if status == 200 and document.get("state") == "done" and isinstance(document.get("transfer"), int):
            return ParsedAnswer(code_of(AGAIN if document.get("again") is True else SPENT, status))
        if status == 202 and document.get("state") == "pending":
            return ParsedAnswer(code_of(PENDING, status))
        if status >= 400 and (nothing := nothing_happened(status, body)) is not None:
            error = document.get("error")
            code = error.get("code") if isinstance(error, dict) else None
            return ParsedAnswer(code_of(_BY_CODE.get(str(code), REFUSED), status, effect_none=nothing))
        return ParsedAnswer(code_of(UNKNOWN, status))


SHOT = SpendShot()
