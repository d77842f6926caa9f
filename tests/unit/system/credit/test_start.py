"""The start of a credit worker: its switches first, as far as control is there to tell them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from system.credit import __main__ as credit
from system.credit.switches import Switches

PAUSED = {"switches": {"credit.pause": 1}}


class Worker:
    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self.began_paused: bool | None = None

    async def run(self) -> None:
        self.began_paused = self._switches.paused


@pytest.mark.parametrize(
    ("told", "paused"),
    [
        pytest.param(True, True, id="a pause ordered before this start holds"),
        pytest.param(False, False, id="control is away: money goes on by the defaults"),
    ],
)
def test_a_worker_begins_with_the_switches_it_was_told(
    told: bool, paused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credit, "FIRST_WORD_S", 5.0 if told else 0.05)

    async def whole() -> None:
        switches = Switches("http://127.0.0.1:9", "k", "live")
        worker: Any = Worker(switches)
        working = asyncio.create_task(credit._work(worker, switches))
        await asyncio.sleep(0)
        assert worker.began_paused is None
        if told:
            switches.take(PAUSED)
            switches.known.set()
        await asyncio.wait_for(working, 5)
        assert worker.began_paused is paused

    asyncio.run(whole())
