"""The kill switch: stops all generated traffic now, by three ways that do not need each other.

1. the kill file, which every generator looks at many times a second; 2. a signal to the generator's process;
3. the front's switch `stress.accept`, which refuses tagged traffic whoever sends it.
Generators are registered in a folder, one JSON file each, by whoever starts them.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from harness.control_client import ControlClient
from harness.errors import HarnessError


@dataclass(frozen=True, slots=True)
class Generator:
    """A generator process that may be firing. `created` is the process's start time, so that a reused pid
    is not hit.
    """

    pid: int
    created: float
    run_id: str
    kill_file: str
    folder: str = ""
    """The run's folder, where a changed rate is told (see `harness.orchestrate.rate`)."""


@dataclass(frozen=True, slots=True)
class Killed:
    """What one way of stopping did, in words."""

    way: str
    done: int
    failed: int
    says: str


@contextmanager
def registered(folder: Path, pid: int, run_id: str, kill_file: Path, run: Path | None = None) -> Iterator[Generator]:
    """Keeps a generator in the register for as long as it may fire."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = Generator(pid, psutil.Process(pid).create_time(), run_id, str(kill_file), str(run or ""))
    path = folder / f"{pid}.json"
    path.write_text(json.dumps(asdict(generator)))
    try:
        yield generator
    finally:
        path.unlink(missing_ok=True)


def generators(folder: Path) -> list[Generator]:
    """Registered generators that still live; forgets the others."""
    found: list[Generator] = []
    for path in sorted(folder.glob("*.json")):
        try:
            generator = Generator(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            continue  # being written or removed by its owner this moment
        if _alive(generator):
            found.append(generator)
        else:
            path.unlink(missing_ok=True)
    return found


def _alive(generator: Generator) -> bool:
    with suppress(psutil.NoSuchProcess):
        return abs(psutil.Process(generator.pid).create_time() - generator.created) < 0.01
    return False


def kill_all(folder: Path, controls: list[ControlClient], who: str) -> list[Killed]:
    """All three ways, each tried whatever the others did. Never raises for a part that is away."""
    firing = generators(folder)
    return [_by_file(firing), _by_signal(firing), _by_switch(controls, who)]


def _by_file(firing: list[Generator]) -> Killed:
    failed = 0
    for generator in firing:
        try:
            Path(generator.kill_file).touch()
        except OSError:
            failed += 1
    return Killed("kill file", len(firing) - failed, failed, f"written for {len(firing) - failed} of {len(firing)}")


def _by_signal(firing: list[Generator]) -> Killed:
    done = 0
    for generator in firing:
        if _alive(generator):
            with suppress(ProcessLookupError):
                os.kill(generator.pid, signal.SIGTERM)
        done += 1
    return Killed("signal", done, 0, f"sent to {done} of {len(firing)} generators")


def _by_switch(controls: list[ControlClient], who: str) -> Killed:
    failed = 0
    for control in controls:
        try:
            control.set_switch("stress.accept", 0, who, "kill switch")
        except HarnessError:
            failed += 1
    done = len(controls) - failed
    return Killed("switch stress.accept", done, failed, f"set to 0 on {done} of {len(controls)} running systems")
