"""The system's error tree: each class knows its HTTP status, its code and whether anything may have happened.

`effect` is "none" when the request certainly changed nothing, "unknown" when it may have.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

Effect = Literal["none", "unknown"]
MESSAGE_CHARS_MAX = 1_000
"""Most characters of an error body: an answer does not repeat long input."""


class XiuError(Exception):
    """Root of every error the system raises on purpose."""

    status = 500
    code = "internal"
    effect: Effect = "unknown"

    def body(self) -> dict[str, Any]:
        """The JSON body of an answer that is not 2xx."""
        message = str(self) or self.code
        if len(message) > MESSAGE_CHARS_MAX:
            message = message[:MESSAGE_CHARS_MAX] + "…"
        return {"error": {"code": self.code, "message": message, "effect": self.effect}}

    def headers(self) -> dict[str, str]:
        """What HTTP wants beside the body."""
        return {}


class SettingsError(XiuError):
    """A limit contradicts another, or an environment variable is missing or malformed; raised at start only.

    `exit_code`: that of a command which it ends.
    """

    exit_code = 2
    code = "settings"
    effect: Effect = "none"


class Refused(XiuError):
    """A definite refusal: nothing changed. A repeat is safe."""

    status = 400
    code = "bad_request"
    effect: Effect = "none"


class BadRequest(Refused):
    """The request does not parse, or a field is missing or not what it may be."""


class OutOfRange(BadRequest):
    """A number is well written, and larger or smaller than it may be: an id that nobody has, an amount that none is."""

    code = "out_of_range"


class NoBudget(BadRequest):
    """A sponsor with a budget of 0."""

    code = "no_budget"


class BadToken(Refused):
    status, code = 401, "bad_token"

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class BadTag(Refused):
    status, code = 403, "bad_tag"


class UnknownRound(Refused):
    status, code = 404, "unknown_round"


class NotFound(Refused):
    status, code = 404, "not_found"


class UnknownSeason(NotFound):
    """Never opened on this lane."""

    code = "unknown_season"


class MethodNotAllowed(Refused):
    """`allowed`: the methods there are."""

    status, code = 405, "method_not_allowed"

    def __init__(self, message: str, allowed: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.allowed = tuple(sorted(allowed))

    def headers(self) -> dict[str, str]:
        return {"Allow": ", ".join(self.allowed)} if self.allowed else {}


class RequestTimeout(Refused):
    status, code = 408, "request_timeout"


class NotOpenYet(Refused):
    status, code = 409, "not_open"


class Conflict(Refused):
    """The state does not allow it (a lease number of an old epoch, a close before the end)."""

    status, code = 409, "conflict"


class SeasonEnded(Conflict):
    """Cards neither come nor move any more."""

    code = "season_ended"


class NotOver(Conflict):
    """A close before the round's end. `ends_in_ms`, in the body beside "error": the time left, rounded up."""

    def __init__(self, message: str, ends_in_ms: int) -> None:
        super().__init__(message)
        self.ends_in_ms = ends_in_ms

    def body(self) -> dict[str, Any]:
        return super().body() | {"ends_in_ms": self.ends_in_ms}


class Superseded(Refused):
    """A newer instance of this front is known; the caller must stop serving."""

    status, code = 409, "superseded"


class RoundOver(Refused):
    status, code = 410, "round_over"


class BodyTooLarge(Refused):
    status, code = 413, "too_large"


class UnsupportedMediaType(Refused):
    """A body that says it is something else than JSON."""

    status, code = 415, "unsupported_media_type"


class ForeignUser(Refused):
    status, code = 421, "foreign_user"


class TooFast(Refused):
    """`retry_after_s`: whoever waits so long, in whole seconds, is let in."""

    status, code = 429, "too_fast"

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after_s)}


class HeadersTooLarge(Refused):
    status, code = 431, "headers_too_large"


class Degraded(Refused):
    """Refused on purpose, nothing happened."""

    status, code = 503, "degraded"


class StoreUnknown(XiuError):
    """A store did not answer in time or the connection broke: the operation may have happened."""

    status, code = 503, "store_unknown"


class StoreRefused(XiuError):
    """A store answered with a definite error: the operation did not happen."""

    status, code = 503, "store_refused"
    effect: Effect = "none"
