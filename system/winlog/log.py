"""The win log in Valkey: fenced append, fenced read, plain read. The one place where the driver's errors are
translated.

Owns the client (library retries off) and the server-side functions of append.lua. Sends nothing twice by itself: the
front decides what is sent again.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cache, wraps
from importlib import resources
from typing import Any, Concatenate, Final, ParamSpec, Self, TypeVar

from valkey.asyncio import Valkey
from valkey.asyncio.retry import Retry
from valkey.backoff import NoBackoff
from valkey.exceptions import BusyLoadingError, ResponseError, ValkeyError

from system.contract.errors import StoreRefused, StoreUnknown, XiuError
from system.contract.ids import START, Lane, Position, fence_key, stream_key
from system.winlog.codec import Stored
from system.winlog.errors import AppendUnknown, Fenced, StaleEpoch

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Call = Callable[Concatenate["WinLog", _P], Coroutine[Any, Any, _T]]

LIBRARY: Final = "xiu_winlog"
PAGE: Final = 500
"""Entries of one fenced read: at most 8 MiB."""
PACKED_FROM: Final = 32
"""Reads of at least so many entries come packed."""


class Verdict(StrEnum):
    """The result of an append. FENCED and CONFLICT never mean *not awarded*: they mean a new epoch."""

    OK = "OK"  # stored and synced, by this call or by an earlier one of the same bytes
    FENCED = "FENCED"
    CONFLICT = "CONFLICT"


@cache
def library_code() -> str:
    """The source of the function library."""
    return resources.files("system.winlog").joinpath("append.lua").read_text(encoding="utf-8")


@cache
def _reader() -> tuple[str, str]:
    """The script of a packed read, and its name on the server."""
    text = resources.files("system.winlog").joinpath("read.lua").read_text(encoding="utf-8")
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class WinLogStore:
    """One Valkey and the win logs in it. Every call ends within `timeout_s`, or raises StoreUnknown."""

    def __init__(self, url: str, *, timeout_s: float, connections_max: int = 32) -> None:
        self._client: Valkey = Valkey.from_url(
            url,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            max_connections=connections_max,
            retry=Retry(NoBackoff(), 0),
            retry_on_timeout=False,
            retry_on_error=[],
            health_check_interval=0,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes every connection, whatever state its store left it in."""
        with contextlib.suppress(StoreUnknown), _translated("a close", StoreUnknown):
            await self._client.aclose()

    async def hang_up(self) -> None:
        """Closes the connections that no call uses now."""
        with contextlib.suppress(StoreUnknown), _translated("a hang-up", StoreUnknown):
            await self._client.connection_pool.disconnect(inuse_connections=False)

    def stream(self, cell: int, lane: Lane, round_id: int, front: int) -> WinLog:
        """The log of one front, lane and round."""
        return WinLog(self, stream_key(cell, lane, round_id, front), fence_key(cell, lane, round_id, front))

    async def ensure_library(self) -> bool:
        """Loads the functions if they are missing or of another version; True if it did. A load drops every fence."""
        found = await self.command("FUNCTION", "LIST", "LIBRARYNAME", LIBRARY, "WITHCODE")
        if any(library_code().encode() in _flat(row) for row in found):
            return False
        try:
            # Without REPLACE when there is none: of two that load at once, the second must not drop the first's fence.
            await self.command("FUNCTION", "LOAD", *(["REPLACE"] if found else []), library_code())
        except StoreRefused as exc:
            if "already exists" not in str(exc):
                raise
            return False
        return True

    async def command(self, *parts: bytes | str | int, unknown: type[StoreUnknown] = StoreUnknown) -> Any:
        """One command, sent at most once. Raises StoreRefused (did not happen), or `unknown` (may have)."""
        with _translated(_name(parts), unknown):
            return await self._client.execute_command(*parts)  # type: ignore[no-untyped-call]

    async def pipeline(self, commands: list[tuple[bytes | str | int, ...]]) -> list[Any]:
        """Commands in order on one connection; an answer may be an error of this package. Raises AppendUnknown."""
        pipe = self._client.pipeline(transaction=False)
        for parts in commands:
            pipe.execute_command(*parts)
        with _translated(f"{len(commands)} commands", AppendUnknown):
            answers = await pipe.execute(raise_on_error=False)
            return [
                _refusal(a, _name(c)) if isinstance(a, Exception) else a for a, c in zip(answers, commands, strict=True)
            ]


@contextmanager
def _translated(what: str, unknown: type[StoreUnknown]) -> Iterator[None]:
    """As `_as_ours`; and a cancellation that came meanwhile is raised, whatever became of the call.

    The driver waits with `asyncio.wait_for`, which before Python 3.12 drops a cancellation that comes in the moment
    when the wait is over: a part that is stopped would go on for ever.
    """
    before = _cancellations()
    try:
        with _as_ours(what, unknown):
            yield
    finally:
        if _cancellations() > before:
            raise asyncio.CancelledError


def _cancellations() -> int:
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


@contextmanager
def _as_ours(what: str, unknown: type[StoreUnknown]) -> Iterator[None]:
    """Turns whatever the driver, the event loop or a senseless answer raises into this package's own errors.

    Every exception, because there is no complete list: a connection that ends within its handshake makes uvloop raise
    RuntimeError, and a torn answer makes the parser raise whatever its next line causes.
    """
    try:
        yield
    except XiuError:
        raise
    except (ResponseError, BusyLoadingError) as exc:
        raise _refusal(exc, what) from exc
    except (ValkeyError, OSError, TimeoutError) as exc:
        raise unknown(f"no answer to {what}: {exc or type(exc).__name__}") from exc
    except Exception as exc:
        raise unknown(f"no sound answer to {what}: {type(exc).__name__}: {exc}") from exc


def _sound(unknown: type[StoreUnknown]) -> Callable[[_Call[_P, _T]], _Call[_P, _T]]:
    """An answer that makes no sense to a method counts as no answer: `unknown`. It may be the answer to another
    question, so all open connections are closed, and the next question cannot get this one's.
    """

    def wrap(method: _Call[_P, _T]) -> _Call[_P, _T]:
        @wraps(method)
        async def asked(self: WinLog, /, *args: _P.args, **more: _P.kwargs) -> _T:
            try:
                return await method(self, *args, **more)
            except XiuError:
                raise
            except Exception as exc:
                await self._store.hang_up()
                raise unknown(f"no sound answer to {method.__name__}: {type(exc).__name__}: {exc}") from exc

        return asked

    return wrap


class WinLog:
    """The log of one front, lane and round. Append and fenced reads belong to the front, the fence to control."""

    __slots__ = ("_keys", "_store", "key")

    def __init__(self, store: WinLogStore, stream: str, fence: str) -> None:
        self._store = store
        self.key = stream
        self._keys: tuple[int, str, str] = (2, stream, fence)

    @_sound(AppendUnknown)
    async def append(self, entry: bytes, epoch: int, sequence: int) -> Verdict:
        """Stores the entry under `epoch-sequence`, or says why not; OK only after the fsync.

        Raises AppendUnknown (no answer: it may be stored), StoreRefused (a definite error: it is not).
        """
        parts = ("FCALL", "xiu_append", *self._keys, epoch, sequence, entry)
        try:
            return _verdict(await self._store.command(*parts, unknown=AppendUnknown))
        except Fenced:
            return Verdict.FENCED

    @_sound(AppendUnknown)
    async def append_many(self, entries: list[Stored]) -> list[Verdict]:
        """Appends in order, pipelined, for a rebuild; one verdict each. Raises as `append` does."""
        answers = await self._store.pipeline(
            [("FCALL", "xiu_append", *self._keys, *at, entry) for at, entry in entries]
        )
        verdicts = []
        for answer in answers:
            if isinstance(answer, Fenced):
                verdicts.append(Verdict.FENCED)
            elif isinstance(answer, XiuError):
                raise answer
            else:
                verdicts.append(_verdict(answer))
        return verdicts

    @_sound(StoreUnknown)
    async def raise_fence(self, epoch: int) -> None:
        """Makes the stream accept `epoch` alone. At most one call per epoch number, whatever it raises.

        Raises StaleEpoch (this or a higher one is known), StoreUnknown (it may be raised: take the next epoch).
        """
        await self._store.ensure_library()
        state, known = await self._store.command("FCALL", "xiu_raise", *self._keys, epoch)
        if state not in (b"RAISED", b"STALE"):
            raise ValueError(f"{state!r} is neither RAISED nor STALE")
        if state == b"STALE":
            raise StaleEpoch(f"{self.key}: epoch {epoch} is not above {int(known)}", int(known))

    @_sound(StoreUnknown)
    async def read_under_fence(self, epoch: int) -> list[Stored]:
        """The whole stream, while `epoch` is the one accepted. Raises Fenced as soon as it is not."""
        found: list[Stored] = []
        while True:
            after = found[-1].at if found else START
            state, *rest = await self._store.command("FCALL", "xiu_read", *self._keys, epoch, str(after), PAGE)
            self._check(state, epoch)
            page = [Stored(_position(at), entry) for at, entry in rest[0]]
            found += page
            if len(page) < PAGE:
                return found

    @_sound(StoreUnknown)
    async def last_id(self, epoch: int) -> Position:
        """Where the stream ends, (0, 0) when empty, while `epoch` is the one accepted. Raises Fenced otherwise."""
        state, *rest = await self._store.command("FCALL", "xiu_last", *self._keys, epoch)
        self._check(state, epoch)
        return _position(rest[0])

    @_sound(StoreUnknown)
    async def read_after(self, position: Position, count: int) -> list[Stored]:
        """Up to `count` entries behind `position`, without a fence: for credit and audit."""
        if count >= PACKED_FROM:
            return await self._read_packed(position, count)
        rows = await self._store.command("XRANGE", self.key, f"({position}", "+", "COUNT", count)
        return [Stored(_position(at), _payload(fields)) for at, fields in rows]

    async def _read_packed(self, position: Position, count: int) -> list[Stored]:
        """The same in three strings: the driver takes 20 µs for each entry of a tree, this takes 3."""
        text, sha = _reader()
        parts = (1, self.key, str(position), count)
        try:
            ids, sizes, body = await self._store.command("EVALSHA_RO", sha, *parts)
        except StoreRefused as exc:
            if "NOSCRIPT" not in str(exc) and "No matching script" not in str(exc):
                raise
            await self._store.command("SCRIPT", "LOAD", text)
            ids, sizes, body = await self._store.command("EVALSHA_RO", sha, *parts)
        found, start = [], 0
        for at, size in zip(ids.split(), sizes.split(), strict=True):
            end = start + int(size)
            found.append(Stored(_position(at), body[start:end]))
            start = end
        return found

    @_sound(StoreUnknown)
    async def tail(self) -> Position:
        """Where the stream ends, without a fence: for backlog and audit."""
        rows = await self._store.command("XREVRANGE", self.key, "+", "-", "COUNT", 1)
        return _position(rows[0][0]) if len(rows) else START  # None is not an empty stream: it raises

    def _check(self, state: bytes, epoch: int) -> None:
        if state == b"FENCED":
            raise Fenced(f"{self.key} does not accept epoch {epoch}")
        if state != b"OK":
            raise ValueError(f"{state!r} is neither OK nor FENCED")


def _verdict(answer: bytes) -> Verdict:
    return Verdict(answer.decode())


def _position(text: bytes) -> Position:
    return Position.parse(text.decode())


def _payload(fields: dict[bytes, bytes] | None) -> bytes:
    """The entry's bytes; empty, and so damaged, when it has any other shape."""
    return fields.get(b"e", b"") if fields and len(fields) == 1 else b""


def _refusal(exc: Exception, what: str) -> StoreRefused:
    # Without the library there is no fence either; control loads it as a part of a new epoch.
    make: Callable[[str], StoreRefused] = Fenced if "Function not found" in str(exc) else StoreRefused
    return make(f"{what}: {exc}")


def _name(parts: tuple[bytes | str | int, ...]) -> str:
    return " ".join(str(part) for part in parts[:2])


def _flat(row: object) -> list[object]:
    return list(row.values()) if isinstance(row, dict) else list(row) if isinstance(row, list) else []
