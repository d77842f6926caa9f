"""Sessions of PostgreSQL, ended as an operator or a failover ends them."""

from __future__ import annotations

import asyncio

import psycopg

from tests.support.deadline import until

ROLE = "xiu_live"


def dropped(dsn: str, role: str = ROLE) -> int:
    """Ends every session of the role in this database, as an operator or a failover does; how many there were. Those of
    a test before, in a database of its own, may be about to end.
    """
    with psycopg.connect(dsn, autocommit=True) as conn:
        text = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE usename = %s AND datname = current_database()"
        )
        row = conn.execute(text, (role,)).fetchone()
        return int(row[0]) if row else 0


async def none_left(dsn: str, role: str = ROLE) -> None:
    async def gone() -> bool:
        return await asyncio.to_thread(dropped, dsn, role) == 0

    await until(gone, what="every session ended")
