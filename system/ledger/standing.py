"""One statement that is asked again and again, prepared in a session of its own: the driver's lowest layer, and nothing
of what stands on it.

A question costs this process about a quarter of what a pool's does: the event loop watches the session's socket all the
time, no cursor is made, no row is adapted. For statements that change nothing and take one parameter. Owns the session:
whose answer an answer is; that it is dropped after any doubt, and opened again by the next question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

from system.contract.errors import StoreRefused
from system.ledger.access import NO_SETTINGS, Connection, Role, connect, read_again
from system.ledger.translate import translated

Answer = list[tuple[bytes, ...]]
"""Rows of PostgreSQL's text format. A null is empty bytes."""
_NAME = b"standing"


class StandingStatement:
    """Takes questions from any number of tasks, and has one under way at a time. For one event loop."""

    def __init__(
        self,
        url: str,
        role: Role,
        secret: bytes,
        text: bytes,
        *,
        timeout_s: float = 5.0,
        settings: Mapping[str, str] = NO_SETTINGS,
        what: str = "read",
    ) -> None:
        """`text`: with `$1` where the parameter goes. `what`: what is read, for people."""
        self.timeout_s = timeout_s
        self._connect: dict[str, Any] = {"url": url, "role": role, "secret": secret, "settings": settings}
        self._text, self._what = text, what
        self._turn = asyncio.Lock()
        self._session: _Session | None = None
        self._closed = False

    async def ask(self, parameter: bytes) -> Answer:
        """All rows, for the parameter in PostgreSQL's text format. Asked once more when the session broke.

        Raises StoreUnknown, StoreRefused.
        """
        return await read_again(lambda: self._ask(parameter))

    async def close(self) -> None:
        """Ends the session. Who waits for an answer is told that it is unknown; later questions are refused."""
        self._closed = True
        if self._session is not None:
            self._session.end(psycopg.OperationalError("the session was closed"))

    async def _ask(self, parameter: bytes) -> Answer:
        with translated(self._what):
            async with asyncio.timeout(self.timeout_s):
                await self._turn.acquire()
            try:
                session = await self._open()
                return await session.asked(lambda conn: conn.send_query_prepared(_NAME, [parameter]), self.timeout_s)
            finally:
                self._turn.release()

    async def _open(self) -> _Session:
        if self._session is None or self._session.over:
            self._refuse_if_closed()
            session = _Session(await connect(**self._connect, timeout_s=self.timeout_s))
            if self._closed:
                session.end(psycopg.OperationalError("the session was closed"))
            self._refuse_if_closed()
            self._session = session
            await session.asked(lambda conn: conn.send_prepare(_NAME, self._text), self.timeout_s)
        return self._session

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreRefused(f"{self._what}: closed")


class _Session:
    """A connection whose socket the event loop watches until it is over."""

    def __init__(self, conn: Connection) -> None:
        # Kept for its destructor, which closes what nobody closed.
        self._conn = conn
        self._libpq = conn.pgconn
        self._libpq.nonblocking = 1
        self._loop = asyncio.get_running_loop()
        self._socket = self._libpq.socket
        self._waiting: asyncio.Future[Answer] | None = None
        self._result: pq.abc.PGresult | None = None
        self._writing = False
        self.over = False
        self._loop.add_reader(self._socket, self._guarded, self._read)

    async def asked(self, send: Callable[[pq.abc.PGconn], None], timeout_s: float) -> Answer:
        """What the server answers to what `send` puts on its way. Raises psycopg.Error, TimeoutError."""
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting, self._result = future, None
        timer = self._loop.call_later(timeout_s, self.end, TimeoutError(f"not within {timeout_s:g} s"))
        try:
            send(self._libpq)
            self._guarded(self._write)
            return await future
        except BaseException as exc:
            # Also when the asker was cancelled: the answer that is still to come must not be the next one's.
            self._waiting = None
            self.end(exc)
            raise
        finally:
            timer.cancel()
            self._waiting = None

    def end(self, why: BaseException) -> None:
        """Closes the connection at once. Who waits is told why."""
        if not self.over:
            self.over = True
            self._loop.remove_reader(self._socket)
            self._stop_writing()
            self._libpq.finish()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(why)

    def _guarded(self, act: Callable[[], None]) -> None:
        if self.over:
            return
        try:
            act()
        except (psycopg.Error, OSError) as exc:
            self.end(exc)
        except Exception as exc:
            self.end(psycopg.InternalError(f"an answer makes no sense: {exc!r}"))

    def _write(self) -> None:
        """Sends what the socket takes; the rest when it takes more."""
        if self._libpq.flush() == 0:
            self._stop_writing()
        elif not self._writing:
            self._writing = True
            self._loop.add_writer(self._socket, self._guarded, self._write)

    def _stop_writing(self) -> None:
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._socket)

    def _read(self) -> None:
        self._libpq.consume_input()
        if self._waiting is None:
            # Nobody asked: most often it says that the session ends. A notice costs a session, and no more.
            self.end(psycopg.OperationalError("the server spoke unasked"))
            return
        while not self._libpq.is_busy():
            result = self._libpq.get_result()
            if result is None:
                self._answered()
                return
            if self._result is None or self._result.status in _GOOD:
                self._result = result

    def _answered(self) -> None:
        """The answer is whole. An error leaves the session in doubt: it may be the last thing that it said."""
        result = self._result
        if result is None:
            raise psycopg.InternalError("the server answered nothing")
        if result.status not in _GOOD:
            raise error_from_result(result)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(
                [
                    tuple(result.get_value(row, column) or b"" for column in range(result.nfields))
                    for row in range(result.ntuples)
                ]
            )


_GOOD = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)
