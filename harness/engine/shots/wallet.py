"""The read of a wallet: what a user's balance is, asked of play with the user's own token. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.answers import UNKNOWN, ParsedAnswer, code_of, json_object, nothing_happened
from harness.engine.shot import Aim, Target
from system.contract.ids import TAG_HEADER

EMPTY, FUNDED, REFUSED = 1, 2, 3


class WalletShot:
    """*funded*: the user has money. *empty*: none. An answer without a balance is no answer: *unknown*."""

    name = "wallet"
    at: Target = "play"
    method, route = "GET", "/v1/wallet"
    outcomes = ("unknown", "empty", "funded", "refused")
    good = frozenset(("empty", "funded"))

    def requests(self, aim: Aim, tokens: Sequence[bytes]) -> list[bytes]:
        """Play tells users apart by token, and lanes by the tag."""
        head = f"{self.method} {self.route} HTTP/1.1\r\nHost: {aim.host}\r\nAuthorization: Bearer ".encode()
        tail = (f"\r\n{TAG_HEADER}: {aim.tag}" if aim.tag else "").encode() + b"\r\n\r\n"
        return [head + token + tail for token in tokens]

    def understand(self, status: int, body: bytes) -> ParsedAnswer:
        """A balance is a whole number of fen, not below 0."""
        if status == 200:
            balance = json_object(body).get("balance_fen")
            if isinstance(balance, int) and not isinstance(balance, bool) and balance >= 0:
                return ParsedAnswer(code_of(FUNDED if balance else EMPTY, status))
        elif status >= 400 and (nothing := nothing_happened(status, body)) is not None:
            return ParsedAnswer(code_of(REFUSED, status, effect_none=nothing))
        return ParsedAnswer(code_of(UNKNOWN, status))


SHOT = WalletShot()
