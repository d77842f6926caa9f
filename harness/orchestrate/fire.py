"""Fires an order through Locust, headless, in a process of its own, and follows what its cannons tell."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.children import for_children
from harness.errors import HarnessError
from harness.orchestrate.fire_order import FireOrder
from harness.stack import die_with_parent
from harness.waits import killed

POLL_S = 0.1
STOP_DEADLINE_S = 30.0
LOCUSTFILE = Path(__file__).resolve().parent.parent / "locustfile.py"


SAID = "locustfile: "
"""Begins the line in which a pilot says what became of its cannon."""


class FireFailed(HarnessError):
    """Locust or a cannon ended badly; the first line says why, the others are its last words. Exit code 10."""

    exit_code = 10


@dataclass(frozen=True, slots=True)
class Fired:
    """The account of each worker's cannon (see `harness.engine.results.result`), by worker."""

    accounts: tuple[dict[str, Any], ...]


class Progress:
    """Tails `progress-<worker>.jsonl`; hands each whole line over once."""

    def __init__(self, folder: Path, worker: int) -> None:
        self._path = folder / f"progress-{worker}.jsonl"
        self._at = 0
        self._rest = b""

    def fresh(self) -> list[dict[str, Any]]:
        """Messages that came since the last call."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                data = file.read()
        except FileNotFoundError:
            return []
        self._at += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [message for line in lines if (message := _message(line)) is not None]


def _message(line: bytes) -> dict[str, Any] | None:
    """None for what is no whole message: a disk that is full cuts lines."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) and "event" in message else None


def fire(
    order: FireOrder, deadline_s: float, heard: Callable[[int, dict[str, Any]], None], stop: Callable[[], str | None]
) -> Fired:
    """Runs the order with one worker to its end; `heard(worker, message)` for everything its cannon says.

    `stop()` is asked ten times a second; a reason ends the fire at once, the account is still written.
    Raises FireFailed, also when the deadline passes.
    """
    folder = Path(order.folder)
    order.write(folder / "fire-order.json")
    log = folder / "locust.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "locust",
                "-f",
                str(LOCUSTFILE),
                "--headless",
                "--only-summary",
                "--stop-timeout",
                "20",
            ],
            cwd=folder,  # no locust.conf is here
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=for_children({"XIU_FIRE_ORDER": str(folder / "fire-order.json"), "HOME": str(folder)}),
            start_new_session=True,
            preexec_fn=die_with_parent,  # it inherits this process's policy; the cannon asks for its own
        )
    try:
        _follow(process, folder, deadline_s, heard, stop)
    finally:
        _end(process)
        order.tidy(0)
        (folder / "fire-order.json").unlink(missing_ok=True)
    account = folder / "cannon-0.json"
    if not account.exists():
        raise FireFailed(f"the generator left no account{_why(log)}; the end of {log}:\n{_tail(log)}")
    return Fired((json.loads(account.read_text()),))


def _follow(
    process: subprocess.Popen[bytes],
    folder: Path,
    deadline_s: float,
    heard: Callable[[int, dict[str, Any]], None],
    stop: Callable[[], str | None],
) -> None:
    progress = Progress(folder, 0)
    until = time.monotonic() + deadline_s
    stopped = False
    while process.poll() is None:
        for message in progress.fresh():
            heard(0, message)
        if not stopped and stop() is not None:
            stopped = True
            # The cannon sees it within 50 ms, writes its account, and Locust ends in its own order.
            try:
                (folder / "kill").touch()
            except OSError:  # a full disk stops nobody from stopping
                process.terminate()
            until = time.monotonic() + STOP_DEADLINE_S
        if time.monotonic() > until:
            log = folder / "locust.log"
            raise FireFailed(f"the generator did not end within {deadline_s:g} s; the end of {log}:\n{_tail(log)}")
        time.sleep(POLL_S)
    for message in progress.fresh():
        heard(0, message)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            killed(process)


def _why(log: Path) -> str:
    """What the pilot said of its cannon, in a few words; empty if it said nothing."""
    text = log.read_text(encoding="utf-8", errors="replace")
    lines = [line for line in text.splitlines() if line.startswith(SAID)]
    return f": {lines[-1].removeprefix(SAID)}" if lines else ""


def _tail(path: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
