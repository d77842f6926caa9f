"""The answers of a front as bytes, made once where nothing in them changes. Pure; decides nothing."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import NamedTuple

from system.contract import errors
from system.contract.errors import XiuError
from system.contract.ids import award_id
from system.front.metrics import KIND
from system.front.seam import SettledWin

JSON_TYPE = "application/json"
_WIN, _LOSE, _REPEAT = KIND["win"], KIND["lose"], KIND["repeat"]
UNCOUNTED = -1
"""`kind` of answers that are not about a tap."""


class HttpAnswer(NamedTuple):
    """A whole HTTP/1.1 answer, for connections that stay and that close; `kind` is its place in TAP_KINDS."""

    status: int
    keep: bytes
    close: bytes
    kind: int
    head_bytes: int
    """Length of `close` up to its body, for an answer to HEAD."""


def answer(status: int, body: bytes, kind: int, headers: str = "") -> HttpAnswer:
    """An answer with `body`; `headers` are further lines, each ended with CRLF."""
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: {JSON_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\n{headers}"
    ).encode()
    closing = head + b"Connection: close\r\n\r\n"
    return HttpAnswer(status, head + b"\r\n" + body, closing + body, kind, len(closing))


def _json(data: object) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode()


def refusal(error: XiuError, headers: str = "", **more: int) -> HttpAnswer:
    """The answer for `error`; `more` stands beside "error" in the body."""
    return answer(error.status, _json({**error.body(), **more}), KIND.get(error.code, UNCOUNTED), headers)


def lose(next_ms: int) -> HttpAnswer:
    """A losing answer. `next_ms`: a user who waits this long is never refused by the limiter."""
    return answer(200, _json({"won": False, "next_ms": next_ms}), _LOSE)


def losing_with(next_ms: int, ticket: str) -> HttpAnswer:
    """A losing answer that has a ticket, which holds letters, digits and dots; it ends with the ticket and `"}`."""
    return answer(200, f'{{"won":false,"next_ms":{next_ms},"ticket":"{ticket}"}}'.encode(), _LOSE)


def won(round_id: int, win: SettledWin, repeat: bool) -> HttpAnswer:
    """A settled win, the first time or shown again."""
    # Written out as text: after a while repeats are frequent, and all fields are numbers.
    body = (
        f'{{"won":true,"award":"{award_id(round_id, win.packet)}","fen":{win.fen},"sponsor":{win.sponsor},'
        f'"repeat":{"true" if repeat else "false"}}}'
    )
    return answer(200, body.encode(), _REPEAT if repeat else _WIN)


def not_open(starts_in_us: int) -> HttpAnswer:
    """The round has not begun; rounded up, so that a client who waits that long is not early."""
    return refusal(errors.NotOpenYet("the round is not open yet"), starts_in_ms=-(-starts_in_us // 1000))


PENDING = answer(202, _json({"pending": True}), KIND["pending"])
BAD_REQUEST = refusal(errors.BadRequest("the request is not well-formed HTTP/1.1"))
BAD_TOKEN = refusal(
    errors.BadToken("the token is missing, malformed, forged or expired"), "WWW-Authenticate: Bearer\r\n"
)
BAD_TAG = refusal(errors.BadTag("the stress tag is malformed, forged or expired"))
UNKNOWN_ROUND = refusal(errors.UnknownRound("no such round"))
NOT_FOUND = refusal(errors.NotFound("no such resource"))
ALLOW_POST = refusal(errors.MethodNotAllowed("a tap is a POST"), "Allow: POST\r\n")
ALLOW_GET = refusal(errors.MethodNotAllowed("this resource is read with GET"), "Allow: GET, HEAD\r\n")
REQUEST_TIMEOUT = refusal(errors.RequestTimeout("the request did not arrive in time"))
ROUND_OVER = refusal(errors.RoundOver("the round is over"))
TOO_LARGE = refusal(errors.BodyTooLarge("the body is too large"))
FOREIGN_USER = refusal(errors.ForeignUser("this user belongs to another front"))
TOO_FAST = refusal(errors.TooFast("too many taps"), "Retry-After: 1\r\n")
HEADERS_TOO_LARGE = refusal(errors.HeadersTooLarge("the head of the request is too large"))
DEGRADED = refusal(errors.Degraded("refused on purpose; nothing happened"))
HEALTHY = answer(200, b'{"status":"ok"}', UNCOUNTED)
NOT_READY = refusal(errors.Degraded("this front is not serving"))
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
