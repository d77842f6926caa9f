"""What the event page is told, on a real ledger: which rounds, whose packets, the ledger's clock; the page itself."""

from __future__ import annotations

import asyncio
import json
import time

import psycopg
import pytest
from psycopg.types.json import Jsonb

from system.play.event.models import EventRound, EventState
from system.play.event.programme import state_at
from tests.support.deadline import until
from tests.support.play import Caller, running
from tests.support.stores import PostgresServer

HOUR_US = 3_600_000_000


def announce(dsn: str, number: int, starts_in_us: int, *, lasts_us: int = 60_000_000, state: str = "armed") -> None:
    start_us = time.time_ns() // 1000 + starts_in_us
    sponsors = [{"sponsor": 7, "name": "云上商城", "classes": [[100, 5]]}]
    with psycopg.connect(dsn) as conn:
        conn.execute(
            "INSERT INTO live.round (round, state, packets, budget_fen, start_us, end_us, release_ms, sponsors, seed,"
            " commitment, created_us) VALUES (%s, %s, 5, 500, %s, %s, 1, %s, %s, '', 0)",
            (number, state, start_us, start_us + lasts_us, Jsonb(sponsors), bytes(32)),
        )


async def numbers(play: Caller) -> list[int]:
    return [each["round"] for each in (await play.call("/v1/event"))[1]["rounds"]]


def test_rounds_to_come_open_and_just_over_the_soonest_first(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            announce(postgres_dsn, 4, HOUR_US)
            announce(postgres_dsn, 2, -1_000_000)
            announce(postgres_dsn, 1, -HOUR_US // 2, state="closed")
            announce(postgres_dsn, 3, 5_000_000)
            announce(postgres_dsn, 9, -2 * HOUR_US, state="closed")
            status, told = await play.call("/v1/event")
            rounds = [(each["round"], each["state"]) for each in told["rounds"]]
            assert (status, rounds) == (200, [(1, "closed"), (2, "open"), (3, "armed"), (4, "armed")])
            assert abs(told["now_us"] - time.time_ns() // 1000) < 5_000_000
            assert told["rounds"][1]["sponsors"] == [{"sponsor": 7, "name": "云上商城"}], "what it pays is not told"
            assert {"event", "wallet"} <= set(told["plays"])
            assert told["sign_in"] is False
            later = (await play.call("/v1/event"))[1]["now_us"]
            assert later > told["now_us"], "the clock goes on where the rounds are not read again"

    asyncio.run(body())


def test_what_is_announced_has_its_name_before_and_after_it_is_made(postgres_dsn: str) -> None:
    start_us = time.time_ns() // 1000 + HOUR_US
    sponsors = [{"sponsor": 7, "name": "云上商城", "classes": [[100, 5], [200, 4]]}]
    with_time = {"lane": "live", "sponsors": sponsors, "start_us": start_us, "duration_ms": 60_000}

    async def body() -> None:
        async with running(postgres_dsn) as play:
            with psycopg.connect(postgres_dsn) as conn:
                conn.execute("INSERT INTO live.programme VALUES ('evening', '{}', 0)")
                for place, number in enumerate((1, 2)):
                    item = {"name": f"n{number}", "title": f"第{number}场", "order": with_time}
                    values = (number, place, Jsonb(item), bytes(32))
                    conn.execute("INSERT INTO live.programme_round VALUES (%s, 'evening', %s, %s, %s, '')", values)
            announce(postgres_dsn, 1, HOUR_US // 2)
            _, told = await play.call("/v1/event")
            made, announced = told["rounds"]
            assert (made["round"], made["title"], made["packets"]) == (1, "第1场", 5)
            assert (announced["round"], announced["title"], announced["packets"]) == (2, "第2场", 9)
            assert (announced["start_us"], announced["end_us"]) == (start_us, start_us + 60_000_000)
            assert announced["sponsors"] == [{"sponsor": 7, "name": "云上商城"}]
            assert (made["state"], announced["state"]) == ("armed", "announced"), "no front knows it: a tap is a 404"

    asyncio.run(body())


@pytest.mark.parametrize(
    ("state", "now_us", "told"),
    [
        ("announced", 9, "announced"), ("announced", 10, "announced"), ("announced", 19, "announced"),
        ("announced", 20, "missed"), ("armed", 9, "armed"), ("armed", 10, "open"), ("armed", 19, "open"),
        ("armed", 20, "closing"), ("closing", 15, "closing"), ("closed", 15, "closed"), ("closed", 20, "closed"),
    ],
)  # fmt: skip
def test_a_round_is_told_as_it_is_at_that_moment(state: EventState, now_us: int, told: str) -> None:
    round_ = EventRound(round=1, state=state, packets=5, start_us=10, end_us=20, sponsors=())
    assert state_at(now_us, round_) == round_.model_copy(update={"state": told})


def test_a_new_round_is_seen_within_seconds_and_an_absent_ledger_outlived(
    own_postgres: PostgresServer,
) -> None:
    dsn = own_postgres.create_database("ledger")

    async def body() -> None:
        async with running(dsn) as play:
            assert await numbers(play) == []
            announce(dsn, 1, HOUR_US)

            async def seen() -> bool:
                return await numbers(play) == [1]

            await until(seen, what="the round on the page")
            own_postgres.stop()
            try:

                async def away() -> bool:
                    status, said = await play.call("/v1/event")
                    return (status, said.get("error", {}).get("code")) == (503, "degraded")

                await until(away, what="said that the ledger is away")
                assert (await play.call("/"))[0] == 200, "the page itself needs no ledger"
            finally:
                own_postgres.start()

            async def back() -> bool:
                status, said = await play.call("/v1/event")
                return status == 200 and len(said["rounds"]) == 1

            await until(back, what="the round again")

    asyncio.run(body())


def test_the_page_is_served_and_counted(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            async with play.client.get("/") as answer:
                page = await answer.text()
                assert (answer.status, answer.content_type) == (200, "text/html")
                assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'sha256-")
            assert 'id="red"' in page
            _, metrics = await play.call("/metrics")
            assert 'hongbao_http_requests_total{route="/",status="2xx"} 1.0' in metrics
            assert 'hongbao_play_limited_total{whose="user"} 0.0' in metrics
            assert json.dumps((await play.call("/openapi.json"))[1]).count('"/v1/event"') == 1

    asyncio.run(body())
