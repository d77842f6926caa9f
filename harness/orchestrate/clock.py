"""The run's clock: a thread that keeps `state.now_s`. Owns nothing else."""

from __future__ import annotations

import threading
import time

from harness.runs.state import RunState
from harness.waits import joined


class RunClock:
    """Keeps `state.now_s`, the seconds since the first intended tap."""

    def __init__(self, state: RunState, t0_wall_ns: int) -> None:
        self._state = state
        self._t0 = time.monotonic() + (t0_wall_ns - time.time_ns()) / 1e9
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="run clock", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def now_s(self) -> float:
        """The time now, exactly; `state.now_s` is up to a twentieth of a second old."""
        return time.monotonic() - self._t0

    def stop(self) -> None:
        self._over.set()
        joined(self._thread)

    def _run(self) -> None:
        while not self._over.wait(0.05):
            self._state.now_s = self.now_s()
