"""The tap: one try at a packet of a round. Its outcomes are the contract's (`system.contract.history.Outcome`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.engine.answers import ParsedAnswer, code_of, json_object, nothing_happened
from harness.engine.shot import Aim, Target
from system.contract.history import NO_PACKET, Outcome
from system.contract.ids import TAG_HEADER, parse_award_id
from system.contract.routing import TAP_ROUTE, tap_path

METHOD, ROUTE = "POST", TAP_ROUTE


class TapShot:
    """A 5xx whose body does not say ``"effect":"none"`` is UNKNOWN: it may have happened."""

    name = "tap"
    at: Target = "fronts"
    method, route = METHOD, ROUTE
    outcomes = tuple(outcome.name.lower() for outcome in Outcome)
    good = frozenset(outcome.name.lower() for outcome in (Outcome.WIN, Outcome.LOSE, Outcome.REPEAT))

    def requests(self, aim: Aim, tokens: Sequence[bytes]) -> list[bytes]:
        """The Host is the first front's: fronts tell users apart by token alone."""
        line = f"{METHOD} {tap_path(aim.round)} HTTP/1.1"
        head = f"{line}\r\nHost: {aim.host}\r\nContent-Length: 0\r\nAuthorization: Bearer ".encode()
        tail = (f"\r\n{TAG_HEADER}: {aim.tag}" if aim.tag else "").encode() + b"\r\n\r\n"
        return [head + token + tail for token in tokens]

    def understand(self, status: int, body: bytes) -> ParsedAnswer:
        """The status codes and bodies are those of `system/front/answers.py`."""
        if status == 200:
            data = json_object(body)
            won = data.get("won")
            if won is False:
                ticket = data.get("ticket", "")
                # A ticket is one user's in one second: such an answer is not worth remembering.
                return ParsedAnswer(
                    code_of(Outcome.LOSE, status),
                    plain="ticket" not in data,
                    ticket=ticket if isinstance(ticket, str) else "",
                    note=ticket if isinstance(ticket, str) else "",
                )
            if won is True:
                return _win(status, data)
        elif status == 202:
            return ParsedAnswer(code_of(Outcome.PENDING, status))
        elif status >= 400 and (nothing := nothing_happened(status, body)) is not None:
            return ParsedAnswer(code_of(Outcome.REFUSED, status, effect_none=nothing), plain=True)
        return ParsedAnswer(code_of(Outcome.UNKNOWN, status))


def _win(status: int, data: dict[str, Any]) -> ParsedAnswer:
    try:
        _, packet = parse_award_id(data["award"])
        fen = int(data["fen"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return ParsedAnswer(code_of(Outcome.UNKNOWN, status))
    if not (0 <= packet < NO_PACKET and 0 <= fen < 1 << 32):
        return ParsedAnswer(code_of(Outcome.UNKNOWN, status))
    if data.get("repeat"):
        return ParsedAnswer(code_of(Outcome.REPEAT, status), packet, fen, settled=True, note=data["award"])
    return ParsedAnswer(code_of(Outcome.WIN, status), packet, fen, note=data["award"])


SHOT = TapShot()
