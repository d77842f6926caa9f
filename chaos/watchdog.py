"""The process that heals when nobody else does: `python -m chaos.watchdog FOLDER PID`.

Watches the ledger of one stack for the process PID. Heals what that process injected once it is gone, however it ended,
and whatever is injected longer than its fault may last. Ends when the process is gone and nothing is injected.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from chaos.errors import ChaosError, NotHealed
from chaos.fault_ledger import injected
from chaos.heal import heal
from harness.children import for_children
from harness.errors import HarnessError
from harness.stack.folder import Folder

POLL_S = 0.2
GIVE_UP_S = 120.0
START_S = 15.0
WATCHING = b"watching\n"


class Watchdog:
    """A watchdog of this process, as its drill holds it."""

    def __init__(self, folder: Path) -> None:
        """Starts it and waits until it watches. Raises ChaosError."""
        with Folder(folder).log("watchdog").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "chaos.watchdog", str(folder), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=for_children(),
                start_new_session=True,  # what kills the drill's group must not reach it
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
        """It is not needed any more."""
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def watch(folder: Path, pid: int) -> int:
    """Until the process is gone and nothing is injected; the exit code."""
    gone_at: float | None = None
    while True:
        now = time.time()
        due = [one for one in injected(folder) if now > one.expires or (one.owner_pid == pid and not one.owner_lives())]
        if due:
            _heal(folder, {one.key for one in due})
        if gone_at is None and not _lives(pid):
            gone_at = time.monotonic()
        if gone_at is not None:
            if not any(one.owner_pid == pid for one in injected(folder)):
                return 0
            if time.monotonic() - gone_at > GIVE_UP_S:
                _log(f"gave up: still injected {[one.fault for one in injected(folder)]}")
                return NotHealed.exit_code
        time.sleep(POLL_S)


def _heal(folder: Path, keys: set[str]) -> None:
    try:
        for line in heal(folder, keys):
            _log(line)
    except HarnessError as exc:
        _log(str(exc))


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _log(text: str) -> None:
    print(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("pid", type=int)
    args = parser.parse_args(argv)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdout.buffer.write(WATCHING)
    sys.stdout.flush()
    return watch(args.folder.resolve(), args.pid)


if __name__ == "__main__":
    sys.exit(main())
