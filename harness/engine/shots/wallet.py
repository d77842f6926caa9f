"""The read of a wallet: what a user's balance is, asked of play with the user's own token. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.engine.answers import UNKNOWN, ParsedAnswer, code_of, json_object, nothing_happened
from harness.engine.orders import reads
from harness.engine.shot import Aim, Following, People, Target

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
        return reads(aim, self.route, tokens)

    def follow(self, people: People, place: int, note: str, each: int) -> list[Following]:
        """The same user looks; after a win he asks about that award."""
        path = f"{self.route}?award={note}" if note else self.route
        return [(place, reads(people.aim, path, [people.tokens[place]])[0])] * each

    def understand(self, status: int, body: bytes) -> ParsedAnswer:
        """A balance is a whole number of fen, not below 0."""
        if status == 200:
            document = json_object(body)
            balance = document.get("balance_fen")
            if isinstance(balance, int) and not isinstance(balance, bool) and balance >= 0:
                return ParsedAnswer(code_of(FUNDED if balance else EMPTY, status), note=_credited(document))
        elif status >= 400 and (nothing := nothing_happened(status, body)) is not None:
            return ParsedAnswer(code_of(REFUSED, status, effect_none=nothing))
        return ParsedAnswer(code_of(UNKNOWN, status))


def _credited(document: dict[str, Any]) -> str:
    """The award that was asked about, if its money is there."""
    award = document.get("award")
    if document.get("processing") is not False or not isinstance(award, dict) or not isinstance(award.get("fen"), int):
        return ""
    return str(award.get("award", ""))


SHOT = WalletShot()
