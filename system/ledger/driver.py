"""The driver's connection and cursor, which raise the driver's own errors and no others.

psycopg waits on the event loop and parses values from bytes. A descriptor that is gone, or an answer that makes no
sense, would raise whatever those raise. Here it becomes an error without SQLSTATE, *unknown* to `translate`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen

Row = tuple[Any, ...]


@contextmanager
def _driver_errors(what: str) -> Iterator[None]:
    try:
        yield
    except psycopg.DataError as exc:
        if exc.sqlstate is not None:
            raise
        raise psycopg.InternalError(f"{what}: {exc}") from exc
    except (psycopg.Error, OSError):  # TimeoutError is one
        raise
    except Exception as exc:
        raise psycopg.InternalError(f"{what}: {type(exc).__name__}: {exc}") from exc


class SoundCursor(psycopg.AsyncCursor[Row]):
    """Reading a row that makes no sense is an error of the driver."""

    async def fetchone(self) -> Row | None:
        with _driver_errors("an answer makes no sense"):
            return await super().fetchone()

    async def fetchmany(self, size: int = 0) -> list[Row]:
        with _driver_errors("an answer makes no sense"):
            return await super().fetchmany(size)

    async def fetchall(self) -> list[Row]:
        with _driver_errors("an answer makes no sense"):
            return await super().fetchall()


class SoundConnection(psycopg.AsyncConnection[Row]):
    """Everything that goes over the wire passes `wait`."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.cursor_factory = SoundCursor

    async def wait(self, gen: PQGen[RV], *args: Any, **more: Any) -> RV:
        with _driver_errors("the connection broke"):
            return await super().wait(gen, *args, **more)
