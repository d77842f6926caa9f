"""Engines of playbooks in a world of figures, on a clock a hundred times as fast."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from prometheus_client import CollectorRegistry

from chaos.playbook import journal
from chaos.playbook.engine import Alert, Engine
from chaos.playbook.entry import LibraryEntry
from chaos.playbook.journal import PlaybookFacts
from chaos.playbook.meters import PlaybookMeters
from tests.support.playbook_world import FakeWorld, entries, text

TICK_S = 0.001
SPEED = 100.0
SLOW = Alert("Slow", "live", 1000.0, "f1@1")
REGULAR = {"draw.release_percent": 100, "draw.shed_percent": 0}


def quick() -> float:
    """A clock a hundred times as fast: the waits of the playbooks take hundredths."""
    return time.monotonic() * SPEED


class Rig:
    """A folder, a world, and as many engines behind one another as it takes."""

    def __init__(self, tmp_path: Path, *texts: str) -> None:
        self.folder, self.world = tmp_path, FakeWorld()
        self.library = entries(tmp_path / "playbooks", *(texts or (text(),)))
        self.registry = CollectorRegistry()
        self.engine = self.make()

    def make(self, library: dict[str, LibraryEntry] | None = None) -> Engine:
        self.registry = CollectorRegistry()
        library = self.library if library is None else library
        meters = PlaybookMeters(self.registry)
        return Engine(self.folder, library, self.world, meters, clock=quick, tick_s=TICK_S)

    def play(self, script: Callable[[], Awaitable[None]]) -> None:
        """What happens while the engine runs; until every run has its end, or is let go."""

        async def whole() -> None:
            async with asyncio.TaskGroup() as group:
                self.engine.resume(group)
                await script()

        asyncio.run(whole())

    def states(self) -> list[str]:
        return [line.state for line in journal.read(self.folder / journal.FILE)]

    def facts(self) -> PlaybookFacts:
        return list(journal.fold(journal.read(self.folder / journal.FILE)).values())[-1]

    async def until(self, check: Callable[[], bool], what: str) -> None:
        async with asyncio.timeout(30):
            while not check():  # noqa: ASYNC110 (what is waited for stands in a file)
                await asyncio.sleep(TICK_S)
        assert check(), what

    async def until_state(self, state: str) -> None:
        await self.until(lambda: state in self.states(), state)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)
