"""Access to PostgreSQL: one connection or a small pool, as one of the ledger's roles, errors already translated.

Owns: addresses of roles, session settings, time-outs; a read is repeated once when its session was dropped. Has no SQL
of its own, and never repeats anything that changes something.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from types import MappingProxyType
from typing import Any, Literal, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg.types.numeric import NumericBinaryLoader, NumericLoader

from system.contract.errors import StoreRefused, StoreUnknown
from system.contract.ids import Lane, need_lane
from system.ledger.driver import SoundConnection
from system.ledger.translate import translated
from system.tokens import derive

Role = Literal["xiu_control", "xiu_live", "xiu_stress"]
ROLES: tuple[Role, ...] = ("xiu_control", "xiu_live", "xiu_stress")
Params = Sequence[Any] | Mapping[str, Any] | None
Connection = psycopg.AsyncConnection[tuple[Any, ...]]
T = TypeVar("T")

NO_SETTINGS: Mapping[str, str] = MappingProxyType({})
ONE_PLAN: Mapping[str, str] = MappingProxyType({"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"})
"""For a session of few statements that are asked often, and whose plan does not depend on their parameters: each is
planned once, and not each time. By the index, even where the plan is made while the tables are known to be empty: the
same plan serves when they are full."""

# What a dead client may hold: a lock, at most this long after it went silent inside a transaction.
_IDLE_IN_TRANSACTION_MS = 10_000


class _Whole(NumericLoader):
    """A sum of fen is numeric in PostgreSQL, since a sum of bigints may exceed bigint; its value is still whole."""

    def load(self, data: Any) -> int:  # type: ignore[override]
        return int(super().load(data))


class _WholeBinary(NumericBinaryLoader):
    def load(self, data: Any) -> int:  # type: ignore[override]
        return int(super().load(data))


def lane_role(lane: Lane) -> Role:
    """The role with rights on that lane alone. Raises ValueError where there is no lane."""
    return "xiu_live" if need_lane(lane) == "live" else "xiu_stress"


def role_password(secret: bytes, role: Role) -> str:
    """The role's password, derived from the master secret."""
    return derive(secret, f"role:{role}").hex()


def role_url(url: str, role: Role, secret: bytes) -> str:
    """`url` with the user and the password of `role` in place of its own."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{role}:{quote(role_password(secret, role))}@{host}"
    return urlunsplit((parts.scheme, netloc, parts.path, parts.query, parts.fragment))


async def open_url(
    url: str, *, timeout_s: float = 5.0, name: str = "xiu", settings: Mapping[str, str] = NO_SETTINGS
) -> Connection:
    """A connection to exactly `url`, in autocommit: a transaction always needs `async with conn.transaction()`.

    `settings`: PostgreSQL's, for this session. Raises StoreRefused when there is no connection: nothing can have
    happened.
    """
    wanted = {"idle_in_transaction_session_timeout": str(_IDLE_IN_TRANSACTION_MS), **settings}
    options = " ".join(f"-c {key}={value}" for key, value in wanted.items())
    try:
        async with asyncio.timeout(timeout_s):
            conn = await SoundConnection.connect(
                url,
                autocommit=True,
                application_name=name,
                options=options,
                connect_timeout=max(2, round(timeout_s)),
                tcp_user_timeout=round(timeout_s * 1000),
                keepalives_idle=5,
                keepalives_interval=2,
                keepalives_count=3,
            )
            conn.adapters.register_loader("numeric", _Whole)
            conn.adapters.register_loader("numeric", _WholeBinary)
            return conn
    except Exception as exc:
        # Whatever the driver or the event loop raises when a server dies in the handshake: nothing was asked of it yet.
        text = " ".join(str(exc).split()) or ("no answer in time" if isinstance(exc, TimeoutError) else repr(exc))
        raise StoreRefused(f"no connection to PostgreSQL: {text}") from exc


async def connect(
    url: str,
    role: Role,
    secret: bytes,
    *,
    timeout_s: float = 5.0,
    name: str | None = None,
    settings: Mapping[str, str] = NO_SETTINGS,
) -> Connection:
    """A connection of `role` to the database that `url` names. `name`: whose it is, for people; default: the role.

    Raises StoreRefused.
    """
    return await open_url(role_url(url, role, secret), timeout_s=timeout_s, name=name or role, settings=settings)


@contextmanager
def deadline(conn: Connection, timeout_s: float) -> Iterator[None]:
    """Cuts the connection when the time is up, and raises TimeoutError: every wait inside gets an error at once.

    Not a cancellation: psycopg would ask the server to cancel, and wait for it up to ten seconds, on a link that may be
    dead.
    """
    cut = False

    def shut() -> None:
        nonlocal cut
        cut = True
        # An error: the socket is gone already, closed by the server or by us, and nothing waits on it.
        with (
            contextlib.suppress(OSError, psycopg.Error),
            socket.socket(fileno=os.dup(conn.pgconn.socket)) as sock,
        ):
            sock.shutdown(socket.SHUT_RDWR)

    timer = asyncio.get_running_loop().call_later(timeout_s, shut)
    try:
        yield
    except psycopg.Error as exc:
        if cut:
            raise TimeoutError(f"not within {timeout_s:g} s") from exc
        raise
    finally:
        timer.cancel()
    if cut:
        raise TimeoutError(f"not within {timeout_s:g} s")


@asynccontextmanager
async def transaction(conn: Connection) -> AsyncIterator[None]:
    """BEGIN … COMMIT, or ROLLBACK after an error. Unlike psycopg's own, a COMMIT that was not sent is an error."""
    async with conn.transaction() as begun:
        yield
    # psycopg leaves a block without an error if the connection was closed inside.
    if begun.status is not begun.Status.COMMITTED:
        raise psycopg.OperationalError("the connection was closed before the COMMIT")


async def read_again(read: Callable[[], Awaitable[T]]) -> T:
    """A read, repeated once when its session broke: it changes nothing. Not repeated when no answer came in time.

    Raises StoreUnknown, StoreRefused.
    """
    try:
        return await read()
    except StoreUnknown as exc:
        if isinstance(exc.__cause__, TimeoutError):
            raise
        return await read()


def _spoken_to(conn: Connection) -> bool:
    """Did the server send something to an idle session? Most often that is the session's end."""
    look = select.poll()
    try:
        look.register(conn.pgconn.socket, select.POLLIN)
        return bool(look.poll(0))
    except (psycopg.Error, OSError):
        # It has no socket any more.
        return True


class Pool:
    """At most `size` connections of one role, opened when needed, dropped after any error that leaves them in doubt.

    Each use has a deadline of `timeout_s`; waiting for a free connection has the same again.
    """

    def __init__(
        self,
        url: str,
        role: Role,
        secret: bytes,
        *,
        size: int = 4,
        timeout_s: float = 5.0,
    ) -> None:
        self.url, self.role, self.secret, self.timeout_s = url, role, secret, timeout_s
        self._idle: list[Connection] = []
        self._places = asyncio.Semaphore(size)
        self._closed = False

    @asynccontextmanager
    async def connection(self, what: str = "query", *, timeout_s: float | None = None) -> AsyncIterator[Connection]:
        """A connection in autocommit. Driver errors inside become StoreUnknown or StoreRefused."""
        with translated(what):
            limit_s = self.timeout_s if timeout_s is None else timeout_s
            async with asyncio.timeout(limit_s):
                await self._places.acquire()
            try:
                conn = await self._take()
                sound = False
                try:
                    with deadline(conn, limit_s):
                        yield conn
                    sound = True
                finally:
                    await self._give_back(conn, sound)
            finally:
                self._places.release()

    @asynccontextmanager
    async def transaction(
        self, what: str = "transaction", *, timeout_s: float | None = None
    ) -> AsyncIterator[Connection]:
        """A connection inside a transaction: committed at the end, rolled back on any error.

        StoreUnknown out of this may mean that the COMMIT was carried out: read before deciding.
        """
        async with self.connection(what, timeout_s=timeout_s) as conn, transaction(conn):
            yield conn

    async def fetch(self, text: bytes, params: Params = None, what: str = "read") -> list[tuple[Any, ...]]:
        """All rows of one statement that changes nothing."""

        async def once() -> list[tuple[Any, ...]]:
            async with self.connection(what) as conn:
                return await (await conn.execute(text, params)).fetchall()

        return await read_again(once)

    async def _take(self) -> Connection:
        if self._closed:
            raise StoreRefused("the pool is closed")
        while self._idle:
            conn = self._idle.pop()
            if not conn.closed and not conn.broken and not _spoken_to(conn):
                return conn
            await conn.close()
        return await connect(self.url, self.role, self.secret, timeout_s=self.timeout_s)

    async def _give_back(self, conn: Connection, sound: bool) -> None:
        idle = not conn.closed and conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        if sound and idle and not self._closed:
            self._idle.append(conn)
            return
        if conn.broken:
            # What ended this session (a failover, an operator) has most likely ended the others.
            await self._drop_idle()
        await conn.close()

    async def _drop_idle(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    async def close(self) -> None:
        """Closes what is idle now, and what is in use when it comes back."""
        self._closed = True
        await self._drop_idle()
