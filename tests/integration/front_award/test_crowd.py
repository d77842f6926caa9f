"""A front process with few open files and a crowd before its door: taps are answered, who says nothing goes."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import aiohttp
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from system.front.places import LOG_AGAIN_S
from tests.support.deadline import until
from tests.support.front import Rig
from tests.support.front_process import Taps, environment, on_process, process, started
from tests.support.open_files import room_for
from tests.support.stores import LOOPBACK, ValkeyServer, free_port

FILES, CROWD = 1024, 3000


@pytest.fixture
def many_files() -> Iterator[None]:
    """Open files for the crowd, which is ours."""
    with room_for(CROWD):
        yield


class Crowd:
    """Clients that connect and say nothing."""

    def __init__(self, listen: str) -> None:
        host, _, port = listen.partition(":")
        self._at = (host, int(port))
        self.sockets: list[socket.socket] = []

    async def come(self, count: int) -> None:
        loop = asyncio.get_running_loop()
        for number in range(count):
            client = socket.socket()
            client.setblocking(False)
            self.sockets.append(client)
            async with asyncio.timeout(60):
                await loop.sock_connect(client, self._at)
            if not number % 50:
                await asyncio.sleep(0)

    @property
    def left(self) -> int:
        """How many of them are still connected."""
        left = 0
        for client in self.sockets:
            with contextlib.suppress(BlockingIOError):
                with contextlib.suppress(ConnectionError):
                    client.recv(1)
                continue
            left += 1
        return left

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self.sockets:
            client.close()


def kept_alive() -> aiohttp.TCPConnector:
    """Connections that this side never closes for their silence, however long the test is held up."""
    return aiohttp.TCPConnector(keepalive_timeout=600.0)


def lines_most(began: float) -> int:
    """How often the front may have said the same since then: once, where nothing holds up the test for so long."""
    return 1 + int((time.monotonic() - began) / LOG_AGAIN_S)


async def figures(session: aiohttp.ClientSession, env: dict[str, str]) -> Counter[str]:
    async with session.get(f"http://{env['XIU_METRICS_LISTEN']}/metrics") as answer:
        text = await answer.text()
    found: Counter[str] = Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[".".join((sample.name, *sample.labels.values()))] += int(sample.value)
    return found


@pytest.mark.usefixtures("many_files")
def test_a_crowd_that_says_nothing_costs_no_tap_and_no_tapper_its_connection(
    valkey_server: ValkeyServer, tmp_path: Path
) -> None:
    async def scenario(rig: Rig, session: aiohttp.ClientSession) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        env = environment(rig, tmp_path) | {"XIU_METRICS_LISTEN": f"{LOOPBACK}:{free_port()}"}
        taps, log, began = Taps(session, env), tmp_path / "front.log", time.monotonic()
        async with process(env, files=FILES, log=log), aiohttp.ClientSession(connector=kept_alive()) as other:
            crowd = stack.enter_context(Crowd(env["XIU_LISTEN"]))
            await started(taps)
            regular = Taps(other, env)
            await regular.win(round_id, 1)
            (kept,) = [conn for conns in other.connector._conns.values() for conn, _ in conns]  # type: ignore[union-attr]
            for uid in range(2, 12):
                await crowd.come(CROWD // 10)
                assert await taps.win(round_id, uid)
                assert (await regular.tap(round_id, 1))[1]["repeat"] is True
            assert [conn for conns in other.connector._conns.values() for conn, _ in conns] == [kept]  # type: ignore[union-attr]
            places = (await figures(session, env))["hongbao_front_places"]
            assert 0 < places < FILES

            async def accepted() -> bool:
                # The last of the crowd are connected by the kernel before the front has looked at them.
                seen = await figures(session, env)
                gone = seen["hongbao_front_connections_dropped_total.room"]
                return gone >= CROWD - places and max(crowd.left, seen["hongbao_front_connections"]) <= places

            await until(accepted, "all of the crowd were accepted, and those beyond the places sent away")
            seen = await figures(session, env)
            assert seen["hongbao_front_connections_dropped_total.full"] == 0
            assert seen["hongbao_front_connections_dropped_total.files"] == 0
        said = [line for line in log.read_text().splitlines() if "places were taken" in line]
        assert 1 <= len(said) <= lines_most(began), "once, not for each"

    with contextlib.ExitStack() as stack:
        on_process(valkey_server, scenario)


def test_a_front_without_an_open_file_left_says_so_and_accepts_again_once_there_is_one(
    valkey_server: ValkeyServer, tmp_path: Path
) -> None:
    async def scenario(rig: Rig, session: aiohttp.ClientSession) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        env = environment(rig, tmp_path) | {"XIU_METRICS_LISTEN": f"{LOOPBACK}:{free_port()}"}
        taps, log, began = Taps(session, env), tmp_path / "front.log", time.monotonic()
        async with process(env, files=FILES, log=log) as front:
            crowd = stack.enter_context(Crowd(env["XIU_LISTEN"]))
            await started(taps)
            first = await taps.win(round_id, 1)
            await figures(session, env)  # its connection is kept
            open_files = psutil.Process(front.pid).num_fds()
            resource.prlimit(front.pid, resource.RLIMIT_NOFILE, (open_files + 5, FILES))
            await crowd.come(30)

            async def said() -> bool:
                return (await figures(session, env))["hongbao_front_connections_dropped_total.files"] > 0

            await until(said, "the metric says it")
            assert (await taps.tap(round_id, 1))[1] == first | {"repeat": True}, "who is connected is served"
            assert 1 <= log.read_text().count("can accept no more") <= lines_most(began)
            resource.prlimit(front.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
            async with aiohttp.ClientSession() as other:
                assert (await Taps(other, env).tap(round_id, 1))[1] == first | {"repeat": True}

    with contextlib.ExitStack() as stack:
        on_process(valkey_server, scenario)
