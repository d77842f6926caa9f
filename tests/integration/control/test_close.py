"""The close: waits for every front's word and for credit, refunds once, survives control's death at every step."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest

from system.contract.ids import Position
from system.control import closing
from system.settings import ControlSettings
from tests.support.control import BUDGET_FEN, Api, Clock, balanced, running, sql
from tests.support.deadline import until
from tests.support.played_front import PlayedFront, credit
from tests.support.stores import ValkeyServer


async def waits(api: Api, number: int, word: str) -> None:
    """The close waits for something with this word in it."""

    async def said() -> bool:
        money = await api.money(number)
        assert money["state"] == "closing", money
        return any(word in item for item in money["waiting_for"])

    await until(said, what=f"close waits for {word!r}")


def test_wins_credit_close_refund(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api, credit(api) as worker:
            number = await api.make_round()
            front = await PlayedFront(api, number).start()
            await front.lease()
            status, answer = await api.admin("POST", f"/v1/rounds/{number}/close")
            assert (status, answer["error"]["code"]) == (409, "conflict"), "before the end"
            assert answer["ends_in_ms"] == 10_000, "how long a client has to wait before it asks again"
            assert (await api.confirm(number, front.instance, front.epoch, 0))[0] == 409, "nothing to confirm yet"
            await front.append((1, 0), (2, 1))
            await front.append((3, 2))
            api.end_window()
            assert (await api.close(number))["state"] == "closing"
            await waits(api, number, "has not confirmed")
            assert await front.confirm() == 200
            await waits(api, number, "credit of front 0: at 0-0, confirmed 1-2")
            registry = api.registry

            async def counted() -> bool:
                return registry.get_sample_value("hongbao_close_waiting", {"lane": "live"}) == 1

            await until(counted, what="metric of what the close waits for")
            await worker.once()
            await api.closed(number)
            money = await api.money(number)
            assert money["postings"] == 3
            assert money["credited_fen"] + money["refunded_fen"] == BUDGET_FEN
            assert money["waiting_for"] == []
            balanced(settings, number)
            shown = await api.ok(await api.get(f"/v1/rounds/{number}"))
            assert len(shown["seed"]) == 64
            assert (await api.close(number))["state"] == "closed", "idempotent"
            assert await front.confirm() == 200, "the same word again"
            assert (await api.confirm(number, front.instance, front.epoch, 9))[0] == 409

    asyncio.run(body())


def test_a_round_may_be_closed_before_its_end(settings: ControlSettings) -> None:
    """Closing at once, the window as published: no more leases, what was won is paid, the rest goes back."""

    async def body() -> None:
        async with running(settings) as api, credit(api) as worker:
            number = await api.make_round()
            end_us = (await api.ok(await api.get(f"/v1/rounds/{number}")))["end_us"]
            front = await PlayedFront(api, number).start()
            await front.lease()
            await front.append((1, 0), (2, 1))
            path = f"/v1/rounds/{number}/close"
            for refused in ({"before_end": 1}, {"before_end": "true"}, {"early": True}, [], "x"):
                assert (await api.admin("POST", path, refused))[0] == 400, refused
            for not_asked in (None, {}, {"before_end": False}):
                assert (await api.admin("POST", path, not_asked))[0] == 409, not_asked
            assert await api.state(number) == "armed"
            shown = await api.ok(await api.admin("POST", path, {"before_end": True}))
            assert (shown["state"], shown["end_us"], shown["seed"]) == ("closing", end_us, None)
            assert (await api.lease(number, front.instance, front.epoch, 2))[0] == 409, "no more leases"
            await front.append((3, 2))
            await waits(api, number, "has not confirmed")
            assert await front.confirm() == 200
            await waits(api, number, "credit of front 0")
            await worker.once()
            await api.closed(number)
            money = await api.money(number)
            assert money["postings"] == 3
            assert money["credited_fen"] + money["refunded_fen"] == BUDGET_FEN
            balanced(settings, number)
            shown = await api.ok(await api.admin("POST", path, {"before_end": True}))
            assert (shown["state"], shown["end_us"]) == ("closed", end_us), "idempotent"

    asyncio.run(body())


def test_a_round_that_has_not_begun_may_be_closed(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round(starts_in_ms=3_600_000)
            front = await PlayedFront(api, number).start()
            await front.lease()
            await api.ok(await api.admin("POST", f"/v1/rounds/{number}/close", {"before_end": True}))
            assert await front.confirm() == 200
            await api.closed(number)
            assert (await api.money(number))["refunded_fen"] == BUDGET_FEN
            balanced(settings, number)

    asyncio.run(body())


def test_every_front_is_waited_for(two_fronts: ControlSettings) -> None:
    settings = two_fronts

    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round()
            first = await PlayedFront(api, number, 0).start()
            api.end_window()
            await api.close(number)
            assert await first.confirm() == 200
            await waits(api, number, "front 1: never started")
            second = await PlayedFront(api, number, 1).start()
            await waits(api, number, "front 1: instance 1 has not confirmed epoch 1")
            assert await second.confirm() == 200
            await api.closed(number)
            balanced(settings, number)

    asyncio.run(body())


def test_a_newer_epoch_or_instance_voids_the_confirmation(two_fronts: ControlSettings) -> None:
    settings = two_fronts

    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round()
            first = await PlayedFront(api, number, 0).start()
            second = await PlayedFront(api, number, 1).start()
            api.end_window()
            await api.close(number)
            assert await first.confirm() == 200
            await first.new_epoch()
            assert await second.confirm() == 200
            await waits(api, number, "front 0: instance 1 has not confirmed epoch 2")
            assert (await api.confirm(number, first.instance, 1, 0, 0))[0] == 409, "an older epoch"
            again = PlayedFront(api, number, 0)
            again.instance = await api.register(0)
            assert (await api.confirm(number, first.instance, 2, 0, 0))[0] == 409, "superseded"
            await again.new_epoch()
            assert await again.confirm() == 200
            await api.closed(number)
            balanced(settings, number)

    asyncio.run(body())


def test_a_confirmation_of_nothing_waits_for_older_epochs(settings: ControlSettings) -> None:
    """Epoch 2 appended nothing: what epoch 1 left in the stream must be credited all the same."""

    async def body() -> None:
        async with running(settings) as api, credit(api) as worker:
            number = await api.make_round()
            front = await PlayedFront(api, number).start()
            await front.lease()
            await front.append((1, 0))
            await front.new_epoch()
            api.end_window()
            await api.close(number)
            assert await front.confirm() == 200
            await waits(api, number, "credit of front 0: at 0-0, confirmed 1-1")
            await worker.once()
            await api.closed(number)
            assert (await api.money(number))["postings"] == 1
            balanced(settings, number)

    asyncio.run(body())


def test_a_lost_tail_behind_a_confirmation_of_nothing_holds_the_round(
    settings: ControlSettings, valkey_server: ValkeyServer
) -> None:
    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round()
            front = await PlayedFront(api, number).start()
            await front.lease()
            await front.append((1, 0))
            await front.new_epoch()
            valkey_server.command_line("FLUSHALL")
            api.end_window()
            await api.close(number)
            assert await front.confirm() == 200
            await waits(api, number, "win log of front 0")
            await front.new_epoch()
            await front.append((1, 0))
            assert await front.confirm() == 200
            await waits(api, number, "confirmed 3-1")
            async with credit(api) as worker:
                await worker.once()
            await api.closed(number)
            assert (await api.money(number))["postings"] == 1

    asyncio.run(body())


def test_control_dies_between_any_two_steps(settings: ControlSettings) -> None:
    """A new control for every step of one close; nothing is lost, nothing is done twice."""
    clock = Clock()

    async def body() -> None:
        async with running(settings, clock) as api:
            number = await api.make_round()
            front = await PlayedFront(api, number).start()
            await front.lease()
            await front.append((1, 0), (2, 1))
            api.end_window()
            await api.close(number)
        async with running(settings, clock) as api:
            await waits(api, number, "has not confirmed")
            front.api = api
            assert await front.confirm() == 200
        async with running(settings, clock) as api:
            await waits(api, number, "credit of front 0")
            async with credit(api) as worker:
                await worker.once()
            # The last transaction waits for this lock; control ends before it can commit.
            with psycopg.connect(settings.postgres_url) as conn:
                conn.execute("SELECT 1 FROM live.round FOR UPDATE")

                async def blocked() -> bool:
                    return bool(sql(settings, "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))

                await until(blocked, what="the close at its lock")
        async with running(settings, clock) as api:
            await api.closed(number)
            balanced(settings, number)
            assert (await api.money(number))["postings"] == 2

    asyncio.run(body())


def test_an_epoch_taken_between_reading_and_closing_holds_the_round(
    settings: ControlSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Confirmed and credited when the close looked, void when it has the lock: it looks again there."""
    looked = closing._ends
    taken: list[int] = []

    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round()
            front = await PlayedFront(api, number).start()

            async def taken_meanwhile(*of: Any) -> dict[tuple[int, int, int], Position]:
                ends = await looked(*of)
                if not taken:
                    taken.append(1)
                    await front.new_epoch()
                return ends

            monkeypatch.setattr(closing, "_ends", taken_meanwhile)
            api.end_window()
            await api.close(number)
            assert await front.confirm() == 200
            await waits(api, number, "front 0: instance 1 has not confirmed epoch 2")
            assert taken == [1]
            assert await front.confirm() == 200
            await api.closed(number)
            balanced(settings, number)

    asyncio.run(body())


def test_two_controls_at_once_close_once(settings: ControlSettings) -> None:
    clock = Clock()

    async def body() -> None:
        async with running(settings, clock) as one, running(settings, clock) as two:
            number = await one.make_round()

            async def seen() -> bool:
                return (await two.get(f"/v1/rounds/{number}"))[0] == 200

            await until(seen, what="the round at the second control")
            front = await PlayedFront(one, number).start()
            clock.now_us += 11_000_000
            await asyncio.gather(one.close(number), two.close(number))
            assert await front.confirm() == 200
            await asyncio.gather(one.closed(number), two.closed(number))
            balanced(settings, number)

    asyncio.run(body())


@pytest.mark.parametrize(
    ("forge", "word"),
    [
        pytest.param("UPDATE live.posting SET fen = fen + 1", "left by postings", id="a posting worth one fen more"),
        pytest.param(
            "UPDATE live.entry SET fen = fen - 1 WHERE fen < -100 AND account LIKE 'budget%'", "", id="a debit"
        ),
    ],
)
def test_accounts_that_disagree_hold_the_round_for_a_person(settings: ControlSettings, forge: str, word: str) -> None:
    async def body() -> None:
        async with running(settings) as api, credit(api) as worker:
            number = await api.make_round()
            front = await PlayedFront(api, number).start()
            await front.lease()
            await front.append(*((uid, uid) for uid in range(10)))
            await worker.once()
            sql(settings, forge)
            api.end_window()
            await api.close(number)
            assert await front.confirm() == 200
            await waits(api, number, word or "on its budget account")
            assert await api.state(number) == "closing"

    asyncio.run(body())


def test_past_the_end_nothing_closes_by_itself(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round()
            api.end_window()
            api.clock.now_us += 60_000_000
            await api.control.refresh()
            assert await api.state(number) == "armed"

    asyncio.run(body())
