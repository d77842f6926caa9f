"""The process that heals when nothing else does: `python -m chaos.watchdog FOLDER [PID]`.

Watches the ledger of one stack for the process PID: heals what that process injected once it is gone, however it ended,
and whatever is injected longer than its fault may last; ends when the process is gone and nothing is injected. Without
a PID it is the stack's own, a part that its supervisor keeps: it heals for every owner, and ends on a signal.

Nothing else ends it: what cannot be written, read or healed now is tried again, with growing pauses.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from chaos.errors import ChaosError, NotHealed
from chaos.fault_ledger import injected
from chaos.heal import heal
from harness.children import for_children
from harness.errors import HarnessError
from harness.own_metrics import OwnMetrics, forget
from harness.stack.folder import Folder
from harness.stack.spawn import opened
from harness.waits import killed

POLL_S = 0.2
GIVE_UP_S = 120.0
AGAIN_MOST_S = 15.0
START_S, END_S = 15.0, 3.0
WATCHING = b"watching\n"


class Watchdog:
    """A watchdog of this process, as its drill holds it."""

    def __init__(self, folder: Path) -> None:
        """Starts it and waits until it watches. Raises ChaosError."""
        self._targets = Folder(folder).targets
        with opened(Folder(folder).log("watchdog")) as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "chaos.watchdog", str(folder), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=for_children(),
                start_new_session=True,  # a signal that kills the drill's group must not reach it
            )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        until = time.monotonic() + START_S
        while self._process.stdout.read(len(WATCHING)) != WATCHING:
            if self._process.poll() is not None or time.monotonic() > until:
                self.end()
                raise ChaosError(f"the watchdog does not watch; see {Folder(folder).log('watchdog')}")
            time.sleep(0.01)

    @property
    def pid(self) -> int:
        return self._process.pid

    def lives(self) -> bool:
        """Is it at work?"""
        return self._process.poll() is None

    def end(self) -> None:
        """Ends it: it is not needed any more."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            killed(self._process)  # frozen
        if self._process.stdout is not None:
            self._process.stdout.close()
        forget(self._targets / f"watchdog-{self.pid}.json")  # where it was not let end by itself


class Watch:
    """One look after the other at a ledger. `pid`: the process it is for, None: every owner's."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        self._folder, self._pid = folder, pid
        self._gone_at: float | None = None
        self._again: dict[str, tuple[float, float]] = {}
        """Ledger key → (not before, the last pause): one that cannot be healed is tried with growing pauses."""

    def look(self) -> int | None:
        """Heals what is due; an exit code once there is nothing more to watch for. Raises OSError: to be repeated."""
        due = self._due()
        if due:
            self._heal(due)
        if self._pid is None:
            return None
        if self._gone_at is None and not _lives(self._pid):
            self._gone_at = time.monotonic()
        if self._gone_at is None:
            return None
        left = [one for one in injected(self._folder) if one.owner_pid == self._pid]
        if not left:
            return 0
        if time.monotonic() - self._gone_at > GIVE_UP_S:
            _log(f"gave up: still injected {[one.fault for one in left]}")
            return NotHealed.exit_code
        return None

    def _due(self) -> set[str]:
        now, clock = time.time(), time.monotonic()
        return {
            one.key
            for one in injected(self._folder)
            if (now > one.expires or (self._pid in (None, one.owner_pid) and not one.owner_lives()))
            and clock >= self._again.get(one.key, (0.0, 0.0))[0]
        }

    def _heal(self, keys: set[str]) -> None:
        try:
            for line in heal(self._folder, keys):
                _log(line)
        except HarnessError as exc:
            _log(str(exc))
        finally:
            # Faults that are healed and written down do not come up again.
            for key in keys:
                pause = min(AGAIN_MOST_S, max(POLL_S, 2 * self._again.get(key, (0.0, 0.0))[1]))
                self._again[key] = (time.monotonic() + pause, pause)


def watch(folder: Path, pid: int | None) -> int:
    """Until there is nothing more to watch for; the exit code."""
    watching, broke = Watch(folder, pid), ""
    while True:
        try:
            code = watching.look()
            if code is not None:
                return code
            broke = ""
        except Exception as exc:
            if broke != repr(exc):
                _log(f"looked in vain, and looks again: {exc!r}")
            broke = repr(exc)
        time.sleep(POLL_S)


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _log(text: str) -> None:
    """A line in the log, if the disk takes it: healing does not depend on it."""
    with suppress(OSError, ValueError):
        print(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("pid", type=int, nargs="?")
    args = parser.parse_args(argv)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):
        sys.stdout.buffer.write(WATCHING)
        sys.stdout.flush()
    folder = args.folder.resolve()
    name = "watchdog" if args.pid is None else f"watchdog-{os.getpid()}"
    metrics = OwnMetrics("watchdog", Folder(folder).targets, name=name).begin()
    try:
        return watch(folder, args.pid)
    finally:
        metrics.stop()


if __name__ == "__main__":
    sys.exit(main())
