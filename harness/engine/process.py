"""A cannon as a child process: plain blocking pipes, so that Locust's pilot user can hold one too.

The child stops when this process ends, however it ends: it watches its standard input.
"""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from harness.children import for_children
from harness.engine.config import STOPS, CannonConfig
from harness.errors import HarnessError
from harness.own_metrics import OwnMetrics
from harness.waits import joined, killed

_STOP_S = 15.0


class CannonError(HarnessError):
    """A cannon that did not start, did not finish or finished badly; carries the end of its output. Exit code 10."""

    exit_code = 10


@dataclass(frozen=True, slots=True)
class CannonResult:
    """The final message of a cannon; ``data`` is the whole account (see ``results.result``)."""

    data: dict[str, Any]

    @property
    def load(self) -> dict[str, Any]:
        return dict(self.data["load"])

    @property
    def latency_ms(self) -> dict[str, Any]:
        return dict(self.data["latency_ms"])

    @property
    def generator(self) -> dict[str, Any]:
        return dict(self.data["generator"])

    @property
    def valid(self) -> bool:
        return bool(self.data["generator"]["valid"])

    @property
    def outcomes(self) -> dict[str, int]:
        return dict(self.data["load"]["outcomes"])


@contextmanager
def _held_back() -> Iterator[None]:
    """While the block lasts, stop signals to a child started in it are held back until the child lets them through (see
    `Cannon.listen`). So from its first moment on it stops in order, with an account that says what stopped it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class CannonProcess:
    """Starts a cannon; ``lines()`` yields its messages until its end, ``lease()``, ``start()``, ``stop()`` steer it.

    Use as a context manager: on leaving, a cannon still running is stopped, and killed if it does not obey.
    """

    def __init__(self, config: CannonConfig, stderr: IO[bytes] | None = None, targets: Path | None = None) -> None:
        """`targets`: the folder of scrape targets of the stack that it sends to, where that is on this host."""
        self.config = config
        self._folder = tempfile.TemporaryDirectory(prefix="xiu-cannon-")
        path = Path(self._folder.name) / "cannon.json"
        path.write_text(config.to_json())
        self._log = stderr or (Path(self._folder.name) / "stderr").open("w+b")
        with _held_back():
            self.process = subprocess.Popen(
                [sys.executable, "-m", "harness.engine.cannon", str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=for_children(),
            )
        pid = self.process.pid
        self.metrics = OwnMetrics("cannon", targets, name=f"cannon-{pid}", pid=pid).begin()

    def _tell(self, line: str) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended: `result` says how
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()

    def lease(self) -> None:
        """Renews the right to send; call it every second."""
        self._tell("lease")

    def start(self, t0_ns: int | None = None) -> None:
        """Starts sending at a CLOCK_MONOTONIC time, or at once (only with ``wait_for_start``)."""
        self._tell(f"start {t0_ns}" if t0_ns is not None else "start")

    def rate(self, version: int, at_ns: int, segments: list[dict[str, Any]]) -> None:
        """A new plan version from ``at_ns`` (CLOCK_MONOTONIC) on; answered by a ``rate`` or an ``error`` message."""
        self._tell("rate " + json.dumps({"version": version, "at_ns": at_ns, "segments": segments}))

    def append(self, version: int, segments: Sequence[Sequence[dict[str, Any]]]) -> None:
        """The next window of a plan that goes on, of each journey; answered by a ``window`` or an ``error`` message."""
        self._tell("append " + json.dumps({"version": version, "segments": [list(part) for part in segments]}))

    def stop(self) -> None:
        self._tell("stop")

    def lines(self) -> Iterator[dict[str, Any]]:
        """Messages as they come; ends when the cannon does. Blocks the calling thread (or greenlet)."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            yield json.loads(line)

    def result(self, timeout_s: float = _STOP_S) -> CannonResult:
        """The account, once ``lines()`` has ended. Raises CannonError."""
        code = self.process.wait(timeout_s)
        path = Path(self.config.result)
        if code != 0 or not path.exists():
            raise CannonError(self.last_words(f"the cannon ended with {code}"))
        return CannonResult(json.loads(path.read_text(encoding="utf-8")))

    def last_words(self, what: str) -> str:
        self._log.flush()
        path = Path(self._folder.name) / "stderr"
        tail = path.read_text(errors="replace").strip()[-2000:] if path.exists() else ""
        return f"{what}: {tail}" if tail else what

    def __enter__(self) -> CannonProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.metrics.stop()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                killed(self.process)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # an order it never read
        self._log.close()
        self._folder.cleanup()


def run_cannon(config: CannonConfig, deadline_s: float | None = None) -> CannonResult:
    """Runs a cannon to its end, leasing it while it runs. Raises CannonError if it fails or overruns."""
    from harness.engine.schedule import pieces_of

    plan_s = sum(piece.duration_s for piece in pieces_of(config.segments))
    limit_s = deadline_s or config.ready_timeout_s + plan_s + config.drain_s + 30
    with CannonProcess(config) as cannon:
        done: queue.Queue[bool] = queue.Queue()

        def read() -> None:
            for message in cannon.lines():
                if message["event"] == "ready" and config.wait_for_start:
                    cannon.start()
            done.put(True)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        waited = 0.0
        while True:
            try:
                done.get(timeout=1.0)
                break
            except queue.Empty:
                waited += 1.0
            if waited > limit_s:
                raise CannonError(f"the cannon overran its {limit_s:g} s")
            if cannon.process.poll() is None and config.lease_s is not None:
                cannon.lease()
        joined(reader)
        return cannon.result()
