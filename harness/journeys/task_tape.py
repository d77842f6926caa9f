"""The tasks of a locustfile on their tape: the time and the kind of each, from segments and seed alone, and the windows
of a climb as they are ordered. Knows neither Locust nor gevent; starts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic_ns
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.engine.schedule import ScheduleError, pieces_of, schedule
from harness.engine.strands import Strand, append
from harness.engine.tape import Tape
from harness.engine.versions import AppendOrder, PlanVersions
from harness.guard.windows import read_windows
from system.contract.history import Kind


def tape_of_tasks(order: Mapping[str, Any], shares: Sequence[float]) -> tuple[Tape, int]:
    """Every task's time and kind, from segments and seed alone; and how long the plan is, ns. Of a climb those of its
    beginning, with room for the longest.
    """
    plan = schedule(pieces_of(order["segments"]), order["seed"])
    journey = kinds_of(len(plan), order["seed"], shares)
    room = max(len(plan), order.get("room", 0))
    nobody = np.zeros(room, np.int32)
    kinds = np.full(room, Kind.OTHER, np.uint8)
    return Tape.of(plan.intended_ns, nobody, nobody, kinds, plan.phase, journey), plan.duration_ns


def kinds_of(count: int, seed: int, shares: Sequence[float], window: int = 0) -> npt.NDArray[np.uint8]:
    """Which task each is, by their shares, from the seed alone. `window`: of a climb, 0 its beginning."""
    key = (1 << 22,) if not window else (1 << 22, window)
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=key)))
    return random.choice(len(shares), count, p=np.asarray(shares) / sum(shares)).astype(np.uint8)


@dataclass(slots=True)
class TaskWindows:
    """The windows of a climb as they are ordered, appended to the tape of its tasks."""

    folder: Path
    seed: int
    shares: Sequence[float]
    versions: PlanVersions = field(default_factory=PlanVersions)
    refused: str = ""
    """Why a window was not taken: nothing is appended behind it."""

    def follow(self, tape: Tape, ends_ns: int) -> int:
        """Appends what was ordered meanwhile behind a plan that ends at `ends_ns` (CLOCK_MONOTONIC), and says when it
        ends now. A window that cannot be appended is refused, in words.
        """
        nothing = np.zeros(0, np.int64), np.zeros(0, np.uint8)
        strand = Strand(*nothing, np.zeros(0, np.int32), np.zeros(0, np.int32), tape.kinds)
        for line in () if self.refused else read_windows(self.folder, after=len(self.versions.played)):
            order = AppendOrder(line.version, tuple(tuple(part) for part in line.segments))
            try:
                self.versions.follows(order, monotonic_ns(), ends_ns)
                plan = schedule(order.pieces()[0], self.seed + order.version)
                kinds = kinds_of(len(plan), self.seed, self.shares, order.version)
                times = plan.intended_ns + ends_ns
                parts = [(times[kinds == one], plan.phase[kinds == one]) for one in range(len(self.shares))]
                append(tape, [strand] * len(parts), parts)
            except ScheduleError as exc:
                self.refused = f"window refused: {exc}"
                break
            self.versions.append(order, ends_ns)
            ends_ns += plan.duration_ns
        return ends_ns
