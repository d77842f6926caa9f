"""The ledger away, or its sessions dropped, under control: nothing is denied that nobody can know of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from system.contract.errors import StoreRefused
from system.control.state import ControlContext
from system.settings import ControlSettings
from tests.support.control import running, sql
from tests.support.deadline import until
from tests.support.sessions import dropped, none_left
from tests.support.stores import wait_until

ROLE = "xiu_control"


@asynccontextmanager
async def no_ledger(settings: ControlSettings) -> AsyncIterator[None]:
    """The database takes no session, and has none."""
    parts = urlsplit(settings.postgres_url)
    other, name = parts._replace(path="/postgres").geturl(), parts.path.strip("/")

    def allow(yes: bool) -> None:
        with psycopg.connect(other, autocommit=True) as conn:
            conn.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS {yes}')
            if not yes:
                conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))

    def gone() -> bool:
        with psycopg.connect(other, autocommit=True) as conn:
            return not conn.execute("SELECT 1 FROM pg_stat_activity WHERE datname = %s", (name,)).fetchall()

    allow(False)
    try:
        wait_until(gone, 30, "every session has ended")  # a backend that was told to end takes its time
        yield
    finally:
        allow(True)


def test_a_round_that_nobody_can_know_of_is_not_denied(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round()
            instance = await api.register()
            unknown = [
                ("GET", f"/v1/rounds/{number + 1}", None),
                ("GET", f"/v1/rounds/{number + 1}/money", None),
                ("POST", f"/v1/rounds/{number + 1}/close", None),
                ("POST", f"/v1/rounds/{number + 1}/set-aside", {"front": 0, "epoch": 1, "sequence": 1}),
            ]
            of_fronts = [
                ("GET", f"rounds/{number + 1}/ledger?instance={instance}", None),
                ("POST", f"rounds/{number + 1}/epoch", {"instance": instance}),
                ("POST", f"rounds/{number + 1}/confirm", {"instance": instance, "epoch": 1, "sequence": 0}),
            ]

            async def answers() -> list[tuple[int, str]]:
                found = [await api.admin(*each) for each in unknown]
                found += [await api.front(path, body, method) for method, path, body in of_fronts]
                return [(status, answer["error"]["effect"]) for status, answer in found]

            assert await answers() == [(404, "none")] * 7
            async with no_ledger(settings):
                assert await answers() == [(503, "none")] * 7
                assert (await api.get(f"/v1/rounds/{number}"))[0] == 200
            assert await answers() == [(404, "none")] * 7

    asyncio.run(body())


def test_a_round_younger_than_the_view_is_found(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as one, running(settings) as two:
            for _ in range(3):
                number = await one.make_round()
                assert (await two.get(f"/v1/rounds/{number}"))[0] == 200

    asyncio.run(body())


def test_a_switch_is_set_once_or_in_doubt_when_sessions_are_dropped(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            asked = [api.admin("GET", "/v1/switches/history") for _ in range(8)]
            assert {status for status, _ in await asyncio.gather(*asked)} == {200}
            assert await asyncio.to_thread(dropped, settings.postgres_url, ROLE) > 0
            await none_left(settings.postgres_url, ROLE)
            status, answer = await api.admin("PUT", "/v1/switches/draw.delay_ms", {"value": 5, "who": "me", "why": "w"})
            made = len(sql(settings, "SELECT 1 FROM control.switch_history"))
            if status == 200:
                assert made == 1
            else:
                assert (status, answer["error"]["effect"]) == (503, "unknown")
                assert made <= 1
            asked = [api.admin("GET", "/v1/switches/history") for _ in range(10)]
            assert {status for status, _ in await asyncio.gather(*asked)} == {200}

    asyncio.run(body())


def test_the_red_button_holds_while_the_ledger_cannot_be_written(settings: ControlSettings) -> None:
    """Stopping never waits for paper; what lets traffic in again does."""

    async def body() -> None:
        async with running(settings) as api:
            instance = await api.register()

            async def accepted() -> set[int]:
                _, told = await api.front("sync?lanes=1", {"instance": instance, "streams": []})
                return {table["stress.accept"] for table in told["lanes"].values()}

            assert await accepted() == {1}
            async with no_ledger(settings):
                stop = {"value": 0, "who": "me", "why": "red button"}
                status, answer = await api.admin("PUT", "/v1/switches/stress.accept", stop)
                assert (status, answer["before"], "held" in answer) == (200, 1, True), answer
                assert await accepted() == {0}
                for key, value in (("stress.accept", 1), ("draw.award", 0)):
                    status, answer = await api.admin("PUT", f"/v1/switches/{key}", {"value": value, "why": "w"})
                    assert status == 503, (key, answer)
                assert await accepted() == {0}

            async def written() -> bool:
                return sql(settings, "SELECT after, who, why FROM control.switch_history") == [(0, "me", "red button")]

            await until(written, "the switch written down")
            assert await accepted() == {0}
            assert (await api.admin("PUT", "/v1/switches/stress.accept", {"value": 1, "why": "w"}))[0] == 200
            assert await accepted() == {1}

    asyncio.run(body())


def test_a_change_that_is_made_is_never_called_undone(
    settings: ControlSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change is committed, then the ledger goes away, before control has read it back."""
    read = ControlContext._read_view
    away = [False]

    async def none(control: ControlContext) -> Any:
        if away[0]:
            raise StoreRefused("no connection to PostgreSQL")
        return await read(control)

    monkeypatch.setattr(ControlContext, "_read_view", none)

    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round()
            away[0] = True
            assert (await api.admin("PUT", "/v1/switches/draw.delay_ms", {"value": 5}))[0] == 200
            status, answer = await api.admin("POST", f"/v1/rounds/{number}/close", {"before_end": True})
            assert (status, answer["state"]) == (200, "closing")
            order = {"sponsors": [{"sponsor": 7, "name": "S", "classes": [[1, 5]]}], "starts_in_ms": 0}
            status, answer = await api.admin("POST", "/v1/rounds", order | {"duration_ms": 1_000})
            assert (status, answer["error"]["effect"]) == (503, "unknown")
            assert f"round {number + 1} is made" in answer["error"]["message"]
            away[0] = False
            assert (await api.get(f"/v1/rounds/{number + 1}"))[0] == 200

    asyncio.run(body())


def test_what_the_ledger_cannot_keep_is_refused_before_it_is_asked(settings: ControlSettings) -> None:
    """No 503 for what can never be stored; the field is named; nothing was changed."""
    sponsor = {"sponsor": 7, "name": "a\0b", "classes": [[1, 5]]}
    order = {"sponsors": [sponsor], "starts_in_ms": 0, "duration_ms": 1_000}
    digits = "9" * 4_299

    async def body() -> None:
        async with running(settings) as api:
            for method, path, sent, field in (
                ("PUT", "/v1/switches/draw.delay_ms", {"value": 5, "why": "a\0b"}, "why"),
                ("PUT", "/v1/switches/draw.delay_ms", {"value": 5, "who": "a\0b"}, "who"),
                ("PUT", "/v1/switches/draw.delay_ms", {"value": 5, "why": "\udc00"}, "hex escape"),
                ("PUT", "/v1/switches/draw.delay_ms%00", {"value": 5}, "no switch"),
                ("POST", "/v1/rounds", order, "name"),
                ("POST", "/v1/rounds", order | {"starts_in_ms": int(digits)}, "starts_in_ms"),
                ("POST", "/v1/tags", {"run_id": "a\0b"}, "run_id"),
                ("GET", f"/v1/switches/history?limit={digits}", None, "limit"),
                ("GET", "/v1/rounds?state=%00", None, "state"),
            ):
                status, answer = await api.admin(method, path, sent)
                assert (status, answer["error"]["effect"]) == (400, "none"), (path, answer)
                assert field in answer["error"]["message"]
                assert "99999" * 10 not in answer["error"]["message"]
            status, answer = await api.get(f"/v1/rounds/{digits}")
            assert (status, answer["error"]["code"]) == (400, "out_of_range")
            assert sql(settings, "SELECT 1 FROM control.switch_history") == []
            assert sql(settings, "SELECT 1 FROM live.round") == []

    asyncio.run(body())
