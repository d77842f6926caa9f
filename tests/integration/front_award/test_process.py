"""`python -m system.front` as a process: taps over HTTP, a graceful stop, a newer start, bad settings."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from pathlib import Path
from unittest.mock import ANY

import aiohttp
import pytest

from tests.support.deadline import until
from tests.support.front import Rig, eventually, on
from tests.support.front_process import Taps, environment, on_process, process, started
from tests.support.stores import LOOPBACK, ValkeyServer

DEGRADED = {"code": "degraded", "effect": "none"}


async def answering(taps: Taps) -> None:
    async def tapped() -> bool:
        try:
            return bool((await taps.tap(1, 1))[0])
        except aiohttp.ClientError:
            return False

    await until(tapped, "the front answers")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_with_every_tap_answered(
    valkey_server: ValkeyServer, tmp_path: Path, number: signal.Signals
) -> None:
    async def scenario(rig: Rig, session: aiohttp.ClientSession) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        env = environment(rig, tmp_path)
        taps = Taps(session, env)
        async with process(env) as front, contextlib.AsyncExitStack() as stack:
            await started(taps)
            first = await taps.win(round_id, 1)
            assert (await taps.tap(round_id, 1))[1] == first | {"repeat": True}
            sent: list[object] = []

            async def noted(*args: object) -> None:
                sent.append(args)

            trace = aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(noted)
            many = await stack.enter_async_context(aiohttp.ClientSession(trace_configs=[trace]))
            crowd = Taps(many, env)
            # Connected before: a front that stops accepts nobody who is still on the way.
            assert all(await asyncio.gather(*(crowd.ready() for _ in range(2, 30))))
            sent.clear()
            rig.relay.mute = True
            waiting = [asyncio.create_task(crowd.tap(round_id, uid)) for uid in range(2, 30)]
            await eventually(lambda: len(sent) == len(waiting), "every tap is on its way")
            await eventually(lambda: rig.relay.dropped > 0, "an append on its way")
            front.send_signal(number)
            rig.relay.mute = False
            answers = await asyncio.gather(*waiting)
            assert {status for status, _ in answers} <= {200, 202, 503}
            assert await asyncio.wait_for(front.wait(), 60) == 0
        acknowledged = {uid for uid, (_, body) in zip(range(2, 30), answers, strict=True) if body.get("won")} | {1}
        pending = {uid for uid, (status, _) in zip(range(2, 30), answers, strict=True) if status == 202}
        stored = set(await rig.winners(round_id))
        assert acknowledged <= stored <= acknowledged | pending

    on_process(valkey_server, scenario)


def test_restarted_while_control_is_away_it_says_degraded_never_that_there_is_no_such_round(
    valkey_server: ValkeyServer, tmp_path: Path
) -> None:
    async def scenario(rig: Rig, session: aiohttp.ClientSession) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        env = environment(rig, tmp_path)
        taps = Taps(session, env)
        async with process(env):
            await started(taps)
            won = await taps.win(round_id, 1)
        rig.control.down = True
        async with process(env):
            await answering(taps)
            for asked in (round_id, round_id + 1):
                for uid in (1, 2):
                    status, body = await taps.tap(asked, uid)
                    assert (status, body["error"]) == (503, {**DEGRADED, "message": ANY}), asked
            assert (await taps.tap(round_id, 1, b"x"))[0] == 401, "what needs no round is said as ever"
            assert not await taps.ready()
            rig.control.down = False
            await started(taps)
            assert (await taps.tap(round_id, 1))[1] == won | {"repeat": True}

            async def unknown() -> bool:
                status, _ = await taps.tap(round_id + 1, 1)
                assert status in (404, 503)
                return status == 404

            await until(unknown, "control was heard just now: there is no such round")

    on_process(valkey_server, scenario)


def test_killed_in_mid_round_its_next_start_answers_the_same(valkey_server: ValkeyServer, tmp_path: Path) -> None:
    async def scenario(rig: Rig, session: aiohttp.ClientSession) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        env = environment(rig, tmp_path)
        taps = Taps(session, env)
        async with process(env):
            await started(taps)
            before = {uid: await taps.win(round_id, uid) for uid in range(1, 6)}
        async with process(env):
            await started(taps)
            for uid, body in before.items():
                assert (await taps.tap(round_id, uid))[1] == body | {"repeat": True}
            assert await taps.win(round_id, 10)
        assert sorted(await rig.winners(round_id)) == [1, 2, 3, 4, 5, 10]

    on_process(valkey_server, scenario)


def test_superseded_it_ends_by_itself(valkey_server: ValkeyServer, tmp_path: Path) -> None:
    async def scenario(rig: Rig, session: aiohttp.ClientSession) -> None:
        env = environment(rig, tmp_path)
        async with process(env) as front:
            await started(Taps(session, env))
            rig.control.instance += 1
            assert await asyncio.wait_for(front.wait(), 60) == 0

    on_process(valkey_server, scenario)


@pytest.mark.parametrize(
    ("more", "files", "said"),
    [
        pytest.param({"XIU_FRONT": "7"}, None, "XIU_FRONT='7'; expected a number below 1", id="no such front"),
        pytest.param({"XIU_METRICS_LISTEN": "here"}, None, "'here' is no address", id="no address"),
        pytest.param({"XIU_LISTEN": "{taken}"}, None, "already in use", id="taps: taken"),
        pytest.param({"XIU_METRICS_LISTEN": "{taken}"}, None, "already in use", id="metrics: taken"),
        pytest.param({}, 100, "100 open files leave no place for a client", id="too few open files"),
    ],
)
def test_what_it_cannot_start_with_is_one_line_and_exit_2(
    valkey_server: ValkeyServer, tmp_path: Path, more: dict[str, str], files: int | None, said: str
) -> None:
    async def scenario(rig: Rig) -> None:
        log = tmp_path / "front.log"
        with socket.create_server((LOOPBACK, 0)) as taken:
            where = f"{LOOPBACK}:{taken.getsockname()[1]}"
            env = environment(rig, tmp_path) | {key: value.format(taken=where) for key, value in more.items()}
            async with process(env, files=files, log=log) as front:
                assert await asyncio.wait_for(front.wait(), 60) == 2
        (line,) = [line for line in log.read_text().splitlines() if line.startswith("front: ")]
        assert said in line
        assert "Traceback" not in log.read_text()

    on(valkey_server, scenario)
