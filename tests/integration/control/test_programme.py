"""A programme played by control on real stores: announced, armed, closed, revealed; its edges to the millisecond."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, cast

import psycopg
import pytest

from system.contract.api import SponsorSplit
from system.control import programme as programmes
from system.lottery import commitment, make_round
from system.settings import ControlSettings
from tests.support.control import BUDGET_FEN, PACKETS, SPONSORS, Api, running, sql
from tests.support.deadline import until

START_IN_US = 10_000_000
LASTS_MS = 10_000
AHEAD_MS = 4_000
SURE = "1234~800"


def programme(api: Api, *names: str, **changes: Any) -> dict[str, Any]:
    """Rounds of 10 s, 10 s apart, the first in 10 s; each is armed 4 s ahead."""
    rounds = [
        {
            "name": name, "title": f"Round {name}", "arm_ahead_ms": AHEAD_MS,
            "order": {
                "sponsors": SPONSORS, "duration_ms": LASTS_MS,
                "start_us": api.clock.now_us + START_IN_US + 20_000_000 * place,
            },
        }
        for place, name in enumerate(names)
    ]  # fmt: skip
    return {"programme": "evening", "rounds": rounds} | changes


async def load(api: Api, body: dict[str, Any]) -> Any:
    return await api.ok(await api.admin("POST", "/v1/programmes", body))


async def entry(api: Api, place: int = 0) -> Any:
    found = await api.ok(await api.get("/v1/programmes"))
    return found["programmes"][0]["rounds"][place]


async def becomes(api: Api, state: str, place: int = 0) -> Any:
    async def there() -> bool:
        return bool((await entry(api, place))["state"] == state)

    await until(there, what=f"round {place} {state}")
    return await entry(api, place)


async def say(api: Api, instance: int, clock: str | None) -> None:
    query = "" if clock is None else f"&clock={clock}"
    await api.ok(await api.front(f"sync?lanes=1{query}", {"instance": instance}))


def due(api: Api) -> list[str]:
    """What control would do now."""
    found = []
    for what, step in programmes.due(api.control):
        cast("Coroutine[Any, Any, object]", step).close()
        found.append(what)
    return found


def test_announced_armed_opened_closed_revealed(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            loaded = await load(api, programme(api, "one", "two"))
            first, second = loaded["rounds"]
            assert (first["state"], second["state"], first["seed"]) == ("announced", "announced", None)
            assert (await api.get("/v1/rounds"))[1] == {"rounds": []}
            instance = await api.register()
            await say(api, instance, SURE)

            api.clock.now_us = first["arm_us"] - 1_000
            assert due(api) == [], "a millisecond before its time"
            api.clock.now_us += 1_000
            armed = await becomes(api, "armed")
            number = armed["round"]
            public = await api.ok(await api.get(f"/v1/rounds/{number}"))
            assert public["commitment"] == first["commitment"], "what was announced is what is armed"
            await say(api, instance, SURE)
            epoch = await api.epoch(number, instance)
            assert (await api.lease(number, instance, epoch, 1))[0] == 200, "leases before the start"
            assert (await entry(api))["fronts"] == [
                {"front": 0, "ready": False, "leased_packets": 21, "uncertain_us": 800, "refused": ""}
            ]

            for after_us, state in ((-1_000, "armed"), (0, "open"), (1_000, "open")):
                api.clock.now_us = first["start_us"] + after_us
                assert (await entry(api))["state"] == state, "the start belongs to the round"
            api.clock.now_us = first["end_us"] - 1_000
            assert (due(api), (await entry(api))["state"]) == ([], "open"), "the last millisecond, too"
            api.clock.now_us = first["end_us"]
            await becomes(api, "closing")
            api.clock.now_us += 1_000
            assert [(await entry(api, place))["state"] for place in (0, 1)] == ["closing", "announced"]
            await the_seed_waits_for_the_refund(settings, api, number, instance, epoch)
            closed = await becomes(api, "closed")
            assert (closed["won"], closed["refunded_fen"]) == (0, BUDGET_FEN)
            sponsors = tuple(SponsorSplit.model_validate(one, strict=False) for one in SPONSORS)
            assert commitment(make_round(number, sponsors, bytes.fromhex(closed["seed"]))) == first["commitment"]
            api.clock.now_us = second["start_us"] + 1_000
            assert (await becomes(api, "open", 1))["seed"] is None
            api.clock.now_us = second["end_us"] + 1_000
            await becomes(api, "closing", 1)

    asyncio.run(body())


async def the_seed_waits_for_the_refund(
    settings: ControlSettings, api: Api, number: int, instance: int, epoch: int
) -> None:
    """Both come in one transaction: no amount is known while money can still move, and no money is back unseen."""
    with psycopg.connect(settings.postgres_url) as gate:
        gate.execute("LOCK TABLE live.entry IN SHARE MODE")
        await until_confirmed(api, number, instance, epoch)

        async def at_the_refund() -> bool:
            waits = "SELECT relation::regclass::text FROM pg_locks WHERE NOT granted AND relation IS NOT NULL"
            return ("live.entry",) in sql(settings, waits)

        await until(at_the_refund, what="the close at its refund")
        held = await entry(api)
        assert (held["state"], held["seed"], held["refunded_fen"]) == ("closing", None, 0)
        assert (await api.ok(await api.get(f"/v1/rounds/{number}")))["seed"] is None
        gate.rollback()


async def until_confirmed(api: Api, number: int, instance: int, epoch: int) -> None:
    async def confirmed() -> bool:
        return (await api.confirm(number, instance, epoch, 0))[0] == 200

    await until(confirmed, what="confirmed")


@pytest.mark.parametrize(
    ("clock", "status"),
    [
        pytest.param(None, 409, id="an unknown offset"),
        pytest.param("5~50000", 200, id="uncertain by 50 ms"),
        pytest.param("5~50001", 409, id="by more"),
        pytest.param("9000000~300", 200, id="far away, and known well"),
    ],
)
def test_a_front_whose_clock_is_not_known_well_gets_no_packets(
    settings: ControlSettings, clock: str | None, status: int
) -> None:
    async def body() -> None:
        async with running(settings) as api:
            await load(api, programme(api, "one"))
            by_hand = await api.make_round()
            instance = await api.register()
            api.clock.now_us += START_IN_US
            number = (await becomes(api, "open"))["round"]
            epoch = await api.epoch(number, instance)
            assert (await api.lease(number, instance, epoch, 1))[1]["error"]["code"] == "clock_uncertain", "no sync yet"
            await say(api, instance, clock)
            got, answer = await api.lease(number, instance, epoch, 1)
            assert got == status
            if status == 409:
                assert (answer["error"]["code"], answer["error"]["effect"]) == ("clock_uncertain", "none")
                assert (await entry(api))["fronts"][0]["refused"]
                assert (await api.lease(by_hand, instance, await api.epoch(by_hand, instance), 1))[0] == 200
            api.clock.now_us += 3_000_001
            assert (await api.lease(number, instance, epoch, 2))[0] == 409, "said too long ago"
            await api.register()
            answer = (await api.lease(number, instance, epoch, 2))[1]
            assert answer["error"]["code"] == "superseded", "whatever its clock: an older instance has to stop"
            assert (await api.front("sync?clock=soon", {"instance": instance}))[0] == 400

    asyncio.run(body())


def test_a_round_that_is_sold_out_closes_before_its_end(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            await load(api, programme(api, "one", "two"))
            api.clock.now_us += START_IN_US
            number = (await becomes(api, "open"))["round"]
            sql(settings, "UPDATE live.round SET next_packet = packets")
            await api.control.refresh()
            assert due(api) == [f"end round {number}"], "it is looked whether every packet is paid"
            await next(step for _, step in programmes.due(api.control))
            assert (await entry(api))["state"] == "open", "leased is not won"
            credit = "INSERT INTO live.batch (kind, round, postings, fen, committed_us) VALUES ('credit', %s, %s, 0, 0)"
            ((batch,),) = sql(settings, f"{credit} RETURNING batch", number, PACKETS - 1)
            # A record in suspense whose packet was another's: it holds no money, and the last packet may still be won.
            held = "INSERT INTO live.suspense VALUES (%s, %s, 0, 1, 1, 0, 3, 6, 40, 7, 400, 0, 0, 'why')"
            sql(settings, held, batch, number)
            await next(step for _, step in programmes.due(api.control))
            assert ((await entry(api))["state"], (await entry(api))["won"]) == ("open", PACKETS - 1)
            sql(settings, credit, number, 1)
            assert (await becomes(api, "closing"))["won"] == PACKETS
            assert api.clock.now_us < (await entry(api))["end_us"]

    asyncio.run(body())


def test_the_same_programme_again_another_one_and_what_cannot_be_one(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            body = programme(api, "one")
            first = await load(api, body)
            assert await load(api, body) == first, "the same again changes nothing"
            # What an earlier version stored has no key that is optional since.
            sql(settings, "UPDATE live.programme SET request = request - 'ties'")
            assert await load(api, body) == first, "loaded before an upgrade, and again"
            empty = [{"sponsor": 7, "name": "Seven", "classes": [[0, 60]]}]
            other, over, twice = programme(api, "other"), programme(api, "one", programme="b"), programme(api, "a", "a")
            broke, gap = programme(api, "one", programme="c"), programme(api, "one", "two", programme="d")
            over["rounds"][0]["order"]["start_us"] = api.clock.now_us - LASTS_MS * 1_000
            broke["rounds"][0]["order"]["sponsors"] = empty
            gap["rounds"][1]["order"]["start_us"] = gap["rounds"][0]["order"]["start_us"] + LASTS_MS * 1_000 - 1
            for wrong, status, code in (
                (other, 409, "programme_loaded"), (over, 400, "bad_request"), (twice, 400, "bad_request"),
                (broke, 400, "no_budget"), (gap, 400, "bad_request"), (programme(api, "No name"), 400, "bad_request"),
            ):  # fmt: skip
                got, answer = await api.admin("POST", "/v1/programmes", wrong)
                assert (got, answer["error"]["code"], answer["error"]["effect"]) == (status, code, "none"), answer
            order = {"sponsors": [*SPONSORS, {"sponsor": 1, "name": "One", "classes": []}], "starts_in_ms": 0}
            got, answer = await api.admin("POST", "/v1/rounds", order | {"duration_ms": 1_000})
            assert (got, answer["error"]["code"]) == (400, "no_budget")
            assert (await api.call("POST", "/v1/programmes", body, Authorization="Bearer no"))[0] == 401
            assert len((await api.ok(await api.get("/v1/programmes")))["programmes"]) == 1
        async with running(settings) as again:
            assert await entry(again) == first["rounds"][0], "control started again knows it"
            again.clock.now_us = first["rounds"][0]["end_us"]
            assert (due(again), (await entry(again))["state"]) == ([], "missed")
            missed = ("hongbao_programme_rounds", {"lane": "live", "state": "missed"})

            async def counted() -> bool:
                return again.registry.get_sample_value(*missed) == 1

            await until(counted, what="a missed round as a metric")

    asyncio.run(body())


def test_a_season_that_has_ended_holds_up_no_round(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            body = programme(api, "one")
            body["rounds"][0]["order"]["season"] = 3
            status, answer = await api.admin("POST", "/v1/programmes", body)
            assert (status, answer["error"]["code"]) == (404, "unknown_season"), "said before it is announced"
            made = "INSERT INTO live.season (season, cards, seed, commitment, sponsor, pot_fen, created_us) VALUES"
            sql(settings, f"{made} (3, '{{1,1,1,1,1}}', decode(repeat('00', 32), 'hex'), '', 7, 1, 0)")
            loaded = await load(api, body)
            sql(settings, "UPDATE live.season SET state = 'ended'")
            api.clock.now_us = loaded["rounds"][0]["arm_us"]
            armed = await becomes(api, "armed")
            assert (await api.ok(await api.get(f"/v1/rounds/{armed['round']}")))["season"] is None

    asyncio.run(body())
