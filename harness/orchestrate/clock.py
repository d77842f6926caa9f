"""The run's clock: a thread that keeps `state.now_s`. Owns nothing else."""

from __future__ import annotations

import time

from harness.own_thread import OwnThread
from harness.runs.state import RunState


class RunClock(OwnThread):
    """Keeps `state.now_s`, the seconds since the first intended tap."""

    def __init__(self, state: RunState, t0_wall_ns: int) -> None:
        super().__init__("run clock")
        self._state = state
        self._t0 = time.monotonic() + (t0_wall_ns - time.time_ns()) / 1e9

    def now_s(self) -> float:
        """The time now, exactly; `state.now_s` is up to a twentieth of a second old."""
        return time.monotonic() - self._t0

    def _run(self) -> None:
        while not self._over.wait(0.05):
            self._state.now_s = self.now_s()
