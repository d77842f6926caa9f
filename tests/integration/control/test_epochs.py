"""Epochs and leases: who may write and award, decided once, whatever dies between two steps."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from system.contract.errors import StoreUnknown
from system.control.epochs import _take
from system.settings import ControlSettings
from system.winlog import Fenced, Verdict, WinLog
from tests.support.control import Api, running, sql
from tests.support.deadline import until
from tests.support.played_front import PlayedFront
from tests.support.stores import PostgresServer, ValkeyServer


def test_an_older_instance_is_superseded_everywhere(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round()
            old = await PlayedFront(api, number).start()
            await old.lease()
            new = await api.register()
            assert new == old.instance + 1
            calls = [
                await api.front("sync", {"instance": old.instance}),
                await api.front(f"rounds/{number}/epoch", {"instance": old.instance}),
                await api.lease(number, old.instance, old.epoch, 2),
            ]
            api.end_window()
            await api.close(number)
            calls.append(await api.confirm(number, old.instance, old.epoch, 0))
            for status, answer in calls:
                assert (status, answer["error"]["code"]) == (409, "superseded"), answer
            assert (await api.front("sync", {"instance": new}))[0] == 200
            assert (await api.front("sync", {"instance": new + 5}))[1]["error"]["code"] == "conflict"

    asyncio.run(body())


def test_a_new_epoch_fences_the_old_one_and_abandons_its_leases(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round()
            front = await PlayedFront(api, number).start()
            lo, hi = await front.lease()
            assert await front.append((1, lo)) is Verdict.OK
            old = front.epoch
            await front.new_epoch()
            log = api.control.winlog.stream(0, "live", number, 0)
            assert await log.append(b"late", old, 2) is Verdict.FENCED
            with pytest.raises(Fenced):
                await log.last_id(old)
            status, answer = await api.lease(number, front.instance, old, 1)
            assert (status, answer["error"]["code"]) == (409, "conflict"), "a lease of an abandoned epoch, asked again"
            assert (await front.lease(1))[0] == hi, "never issued again"
            assert sql(settings, "SELECT epoch, lo, abandoned FROM live.lease ORDER BY lo") == [
                (old, lo, True),
                (front.epoch, hi, False),
            ]

    asyncio.run(body())


def test_a_lease_is_the_same_however_often_it_is_asked_for(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round()
            front = await PlayedFront(api, number).start()
            first = await front.lease(1)
            assert await front.lease(1) == first
            assert await asyncio.gather(*(front.lease(2) for _ in range(5))) == [(21, 42)] * 5
            status, answer = await api.lease(number, front.instance, front.epoch, 4)
            assert (status, answer["error"]["code"]) == (409, "conflict"), "a number skipped"
            assert await front.lease(3) == (42, 63)
            assert await front.lease(4) == (63, 84)
            assert await front.lease(5) == (84, 100)
            assert await front.lease(6) == (100, 100), "nothing left"
            assert await front.lease(6) == (100, 100)
            assert (await api.lease(number, front.instance, front.epoch, 0))[0] == 400
            assert (await api.money(number))["leased_packets"] == 100
            assert sql(settings, "SELECT sum(hi - lo)::int, sum(length(used))::int FROM live.lease") == [(100, 14)]

    asyncio.run(body())


def test_two_fronts_never_share_a_packet(two_fronts: ControlSettings) -> None:
    async def body() -> None:
        async with running(two_fronts) as api:
            number = await api.make_round()
            fronts = [await PlayedFront(api, number, k).start() for k in (0, 1)]
            leases: list[tuple[int, int]] = []
            for turn in range(1, 5):
                leases += await asyncio.gather(*(front.lease(turn) for front in fronts))
            spans = sorted(span for span in leases if span[0] < span[1])
            assert [lo for lo, _ in spans] == [0, *(hi for _, hi in spans)][:-1]
            assert {hi - lo for lo, hi in spans} == {16, 2}, "16 packets, and what is left of a front's share"
            assert sum(hi - lo for lo, hi in spans) == 100
            assert [sum(hi - lo for lo, hi in leases[k::2]) for k in (0, 1)] == [50, 50]

    asyncio.run(body())


def test_a_front_has_no_more_than_its_share_before_it_lost_an_epoch(two_fronts: ControlSettings) -> None:
    """What it held then is abandoned and counts no more, so that its share may still be given away by it."""

    async def body() -> None:
        async with running(two_fronts) as api:
            number = await api.make_round(sponsors=[{"sponsor": 7, "name": "Seven", "classes": [[100, 37]]}])
            first, second = [await PlayedFront(api, number, k).start() for k in (0, 1)]
            assert [await first.lease(turn) for turn in (1, 2, 3)] == [(0, 16), (16, 19), (19, 19)], "19 of 37"
            assert await second.lease(1) == (19, 35)
            await second.new_epoch()
            assert [await second.lease(turn) for turn in (1, 2)] == [(35, 37), (37, 37)], "16 are abandoned"

    asyncio.run(body())


def test_no_answer_from_the_store_takes_the_next_number(
    settings: ControlSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first fence is raised, its answer lost: the number is spent, although the store accepts it for a moment."""
    real = WinLog.raise_fence
    raised: list[int] = []

    async def lossy(log: WinLog, epoch: int) -> None:
        await real(log, epoch)
        raised.append(epoch)
        if epoch == 1:
            raise StoreUnknown("the answer is lost")

    monkeypatch.setattr(WinLog, "raise_fence", lossy)

    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round()
            instance = await api.register()
            assert await api.epoch(number, instance) == 2
            assert raised == [1, 2], "one raise for each number"
            assert sql(settings, "SELECT epoch, granted FROM live.stream") == [(2, 2)]
            log = api.control.winlog.stream(0, "live", number, 0)
            assert await log.append(b"x", 1, 1) is Verdict.FENCED

    asyncio.run(body())


def test_a_store_that_stays_away_is_said_and_its_numbers_are_spent(
    settings: ControlSettings, valkey_server: ValkeyServer
) -> None:
    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round()
            instance = await api.register()
            valkey_server.freeze()
            try:
                status, answer = await api.front(f"rounds/{number}/epoch", {"instance": instance})
            finally:
                valkey_server.thaw()
            assert (status, answer["error"]["code"], answer["error"]["effect"]) == (503, "store_unknown", "unknown")
            assert await api.epoch(number, instance) == 3
            assert (await api.get("/healthz"))[0] == 200

    asyncio.run(body())


def test_a_store_that_knows_more_is_passed(settings: ControlSettings) -> None:
    """PostgreSQL came back older than Valkey: the next number is above what the store knows."""

    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round()
            instance = await api.register()
            await api.control.winlog.stream(0, "live", number, 0).raise_fence(41)
            assert await api.epoch(number, instance) == 42

    asyncio.run(body())


def test_an_instance_that_comes_while_the_fence_is_raised_wins(
    settings: ControlSettings, valkey_server: ValkeyServer
) -> None:
    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round()
            old = await api.register()
            valkey_server.freeze()
            try:
                asked = asyncio.create_task(api.front(f"rounds/{number}/epoch", {"instance": old}))

                async def taken() -> bool:
                    return bool(sql(settings, "SELECT 1 FROM live.stream WHERE epoch > 0"))

                await until(taken, what="a number taken")
                new = await api.register()
            finally:
                valkey_server.thaw()
            status, answer = await asked
            assert (status, answer["error"]["code"]) == (409, "superseded")
            ((spent, granted),) = sql(settings, "SELECT epoch, granted FROM live.stream")
            assert granted == 0, "never granted to the old one"
            assert await api.epoch(number, new) == spent + 1

    asyncio.run(body())


def test_between_a_number_taken_and_granted_the_older_epoch_gets_nothing(settings: ControlSettings) -> None:
    """Its leases were abandoned with the number: one granted behind that would stand as a good one (S12)."""

    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round()
            front = await PlayedFront(api, number).start()
            await front.lease(1)
            assert await _take(api.control, "live", number, 0, front.instance, 0) == (2, 0)
            status, answer = await api.lease(number, front.instance, front.epoch, 2)
            assert (status, answer["error"]["code"]) == (409, "conflict")
            assert sql(settings, "SELECT count(*), bool_and(abandoned) FROM live.lease") == [(1, True)]
            api.end_window()
            await api.close(number)
            assert await front.confirm() == 409

    asyncio.run(body())


def test_epochs_while_closing_and_not_when_closed(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round()
            front = await PlayedFront(api, number).start()
            api.end_window()
            await api.close(number)
            assert (await api.lease(number, front.instance, front.epoch, 1))[1]["error"]["code"] == "conflict"
            await front.new_epoch()
            assert await front.confirm() == 200
            await api.closed(number)
            status, answer = await api.front(f"rounds/{number}/epoch", {"instance": front.instance})
            assert (status, answer["error"]["code"]) == (410, "round_over")

    asyncio.run(body())


def test_the_ledger_of_a_stream_is_read_whole(settings: ControlSettings) -> None:
    import base64

    import numpy as np

    from system.contract.api import LedgerView
    from system.contract.records import WIN_DTYPE
    from tests.support.played_front import credit

    async def view(api: Api, number: int) -> LedgerView:
        status, answer = await api.front(f"rounds/{number}/ledger?instance=1", method="GET")
        assert status == 200, answer
        return LedgerView.model_validate(answer)

    async def body() -> None:
        async with running(settings) as api, credit(api) as worker:
            number = await api.make_round()
            front = await PlayedFront(api, number).start()
            await front.lease()
            empty = await view(api, number)
            assert (empty.posted, empty.records, empty.granted, empty.state) == (0, "", 1, "armed")
            await front.append((11, 0), (12, 1))
            await front.append((13, 99))  # outside of the lease: suspense, nothing held
            await worker.once()
            full = await view(api, number)
            assert (full.offset_epoch, full.offset_sequence, full.posted, full.suspended) == (1, 2, 2, 1)
            assert full.held == 0
            rows = np.frombuffer(base64.b64decode(full.records), dtype=WIN_DTYPE)
            assert rows["uid"].tolist() == [11, 12, 13]
            assert rows["packet"].tolist() == [0, 1, 99]
            assert (rows["fen"] > 0).all()
            await front.append((14, 2), over_fen=1)  # a wrong amount: the packet's money is held
            await worker.once()
            full = await view(api, number)
            rows = np.frombuffer(base64.b64decode(full.records), dtype=WIN_DTYPE)
            assert (full.suspended, full.held, rows["uid"].tolist()) == (2, 1, [11, 12, 14, 13]), "held ones first"
            assert (await api.front("rounds/77/ledger", method="GET"))[1]["error"]["code"] == "unknown_round"
            await PlayedFront(api, number).start()
            status, answer = await api.front(f"rounds/{number}/ledger?instance=1", method="GET")
            assert (status, answer["error"]["code"]) == (409, "superseded"), "what a newer one won is not its business"

    asyncio.run(body())


def test_the_ledger_away_is_said_and_outlived(settings: ControlSettings, own_postgres: PostgresServer) -> None:
    url = own_postgres.create_database("ledger")

    async def body() -> None:
        async with running(replace(settings, postgres_url=url)) as api:
            number = await api.make_round()
            front = await PlayedFront(api, number).start()
            own_postgres.stop()
            try:
                status, answer = await api.lease(number, front.instance, front.epoch, 1)
                assert (status, answer["error"]["code"][:6]) == (503, "store_")
                assert (await api.front("sync", {"instance": front.instance}))[0] == 200, "answered from memory"
                assert (await api.get("/v1/clock"))[0] == 200
            finally:
                own_postgres.start()

            async def leased() -> bool:
                return (await api.lease(number, front.instance, front.epoch, 1))[0] == 200

            await until(leased, what="leases again")

    asyncio.run(body())
