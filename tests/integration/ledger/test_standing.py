"""A statement that stands: every asker has his own answer or an error, whatever becomes of the session meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from system.contract.errors import StoreRefused, StoreUnknown
from system.ledger.access import ONE_PLAN, Role
from system.ledger.standing import StandingStatement
from tests.support.books import SECRET
from tests.support.deadline import until
from tests.support.sessions import dropped, none_left
from tests.support.stores import free_port

ROLE: Role = "xiu_live"
IN_TIME_S = 60.0
"""For a busy machine."""
ECHO = b"SELECT $1::text, NULL::text, 7"
GATED = b"SELECT $1::text FROM (SELECT CASE WHEN $1 LIKE 'slow%' THEN pg_advisory_lock_shared(7) END) AS gate"
"""Whoever is slow is answered once nobody holds the gate."""
GATE = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
Scene = Callable[[StandingStatement], Awaitable[None]]


def played(dsn: str, text: bytes, scene: Scene, timeout_s: float = IN_TIME_S) -> None:
    async def run() -> None:
        standing = StandingStatement(dsn, ROLE, SECRET, text, timeout_s=timeout_s, settings=ONE_PLAN)
        try:
            await scene(standing)
        finally:
            await standing.close()

    asyncio.run(run())


@contextmanager
def gate_held(dsn: str) -> Iterator[None]:
    """Slow questions get no answer inside."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(7)")
        yield


async def at_the_gate(dsn: str, sessions: int = 1) -> None:
    """Until so many sessions wait there."""

    def found() -> bool:
        with psycopg.connect(dsn) as conn:
            return conn.execute(GATE).fetchone() == (sessions,)

    async def looked() -> bool:
        return await asyncio.to_thread(found)

    await until(looked, what=f"{sessions} at the gate")


def test_everybody_has_his_own_rows(ledger_dsn: str) -> None:
    async def scene(standing: StandingStatement) -> None:
        names = [f"name {number}".encode() for number in range(50)]
        found = await asyncio.gather(*map(standing.ask, names))
        assert found == [[(name, b"", b"7")] for name in names]

    played(ledger_dsn, ECHO, scene)


def test_it_is_planned_once_by_its_own_settings(ledger_dsn: str) -> None:
    async def scene(standing: StandingStatement) -> None:
        for _ in range(3):
            (row,) = await standing.ask(b"plan_cache_mode")
        assert row == (b"force_generic_plan", b"3")

    counted = b"SELECT current_setting($1), (SELECT generic_plans FROM pg_prepared_statements)"
    played(ledger_dsn, counted, scene)


def test_a_question_and_an_answer_that_no_socket_takes_at_once_are_whole(ledger_dsn: str) -> None:
    async def scene(standing: StandingStatement) -> None:
        ((length, long),) = await standing.ask(b"x" * (16 << 20))
        assert (length, long) == (str(16 << 20).encode(), b"y" * (16 << 20))

    played(ledger_dsn, b"SELECT length($1::text), repeat('y', length($1))", scene)


def test_a_session_that_ends_while_nobody_asks_is_opened_again(ledger_dsn: str) -> None:
    async def scene(standing: StandingStatement) -> None:
        for name in (b"one", b"two", b"three"):
            assert (await standing.ask(name))[0][0] == name
            assert dropped(ledger_dsn) >= 1
            await none_left(ledger_dsn)

    played(ledger_dsn, ECHO, scene)


def test_a_question_whose_session_ends_under_it_is_asked_once_more(ledger_dsn: str) -> None:
    async def scene(standing: StandingStatement) -> None:
        with gate_held(ledger_dsn):
            asked = asyncio.gather(standing.ask(b"slow"), standing.ask(b"next"))
            await at_the_gate(ledger_dsn)
            assert dropped(ledger_dsn) >= 1
        assert [rows[0][0] for rows in await asked] == [b"slow", b"next"]

    played(ledger_dsn, GATED, scene)


def test_who_goes_away_leaves_his_answer_to_nobody(ledger_dsn: str) -> None:
    async def scene(standing: StandingStatement) -> None:
        for _ in range(3):
            with gate_held(ledger_dsn):
                gone = asyncio.create_task(standing.ask(b"slow"))
                await at_the_gate(ledger_dsn)
                waits = asyncio.create_task(standing.ask(b"mine"))
                await asyncio.sleep(0)
                gone.cancel()
                assert await waits == [(b"mine",)]
                with pytest.raises(asyncio.CancelledError):
                    await gone
            # Its old session may answer now: to nobody.
            assert await standing.ask(b"and mine") == [(b"and mine",)]

    played(ledger_dsn, GATED, scene)


def test_without_an_answer_in_time_it_is_unknown_and_the_next_has_a_session_of_its_own(ledger_dsn: str) -> None:
    async def scene(standing: StandingStatement) -> None:
        assert await standing.ask(b"first") == [(b"first",)]
        with gate_held(ledger_dsn):
            standing.timeout_s = 0.2
            with pytest.raises(StoreUnknown, match="in time") as found:
                await standing.ask(b"slow")
            assert isinstance(found.value.__cause__, TimeoutError), "it was not asked again"
            standing.timeout_s = IN_TIME_S
            assert await standing.ask(b"next") == [(b"next",)]

    played(ledger_dsn, GATED, scene)


def test_who_waits_too_long_for_his_turn_is_told_so(ledger_dsn: str) -> None:
    async def scene(standing: StandingStatement) -> None:
        with gate_held(ledger_dsn):
            first = asyncio.create_task(standing.ask(b"slow"))
            await at_the_gate(ledger_dsn)
            standing.timeout_s = 0.05
            with pytest.raises(StoreUnknown, match="in time"):
                await standing.ask(b"second")
        assert await first == [(b"slow",)]

    played(ledger_dsn, GATED, scene)


def test_what_the_server_refuses_is_an_error_of_that_question_alone(ledger_dsn: str) -> None:
    async def scene(standing: StandingStatement) -> None:
        for bad in (b"x", b"0"):
            with pytest.raises(StoreRefused):
                await standing.ask(bad)
            assert await standing.ask(b"4") == [(b"2",)]

    played(ledger_dsn, b"SELECT 8 / $1::int", scene)


def test_a_statement_that_makes_no_sense_is_refused(ledger_dsn: str) -> None:
    async def scene(standing: StandingStatement) -> None:
        for _ in range(2):
            with pytest.raises(StoreRefused, match="nothing_of_the_kind"):
                await standing.ask(b"1")

    played(ledger_dsn, b"SELECT $1::int FROM nothing_of_the_kind", scene)


def test_nobody_there_is_refused() -> None:
    async def body() -> None:
        standing = StandingStatement(f"postgresql://nobody@127.0.0.1:{free_port()}/x", ROLE, SECRET, ECHO, timeout_s=5)
        with pytest.raises(StoreRefused):
            await standing.ask(b"1")
        await standing.close()

    asyncio.run(body())


def test_after_its_close_nothing_is_asked_and_no_session_is_left(ledger_dsn: str) -> None:
    async def scene(standing: StandingStatement) -> None:
        with gate_held(ledger_dsn):
            waits = asyncio.create_task(standing.ask(b"slow"))
            await at_the_gate(ledger_dsn)
            await standing.close()
            for asked in (waits, standing.ask(b"later")):
                with pytest.raises(StoreRefused, match="closed"):
                    await asked
        await none_left(ledger_dsn)
        await standing.close()

    played(ledger_dsn, GATED, scene)
