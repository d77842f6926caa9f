"""Counts from a front's taps to the answer of play: written once, merged, honest about what a killed front took."""

from __future__ import annotations

import asyncio
import base64
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest
from pyroaring import BitMap64

from system.audit.unwritten import wait_for_counts
from system.ledger.access import connect
from system.settings import ControlSettings
from tests.support import play as playing
from tests.support.control import SECRET, SPONSORS, Api, LateClock, running, sql
from tests.support.deadline import until
from tests.support.front import Rig
from tests.support.front_process import Taps, environment, process, started


def users(*uids: int) -> str:
    return base64.b64encode(BitMap64(uids).serialize()).decode()


def part(round_id: int, minute_us: int, taps: int, *uids: int, **more: Any) -> dict[str, Any]:
    return {"round": round_id, "minute_us": minute_us, "taps": taps, "too_fast": 1, "users": users(*uids)} | more


async def report(api: Api, instance: int, number: int, *parts: dict[str, Any], **more: Any) -> tuple[int, Any]:
    body = {"instance": instance, "number": number, "until_us": number, "parts": list(parts)} | more
    return await api.front("counts", body)


async def told(dsn: str, query: str = "") -> Any:
    async with playing.running(dsn) as play:
        status, answer = await play.call(f"/v1/participation{query}", playing.ADMIN)
        assert status == 200, answer
        assert (await play.call("/v1/participation", playing.token(5)))[0] == 401
        assert (await play.call("/v1/participation?programme=No!", playing.ADMIN))[0] == 400
        return answer


def test_each_report_is_written_once_and_people_are_merged(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            one, two, other = await api.make_round(), await api.make_round(), await api.make_round(lane="stress")
            first = await api.register()
            api.clock.now_us += 1_000_000
            second = await api.register()
            far = 1 << 62
            parts = (
                part(one, 0, 5, 1, 2, far, exposures={"7": 2}), part(one, 60, 3, 2, 3), part(other, 0, 9, 2),
            )  # fmt: skip
            for _ in range(2):
                assert await report(api, second, 1, *parts) == (200, {"number": 1}), "the same again is taken, once"
            value, live = api.registry.get_sample_value, {"lane": "live"}
            assert value("hongbao_participations_total", live) == 5 + 3
            assert value("hongbao_exposures_total", live) == 2
            assert value("hongbao_participations_total", {"lane": "stress"}) == 9
            assert await report(api, first, 4, part(two, 60, 2, 3, 4, exposures={"7": 1, "9": 1})) == (
                200,
                {"number": 4},
            )
            assert await report(api, second, 2, last=True) == (200, {"number": 2})
            for wrong in ("not base64", base64.b64encode(b"no bitmap").decode(), users(1)[:-4]):
                status, answer = await report(api, second, 3, part(one, 0, 1) | {"users": wrong})
                assert (status, answer["error"]["code"]) == (400, "bad_request"), wrong
            assert (await report(api, second, 3, part(99, 0, 1)))[0] == 404
            assert (await api.call("POST", "/v1/fronts/0/counts", {"instance": 1, "number": 1}))[0] == 401
        live = await told(settings.postgres_url)
        assert live["evening"] == {"taps": 10, "too_fast": 3, "people": 5, "exposures": {"7": 3, "9": 1}}
        rounds = {found["round"]: found for found in live["rounds"]}
        assert (rounds[one]["taps"], rounds[one]["people"]) == (8, 4)
        minutes = [(found["minute_us"], found["taps"], found["people"]) for found in rounds[one]["minutes"]]
        assert minutes == [(0, 5, 3), (60, 3, 2)]
        assert not live["exact"], "the first start was replaced, and wrote no last report"
        (gap,) = rounds[one]["uncounted"]
        assert (gap["front"], gap["instance"], gap["since_us"]) == (0, first, 4)
        assert (await told(settings.postgres_url, f"?round={two}"))["evening"]["people"] == 2
        async with playing.running(settings.postgres_url) as play:
            for query, code in (("programme=evening", "not_found"), ("round=99", "unknown_round")):
                status, answer = await play.call(f"/v1/participation?{query}", playing.ADMIN)
                assert (status, answer["error"]["code"]) == (404, code), "not zeros, which would be exact"
        assert (await told(settings.postgres_url, "?lane=stress"))["evening"]["taps"] == 9

    asyncio.run(body())


def test_a_start_killed_before_its_first_report_is_uncounted(settings: ControlSettings) -> None:
    """Also where no other start has counted anything in the round, and where none has come after it."""

    async def gaps(query: str = "") -> tuple[dict[int, list[int]], bool]:
        answer = await told(settings.postgres_url, query)
        found = {one["round"]: [gap["instance"] for gap in one["uncounted"]] for one in answer["rounds"]}
        return {number: instances for number, instances in found.items() if instances}, answer["exact"]

    async def body() -> None:
        async with running(settings) as api:
            early = await api.make_round()
            first = await api.register()
            assert await gaps() == ({}, False), "a front that has just begun, and has said nothing"
            # The clock of this control is not PostgreSQL's.
            ago_us = time.time_ns() // 1000 - 6_000_000
            sql(settings, "UPDATE control.counting SET until_us = %s, began_us = %s", ago_us, ago_us)
            sql(
                settings,
                "UPDATE live.round SET start_us = %s, end_us = %s, created_us = %s",
                ago_us,
                ago_us + 1,
                ago_us,
            )
            assert await gaps() == ({early: [first]}, False), "silent for six seconds"
            later = await api.make_round()
            sql(
                settings,
                "UPDATE live.round SET start_us = %s, created_us = %s WHERE round = %s",
                ago_us,
                ago_us + 5_500_000,
                later,
            )
            assert await gaps(f"?round={later}") == ({}, False), "it may not have heard of that round; nobody knows"
            second = await api.register()
            assert await report(api, second, 1, last=True, until_us=api.clock.now_us) == (200, {"number": 1})
            assert (await gaps(f"?round={early}")) == ({early: [first]}, False)
            sql(settings, "UPDATE live.round SET state = 'closed', closed_us = start_us - 1000000")
            assert await gaps() == ({}, False), "closed before the start's first word: there is no data"

    asyncio.run(body())


def test_exact_is_what_every_front_has_confirmed(settings: ControlSettings) -> None:
    """A minute once each front reported beyond its end; a round once each says that it answers no more in it."""
    dsn, minute = settings.postgres_url, 60_000_000

    async def exact(round_id: int) -> tuple[bool, list[bool], bool]:
        answer = await told(dsn, f"?round={round_id}")
        (found,) = answer["rounds"]
        return found["exact"], [one["exact"] for one in found["minutes"]], answer["exact"]

    async def body() -> None:
        async with running(settings) as api:
            assert not (await told(dsn))["exact"], "there is nothing that could be"
            instance, round_id = await api.register(), await api.make_round()
            first_us = api.clock.now_us // minute * minute + minute
            sql(settings, "UPDATE live.round SET start_us = %s, end_us = %s", first_us, first_us + 2 * minute)
            parts = [part(round_id, first_us + k * minute, 5, k) for k in range(2)]
            assert (await report(api, instance, 1, *parts, until_us=first_us + minute + 1, rounds=[round_id]))[0] == 200
            # At once: nobody has to be silent for that.
            assert await exact(round_id) == (False, [True, False], False)
            closed_us = first_us + 2 * minute + 7
            sql(settings, "UPDATE live.round SET state = 'closed', closed_us = %s", closed_us)
            assert await exact(round_id) == (False, [True, False], False), "killed right now, who would know?"
            assert (await report(api, instance, 2, until_us=closed_us + 1, rounds=[round_id]))[0] == 200
            assert await exact(round_id) == (False, [True, True], False), "it has not heard of the close, and answers"
            confirmed = (await told(dsn))["rounds"][0]["confirmed_us"]
            assert confirmed == closed_us + 1
            assert (await report(api, instance, 3, until_us=closed_us + 2))[0] == 200
            assert await exact(round_id) == (True, [True, True], True)
            # A second front of that round, which says nothing.
            sql(settings, "INSERT INTO live.stream (round, front, cell) VALUES (%s, 1, 0)", round_id)
            counting = "INSERT INTO control.counting (front, instance, until_us, began_us) VALUES (1, %s, %s, %s)"
            sql(settings, counting, instance + 1, first_us + minute, first_us)
            assert await exact(round_id) == (False, [True, False], False)
            # Started again before the second minute: the first minute is the dead one's, and the gap is in the second.
            sql(settings, counting, instance + 2, closed_us, first_us + minute + 9)
            assert await exact(round_id) == (False, [True, False], False)
            (gap,) = (await told(dsn))["rounds"][0]["uncounted"]
            assert (gap["since_us"], gap["until_us"]) == (first_us + minute, first_us + minute + 9)

    asyncio.run(body())


def evening(api: Api, name: str, first_us: int) -> dict[str, Any]:
    """A programme of two rounds, 20 s each, both armed at once."""
    rounds = [
        {
            "name": f"round-{place}", "title": f"Round {place}", "arm_ahead_ms": 600_000,
            "order": {"sponsors": SPONSORS, "duration_ms": 20_000, "start_us": first_us + 20_000_000 * place},
        }
        for place in range(2)
    ]  # fmt: skip
    return {"programme": name, "rounds": rounds}


def test_the_evening_of_a_programme_is_that_of_its_rounds_and_has_its_forecast(settings: ControlSettings) -> None:
    """People who tapped in both rounds are one each; rounds of another programme, and of none, are left out."""

    async def body() -> None:
        async with running(settings) as api:
            instance, now_us, numbers = await api.register(), api.clock.now_us, dict[str, list[int]]()
            ties = {"expected": 20_000, "gained": 110_000}
            for name, more in (("late", {}), ("gala", {"ties": ties})):
                order = evening(api, name, now_us + 10_000_000) | more
                loaded = await api.ok(await api.admin("POST", "/v1/programmes", order))
                numbers[name] = [one["round"] for one in loaded["rounds"]]

            async def armed() -> bool:
                found = (await api.ok(await api.get("/v1/programmes")))["programmes"]
                return {one["state"] for programme in found for one in programme["rounds"]} == {"armed"}

            await until(armed, "all rounds armed")
            (one, two), (other, _), alone = numbers["gala"], numbers["late"], await api.make_round()
            parts = (
                part(one, 0, 5, 1, 2, exposures={"7": 2}), part(one, 60, 4, 2, 3), part(two, 60, 3, 3, 4),
                part(other, 0, 9, 1, 8), part(alone, 0, 7, 9),
            )  # fmt: skip
            assert (await report(api, instance, 1, *parts))[0] == 200
        gala = await told(settings.postgres_url, "?programme=gala")
        assert gala["evening"] == {"taps": 12, "too_fast": 3, "people": 4, "exposures": {"7": 2}}
        assert [(each["round"], each["taps"], each["people"]) for each in gala["rounds"]] == [(one, 9, 3), (two, 3, 2)]
        late = await told(settings.postgres_url, "?programme=late")
        assert [(each["round"], each["taps"], each["people"]) for each in late["rounds"]] == [(other, 9, 2)]
        everything = await told(settings.postgres_url)
        assert (everything["evening"]["taps"], everything["evening"]["people"]) == (28, 6)
        async with playing.running(settings.postgres_url) as play:
            grown = (await play.call("/v1/relations/growth", playing.ADMIN))[1]
        assert grown["forecast"] == {"programme": "gala", "expected": 20_000, "gained_2016": 110_000}
        assert grown["ties"] == 0, "nobody has met yet: measured is not what was forecast"

    asyncio.run(body())


def front_of(control_url: str, valkey_url: str, folder: Path) -> dict[str, str]:
    """The environment of a front of that control."""
    place = SimpleNamespace(control_url=control_url, valkey_url=valkey_url)
    env = environment(cast("Rig", SimpleNamespace(settings=lambda: place)), folder)
    Path(env["XIU_SECRET_FILE"]).write_text(SECRET.hex())
    return env


def test_a_front_counts_what_it_answers_and_a_killed_one_is_owned_up_to(
    settings: ControlSettings, tmp_path: Path
) -> None:
    counted = "SELECT coalesce(sum(taps), 0)::int FROM live.participation WHERE instance = %s"

    async def body() -> None:
        async with running(settings, LateClock()) as api, aiohttp.ClientSession() as session:
            url = str(api.client.make_url("")).rstrip("/")
            env = front_of(url, settings.valkey_url, tmp_path)
            round_id = await api.make_round(duration_ms=600_000)
            taps, answered = Taps(session, env), 0

            async def tap(uids: range) -> int:
                statuses = [(await taps.tap(round_id, uid))[0] for uid in uids]
                assert set(statuses) <= {200, 202}
                return len(statuses)

            def written(instance: int) -> int:
                return int(sql(settings, counted, instance)[0][0])

            async with process(env) as front:
                await started(taps)

                async def known() -> bool:
                    return (await taps.tap(round_id, 1))[0] in (200, 202)

                await until(known, "the round")
                answered = 1 + await tap(range(100, 130))

                async def all_written() -> bool:
                    return written(1) == answered

                await until(all_written, "written down")
                await tap(range(200, 230))
                front.kill()
                await front.wait()
            async with process(env) as front:
                await started(taps)
                again = await tap(range(100, 110))
                front.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(front.wait(), 60) == 0

            async def said_last() -> bool:
                return bool(sql(settings, "SELECT 1 FROM control.counting WHERE instance = 2 AND last"))

            # Its report came; what it waits for the answer is bounded, and shorter than a commit on a busy disk.
            await until(said_last, "the last word of the second start")
            assert written(2) == again, "an orderly stop leaves nothing uncounted"
            # Only now: a report that was under way when its front was killed is still written.
            lost = answered + 30 - written(1)
            assert 0 <= lost <= 30
        live = await told(settings.postgres_url)
        (found,) = live["rounds"]
        assert (found["taps"], found["people"]) == (answered + 30 - lost + again, 31 + 30 - lost)
        assert [(gap["instance"], live["exact"]) for gap in found["uncounted"]] == [(1, False)]
        starts = sql(settings, "SELECT instance, last FROM control.counting ORDER BY 1")
        assert starts == [(1, False), (2, True)]

    asyncio.run(asyncio.wait_for(body(), 240))


def test_the_audit_waits_for_a_front_that_has_more_to_write(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings, LateClock()) as api:
            instance, round_id = await api.register(), await api.make_round()
            sql(settings, "UPDATE live.round SET state = 'closed', closed_us = %s", api.clock.now_us)
            conn = await connect(settings.postgres_url, "xiu_live", SECRET)
            async with conn:
                waits = asyncio.create_task(wait_for_counts(conn, "live", [round_id], patience_s=30.0))
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(waits), 0.3)
                assert (await report(api, instance, 1, until_us=api.clock.now_us))[0] == 200
                await asyncio.wait_for(waits, 60)
                sql(settings, "UPDATE control.counting SET until_us = 0")
                began = asyncio.get_running_loop().time()
                await wait_for_counts(conn, "live", [round_id], patience_s=0.2)
                assert asyncio.get_running_loop().time() - began >= 0.2
                await wait_for_counts(conn, "live", [], patience_s=30.0)
                sql(settings, "UPDATE live.round SET closed_us = closed_us - 61000000")
                await wait_for_counts(conn, "live", [round_id], patience_s=30.0)

    asyncio.run(body())
