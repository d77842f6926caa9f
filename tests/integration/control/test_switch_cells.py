"""A switch with a value of its own in one cell: its fronts and credit workers obey it, all others their lane's."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from system.contract.routing import Topology
from system.credit.switches import Switches
from system.settings import ControlSettings
from tests.support.control import Api, running

RELEASE, PAUSE = "draw.release_percent", "credit.pause"


@pytest.fixture
def two_cells(two_fronts: ControlSettings) -> ControlSettings:
    """Front k is of cell k."""
    return replace(two_fronts, topology=Topology(two_fronts.topology.fronts, (0, 1)))


async def of_fronts(api: Api, lane: str) -> list[int]:
    """The pace of the release in a lane, as each front hears it."""
    heard = [(await api.front("sync?lanes=1", {"instance": 1}, front=front))[1] for front in range(2)]
    return [each["lanes"][lane][RELEASE] for each in heard]


async def of_credit(api: Api, cell: int) -> int:
    """Whether the live credit worker of a cell pauses, from what it asks for."""
    switches = Switches("", "key", "live", cell=cell)
    switches.take((await api.get(switches._url))[1])
    return switches.values[PAUSE]


def test_one_cell_has_its_own_and_follows_again(two_cells: ControlSettings) -> None:
    async def body() -> None:
        async with running(two_cells) as api:
            for front in range(2):
                await api.register(front)
            assert "cells" not in (await api.get("/v1/switches"))[1], "nobody has a value of its own"
            slow = {"value": 25, "lane": "live", "cell": 1}
            told = {"key": RELEASE, "value": 25, "before": 100, "lane": "live", "cell": 1}
            assert (await api.admin("PUT", f"/v1/switches/{RELEASE}", slow)) == (200, told)
            assert (await of_fronts(api, "live"), await of_fronts(api, "stress")) == ([100, 25], [100, 100])
            shown = (await api.get("/v1/switches"))[1]
            assert (shown["lanes"]["live"][RELEASE], shown["cells"]) == (100, {"live": {"1": {RELEASE: 25}}})
            # The lane's value is for those without one of their own.
            await api.admin("PUT", f"/v1/switches/{RELEASE}", {"value": 50, "lane": "live"})
            assert await of_fronts(api, "live") == [50, 25]
            back = await api.admin("PUT", f"/v1/switches/{RELEASE}", {"value": 50, "lane": "live", "cell": 1})
            assert back[1]["before"] == 25
            assert "cells" not in (await api.get("/v1/switches"))[1]
            await api.admin("PUT", f"/v1/switches/{RELEASE}", {"value": 80, "lane": "live"})
            assert await of_fronts(api, "live") == [80, 80], "it follows again"
            history = (await api.admin("GET", "/v1/switches/history"))[1]["history"]
            assert [(row["lane"], row["cell"], row["before"], row["after"]) for row in history] == [
                ("live", None, 50, 80), ("live", 1, 25, 50), ("live", None, 100, 50), ("live", 1, 100, 25),
            ]  # fmt: skip

    asyncio.run(body())


def test_a_credit_worker_reads_its_cell_s_and_control_keeps_it(two_cells: ControlSettings) -> None:
    async def body() -> None:
        async with running(two_cells) as api:
            # Without a lane: in both lanes of the cell.
            status, told = await api.admin("PUT", f"/v1/switches/{PAUSE}", {"value": 1, "cell": 1})
            assert (status, told["cell"]) == (200, 1)
            assert [await of_credit(api, cell) for cell in range(2)] == [0, 1]
        async with running(two_cells) as api:
            assert [await of_credit(api, cell) for cell in range(2)] == [0, 1], "control was started anew"
            cells = (await api.get("/v1/switches"))[1]["cells"]
            assert cells == {lane: {"1": {PAUSE: 1}} for lane in ("live", "stress")}

    asyncio.run(body())


@pytest.mark.parametrize(
    ("key", "order", "says"),
    [
        pytest.param(RELEASE, {"value": 25, "cell": 2}, "no cell 2 in a system of 2; expected 0 to 1", id="no cell"),
        pytest.param(RELEASE, {"value": 25, "cell": -1}, "cell", id="below nothing"),
        pytest.param(RELEASE, {"value": 0, "cell": 1}, "expected a whole number from 1 to 200", id="out of range"),
        pytest.param("stress.accept", {"value": 0, "cell": 1}, "stress.accept has no cell", id="one value for all"),
    ],
)
def test_bad_input_changes_nothing(two_cells: ControlSettings, key: str, order: dict[str, Any], says: str) -> None:
    async def body() -> None:
        async with running(two_cells) as api:
            before = (await api.get("/v1/switches"))[1]
            status, told = await api.admin("PUT", f"/v1/switches/{key}", order)
            assert (status, says in str(told)) == (400, True), told
            assert (await api.get("/v1/switches"))[1] == before
            assert (await api.get("/v1/switches?cell=x"))[0] == 400

    asyncio.run(body())
