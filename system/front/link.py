"""The front's connection to control: one HTTP session, every call with a deadline, nothing repeated by itself.

Owns the translation of control's answers into the system's errors. The caller decides what is asked again.
"""

from __future__ import annotations

from typing import Any, Final, Protocol, Self, TypeVar

import aiohttp
from pydantic import BaseModel, Field, ValidationError

from system.contract.api import (
    ConfirmRequest,
    EpochGranted,
    EpochRequest,
    LeaseGranted,
    LeaseRequest,
    LedgerView,
    Registered,
    SyncAnswer,
    SyncRequest,
)
from system.contract.counts import CountsReport
from system.contract.errors import Conflict, NotFound, StoreRefused, StoreUnknown, Superseded
from system.contract.programme import ClockReading
from system.tokens import internal_key

KEY_HEADER = "X-Xiu-Key"
CALL_TIMEOUT_S: Final = 2.0
EPOCH_TIMEOUT_S: Final = 6.0
"""Control waits up to 5 s for its own store; a call given up too early costs one epoch more."""
LEDGER_TIMEOUT_S: Final = 60.0
"""The view holds every posting of a stream."""
_Answer = TypeVar("_Answer", bound=BaseModel)


class ControlApi(Protocol):
    """What a front asks of control. Each raises StoreUnknown (no answer: it may have happened), Superseded (a newer
    instance is known: stop serving), Conflict (the state does not allow it), NotFound, StoreRefused (a definite error).
    """

    async def register(self) -> Registered: ...

    async def clock(self) -> int:
        """Control's time, in microseconds."""
        ...

    async def sync(self, body: SyncRequest, clock: ClockReading | None = None) -> SyncAnswer:
        """`clock`: what this front knows of control's time; None: nothing."""
        ...

    async def epoch(self, round_id: int, body: EpochRequest) -> EpochGranted: ...

    async def lease(self, round_id: int, body: LeaseRequest) -> LeaseGranted: ...

    async def ledger(self, round_id: int, instance: int) -> LedgerView: ...

    async def confirm(self, round_id: int, body: ConfirmRequest) -> None: ...

    async def counts(self, body: CountsReport) -> None:
        """Writes counts down, once for each number."""
        ...


class ControlLink:
    """`ControlApi` over HTTP, for one front."""

    def __init__(self, url: str, front: int, secret: bytes) -> None:
        self._url = url
        self._base = f"/v1/fronts/{front}"
        self._headers = {KEY_HEADER: internal_key(secret)}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers=self._headers)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def register(self) -> Registered:
        return await self._call("POST", f"{self._base}/register", Registered)

    async def clock(self) -> int:
        return (await self._call("GET", "/v1/clock", _Clock)).now_us

    async def sync(self, body: SyncRequest, clock: ClockReading | None = None) -> SyncAnswer:
        # In the query, where a control of an older version does not look: it would refuse an unknown key of the body.
        query = "" if clock is None else f"&clock={clock}"
        return await self._call("POST", f"{self._base}/sync?lanes=1{query}", SyncAnswer, body)

    async def epoch(self, round_id: int, body: EpochRequest) -> EpochGranted:
        return await self._call("POST", f"{self._base}/rounds/{round_id}/epoch", EpochGranted, body, EPOCH_TIMEOUT_S)

    async def lease(self, round_id: int, body: LeaseRequest) -> LeaseGranted:
        return await self._call("POST", f"{self._base}/rounds/{round_id}/lease", LeaseGranted, body)

    async def ledger(self, round_id: int, instance: int) -> LedgerView:
        path = f"{self._base}/rounds/{round_id}/ledger?instance={instance}"
        return await self._call("GET", path, LedgerView, None, LEDGER_TIMEOUT_S)

    async def confirm(self, round_id: int, body: ConfirmRequest) -> None:
        await self._call("POST", f"{self._base}/rounds/{round_id}/confirm", _Confirmed, body)

    async def counts(self, body: CountsReport) -> None:
        await self._call("POST", f"{self._base}/counts", _Written, body)

    async def _call(
        self,
        method: str,
        path: str,
        answer: type[_Answer],
        body: BaseModel | None = None,
        timeout_s: float = CALL_TIMEOUT_S,
    ) -> _Answer:
        raw = await self._fetch(method, path, body, timeout_s)
        try:
            return answer.model_validate_json(raw)
        except ValidationError as exc:
            raise StoreUnknown(f"control {path}: {exc}") from exc

    async def _fetch(
        self, method: str, path: str, body: BaseModel | None = None, timeout_s: float = CALL_TIMEOUT_S
    ) -> bytes:
        assert self._session is not None, "use the link as a context manager"
        data = b"{}" if body is None and method == "POST" else body.model_dump_json().encode() if body else None
        headers = {"Content-Type": "application/json"} if data else {}
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        try:
            async with self._session.request(
                method, self._url + path, data=data, headers=headers, timeout=timeout
            ) as response:
                raw = await response.read()
                status = response.status
        except Exception as exc:
            # Not the client's errors alone: a connection that ends within its handshake makes the event loop raise
            # RuntimeError, and a damaged body raises whatever its decoder does.
            raise StoreUnknown(f"control {path}: {exc or type(exc).__name__}") from exc
        if status >= 300:
            raise _refusal(status, path, raw)
        return raw


class _Clock(BaseModel):
    now_us: int = Field(ge=0, lt=1 << 62)


class _Confirmed(BaseModel):
    confirmed: str


class _Written(BaseModel):
    number: int


class _Error(BaseModel):
    error: dict[str, Any]


def _refusal(status: int, path: str, raw: bytes) -> Exception:
    try:
        error = _Error.model_validate_json(raw).error
    except ValidationError:
        error = {}
    text = f"control {path}: {status} {error.get('message', '')}".rstrip()
    if status == 409:
        return Superseded(text) if error.get("code") == Superseded.code else Conflict(text)
    if status == 404:
        return NotFound(text)
    return StoreRefused(text) if error.get("effect") == "none" else StoreUnknown(text)
