"""The real seam to the outside: the lane it asks for, and that nothing a broken part answers is taken for a figure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from chaos.playbook.world import Away, StackWorld
from harness.stack.addresses import Addresses
from harness.stack.places import Directory
from system.contract.ids import Lane
from system.contract.places import system

KEY = "draw.release_percent"
LANES_TOLD = {"live": {KEY: 100, "stress.accept": 1}, "stress": {KEY: 25, "stress.accept": 1}}
SHOWN = "".join(f'hongbao_switch{{key="{KEY}",lane="{lane}"}} {LANES_TOLD[lane][KEY]}.0\n' for lane in LANES_TOLD)


def asked(answer: Callable[[web.Request], web.StreamResponse], talk: Callable[[StackWorld], Awaitable[None]]) -> None:
    """Everything the engine asks is answered so."""

    async def handler(request: web.Request) -> web.StreamResponse:
        await request.read()
        return answer(request)

    async def run() -> None:
        app = web.Application()
        app.router.add_route("*", "/{all:.*}", handler)
        async with TestServer(app) as server:
            url = str(server.make_url("")).rstrip("/")
            workers = {"live": url, "stress": url}
            at = Addresses.plain("", "", url, (), url, workers, (url, url), prometheus_url=url)
            async with StackWorld(at, "operators") as world:
                await talk(world)

    asyncio.run(run())


def test_a_switch_is_read_back_from_every_reader_for_its_own_lane() -> None:
    def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/metrics":
            return web.Response(text=SHOWN)
        return web.json_response({"switches": LANES_TOLD["live"], "lanes": LANES_TOLD})

    async def talk(world: StackWorld) -> None:
        lanes: tuple[tuple[Lane, int], ...] = (("live", 100), ("stress", 25))
        for lane, value in lanes:
            assert await world.control_value(KEY, lane) == value
            assert await world.seen(KEY, lane) == {"front-0": value, "front-1": value}
            assert list(world.readers("credit.pause", lane)) == [f"credit-{lane}"]
        assert await world.control_value(KEY, None) is None, "both lanes are meant, and differ"
        assert await world.control_value("stress.accept", None) == 1
        assert (await world.seen(KEY, None))["front-1 (stress)"] == 25

    asked(answer, talk)


def test_what_there_is_and_who_reads_a_switch_is_what_the_directory_says() -> None:
    """Three fronts and two cells, each cell with a credit worker of the lane."""
    places = Directory(tuple(replace(place, metrics_url=place.name) for place in system(fronts=3, cells=2)))
    world = StackWorld(Addresses(places), "operators")
    assert world.known("cell") == ("0", "1")
    assert world.known("front") == ("front-0", "front-1", "front-2")
    assert world.known("lane") == ("live", "stress")
    assert set(world.readers(KEY, "live")) == {"front-0", "front-1", "front-2"}
    assert set(world.readers("credit.pause", "stress")) == {"credit-stress", "credit-stress-1"}


def test_a_switch_is_set_in_the_lane_it_is_meant_for() -> None:
    bodies: list[Any] = []

    async def talk(world: StackWorld) -> None:
        await world.set(KEY, "stress", 25, "run 1")
        await world.set("stress.accept", None, 0, "run 1")

    async def keep(request: web.Request) -> web.StreamResponse:
        bodies.append(await request.json())
        return web.json_response({"value": bodies[-1]["value"]})

    async def run() -> None:
        app = web.Application()
        app.router.add_put("/v1/switches/{key}", keep)
        async with TestServer(app) as server:
            url = str(server.make_url("")).rstrip("/")
            async with StackWorld(Addresses.plain("", "", url, (), url, {}), "operators") as world:
                await talk(world)

    asyncio.run(run())
    assert [one.get("lane") for one in bodies] == ["stress", None]
    assert "lane" not in bodies[1]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>502</html>", id="a page of a proxy"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[" * 100_000, id="brackets without end"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
        pytest.param(b'{"data":{"result":[{"value":[0,{}]}]},"switches":[],"lanes":{"live":{}}}', id="other shapes"),
        pytest.param(
            b'{"data":{"result":[{"value":[0,"NaN"]}]},"lanes":{"live":{"%s":1e999}}}' % KEY.encode(), id="no figure"
        ),
        pytest.param(b'hongbao_switch{key="%s",lane="live"} NaN\n' % KEY.encode(), id="a gauge without a number"),
        pytest.param(b'hongbao_switch{key="%s",lane="live"} +Inf\n' % KEY.encode(), id="an endless gauge"),
        pytest.param(b'hongbao_switch{key="%s\n' % KEY.encode(), id="half a gauge"),
        pytest.param(b'hongbao_switch{key="%s"} 25\n' % KEY.encode(), id="a gauge that names no lane"),
    ],
)
@pytest.mark.parametrize("charset", ["utf-8", "nobody-knows"])
def test_garbage_is_no_data(body: bytes, charset: str) -> None:
    def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, headers={"Content-Type": f"text/plain; charset={charset}"})

    async def talk(world: StackWorld) -> None:
        assert await world.figure("up") is None
        assert await world.control_value(KEY, "live") is None
        assert set((await world.seen(KEY, "live")).values()) == {None}
        with pytest.raises(Away):
            await world.set(KEY, "live", 25, "run 1")

    asked(answer, talk)


def test_a_cell_s_switch_is_asked_set_and_read_back_there_alone() -> None:
    own = {"live": {"1": {KEY: 30}}}
    orders: list[Any] = []

    def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/metrics":
            return web.Response(text=SHOWN)
        if request.method == "PUT":
            return web.json_response({"key": KEY, "value": 30})
        lanes = LANES_TOLD if "cell" not in request.query else {**LANES_TOLD, "live": {KEY: 30}}
        return web.json_response({"lanes": lanes, **({} if "cell" in request.query else {"cells": own})})

    async def talk(world: StackWorld) -> None:
        at = world._at
        rows = [replace(place, metrics_url=at.control_url) for place in system(3, 2)]
        world._at = replace(at, places=Directory((*at.places.of("control"), *rows)))
        assert (await world.control_value(KEY, "live"), await world.control_value(KEY, "live", 1)) == (100, 30)
        assert [*await world.seen(KEY, "live", 1)] == ["front-1"]
        assert [*await world.seen(KEY, "live")] == ["front-0", "front-2"], "a cell with its own does not follow"
        assert [*await world.seen(KEY, "stress")] == ["front-0", "front-1", "front-2"]
        assert [*world.readers("credit.pause", "live", 1)] == ["credit-live-1"]
        await world.set(KEY, "live", 30, "run 1", 1)
        orders.append(True)

    asked(answer, talk)
    assert orders
