"""Orders to play as requests of shots: a POST with a body of JSON for each user, and the meaning of its answer. Pure.

Owns no route. A shot that orders something says by which codes of a refusal its own outcomes are known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.engine.answers import UNKNOWN, ParsedAnswer, code_of, json_object, nothing_happened
from harness.engine.shot import Aim
from system.contract.ids import INT8_MAX, TAG_HEADER
from system.contract.numbers import whole_number

KEY_CHARS_MAX = 64


def key_of(aim: Aim) -> str:
    """The key of an order that a user gives once in a run; the ledger adds the user."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", f"{aim.round}-{aim.tag or 'live'}")[:KEY_CHARS_MAX]


def uid_of(token: bytes) -> int:
    """Whose a token is, `uid.exp.sig`; 0 for a text of another shape."""
    return whole_number(token.partition(b".")[0].decode("ascii", "replace"), INT8_MAX) or 0


def neighbours(tokens: Sequence[bytes]) -> list[int]:
    """Of each user another one: the first and the second of the tokens have each other, the third and the fourth, …

    The last of an odd number has the one before.
    """
    uids = [uid_of(token) for token in tokens]
    return [uids[place ^ 1] if place ^ 1 < len(uids) else uids[place - 1] for place in range(len(uids))]


def posts(aim: Aim, route: str, tokens: Sequence[bytes], bodies: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """The whole bytes of each user's request. Play tells users apart by token, and lanes by the tag."""
    head = f"POST {route} HTTP/1.1\r\nHost: {aim.host}\r\nAuthorization: Bearer ".encode()
    tag = f"\r\n{TAG_HEADER}: {aim.tag}" if aim.tag else ""
    made: list[bytes] = []
    for token, body in zip(tokens, bodies, strict=True):
        text = json.dumps(body, separators=(",", ":")).encode()
        tail = f"{tag}\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n".encode()
        made.append(head + token + tail + text)
    return made


def reads(aim: Aim, path: str, tokens: Sequence[bytes]) -> list[bytes]:
    """The whole bytes of each user's question."""
    head = f"GET {path} HTTP/1.1\r\nHost: {aim.host}\r\nAuthorization: Bearer ".encode()
    tail = (f"\r\n{TAG_HEADER}: {aim.tag}" if aim.tag else "").encode() + b"\r\n\r\n"
    return [head + token + tail for token in tokens]


def read_meaning(outcomes: Sequence[str], status: int, body: bytes, found: str | None) -> ParsedAnswer:
    """`found`: the outcome that a 200 means, None where it makes no sense. A definite no is *refused*."""
    if status == 200 and found is not None:
        return ParsedAnswer(code_of(outcomes.index(found), status))
    if status >= 400 and (nothing := nothing_happened(status, body)) is not None:
        return ParsedAnswer(code_of(outcomes.index("refused"), status, effect_none=nothing))
    return ParsedAnswer(code_of(UNKNOWN, status))


def meaning(
    outcomes: Sequence[str], status: int, body: bytes, done: Mapping[str, str], by_code: Mapping[str, str]
) -> ParsedAnswer:
    """`done`: the answer's `state` → outcome, at a 200; there *again* where it was done before, if that is an outcome.
    `by_code`: a refusal's code → outcome, else *refused*. A 202 is *pending*. Whatever else: *unknown*.
    """
    document = json_object(body)
    state = str(document.get("state"))
    if status == 200 and state in done:
        again = document.get("again") is True and "again" in outcomes
        return ParsedAnswer(code_of(outcomes.index("again" if again else done[state]), status))
    if status == 202 and state == "pending":
        return ParsedAnswer(code_of(outcomes.index("pending"), status))
    if status >= 400 and (nothing := nothing_happened(status, body)) is not None:
        error = document.get("error")
        code = error.get("code") if isinstance(error, dict) else None
        outcome = by_code.get(str(code), "refused")
        return ParsedAnswer(code_of(outcomes.index(outcome), status, effect_none=nothing))
    return ParsedAnswer(code_of(UNKNOWN, status))
