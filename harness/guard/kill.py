"""The kill switch: stops all generated traffic now, in three independent ways.

1. the kill file, which every generator looks at many times a second; 2. a signal to the generator's process;
3. the front's switch `stress.accept`, which refuses tagged traffic from any sender.
Each generator is registered by its starter, one JSON file each: under `runs`, and in the folder of the stack to which
it sends, so that a button which sees the stack reaches it wherever the run is kept. A generator that is not registered
yet finds a mark: a run that was begun before the button was pressed sends nothing afterwards.

Reports only what was seen: a switch counts as set when control and every front show it. Raises nothing.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import psutil

from harness.control_client import ControlClient
from harness.errors import HarnessError
from harness.watch.prom import PromError, number, read_metrics

SWITCH = "stress.accept"
REGISTER = ".generators"
"""Under `runs`, and in a stack's folder."""
MARK = "stopped"
"""In a register; its time is that of the last press of a button."""
KILLS = frozenset(("kill file", "SIGTERM", "SIGINT", "ordered"))
"""A cannon's reason when it was told to stop."""
SHOWN_S, POLL_S = 3.0, 0.05
"""Seconds; a front reads its switches from control more often."""


@dataclass(frozen=True, slots=True)
class GeneratorProcess:
    """A generator process that may be sending. `created` is the process's start time: pids are reused, and another
    process must not be hit.
    """

    pid: int
    created: float
    run_id: str
    kill_file: str
    folder: str = ""
    """The run's folder, in which a changed rate is written (see `harness.orchestrate.rate`)."""


@dataclass(frozen=True, slots=True)
class Running:
    """A system whose switch is to be set. `control` None: it cannot be reached, `why` says why. `fronts`: process →
    address of its /metrics, where the switch is read back.
    """

    name: str
    control: ControlClient | None
    fronts: dict[str, str] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True, slots=True)
class Killed:
    """The result of one way of stopping, in words. `undone`: a line for each thing that was not done."""

    way: str
    done: int
    failed: int
    says: str
    undone: tuple[str, ...] = ()


@contextmanager
def registered(
    folders: Sequence[Path],
    pid: int,
    run_id: str,
    kill_file: Path,
    run: Path | None = None,
    since_s: float | None = None,
) -> Iterator[GeneratorProcess]:
    """Keeps a generator in the registers for as long as it may send, and stops it where a button was pressed after
    `since_s` (Unix time; None: since this process was started). Raises OSError where none of the registers takes it.
    """
    generator = GeneratorProcess(pid, psutil.Process(pid).create_time(), run_id, str(kill_file), str(run or ""))
    paths = [folder / f"{pid}.json" for folder in folders]
    refused: list[OSError] = []
    try:
        for path in paths:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(asdict(generator)))
            except OSError as exc:
                refused.append(exc)
        if refused and len(refused) == len(paths):
            raise refused[0]
        # After the entry: a button pressed from now on finds the entry.
        since_s = psutil.Process().create_time() if since_s is None else since_s
        if any(pressed_s(folder) > since_s for folder in folders) and by_file([generator]).failed:
            by_signal([generator])
        yield generator
    finally:
        for path in paths:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def generators(folder: Path) -> list[GeneratorProcess]:
    """Registered generators that still live; forgets the others."""
    found: list[GeneratorProcess] = []
    for path in sorted(folder.glob("*.json")):
        try:
            generator = GeneratorProcess(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            continue  # being written or removed by its owner this moment
        if _alive(generator):
            found.append(generator)
        else:
            with suppress(OSError):
                path.unlink(missing_ok=True)
    return found


def pressed_s(folder: Path) -> float:
    """When a button was last pressed, Unix time; 0 for never."""
    try:
        return (folder / MARK).stat().st_mtime
    except OSError:
        return 0.0


def _press(folder: Path) -> str | None:
    """Sets the mark in a register; why it could not, in words. In a folder where nothing is kept no generator can
    start.
    """
    if not folder.parent.is_dir():
        return None
    try:
        folder.mkdir(exist_ok=True)
        (folder / MARK).touch()
    except OSError as exc:
        return f"{folder / MARK} was not set ({exc.strerror}): a run that has not fired yet may do so"
    return None


def _alive(generator: GeneratorProcess) -> bool:
    with suppress(psutil.Error):
        return abs(psutil.Process(generator.pid).create_time() - generator.created) < 0.01
    return False


def stop_generators(folders: Sequence[Path]) -> list[Killed]:
    """The two ways that need no system: each tried whatever the other did. A generator that has not started does not
    start.
    """
    unmarked = tuple(line for folder in folders if (line := _press(folder)) is not None)
    firing = list({(one.pid, one.created): one for folder in folders for one in generators(folder)}.values())
    file = by_file(firing)
    return [replace(file, undone=(*file.undone, *unmarked)), by_signal(firing)]


def kill_all(folder: Path, systems: Sequence[Running], who: str) -> list[Killed]:
    """All three ways, each tried whatever the others did. Never raises for a part that is away."""
    return [*stop_generators([folder]), refuse_stress(systems, who)]


def by_file(firing: list[GeneratorProcess]) -> Killed:
    undone = []
    for generator in firing:
        try:
            Path(generator.kill_file).touch()
        except OSError as exc:
            undone.append(f"the kill file {generator.kill_file} was not written: {exc.strerror}")
    done = len(firing) - len(undone)
    return Killed("kill file", done, len(undone), f"written for {done} of {len(firing)}", tuple(undone))


def by_signal(firing: list[GeneratorProcess]) -> Killed:
    undone = []
    for generator in firing:
        try:
            if _alive(generator):
                os.kill(generator.pid, signal.SIGTERM)
        except ProcessLookupError:
            continue
        except OSError as exc:
            undone.append(f"generator {generator.pid} was not told to end: {exc.strerror}")
    done = len(firing) - len(undone)
    return Killed("signal", done, len(undone), f"sent to {done} of {len(firing)} generators", tuple(undone))


def refuse_stress(systems: Sequence[Running], who: str) -> Killed:
    """The third way, on every system: set, then read back from control and from every front."""
    undone: list[str] = []
    failed = 0
    for system in systems:
        wrong = _refuse(system, who)
        failed += bool(wrong)
        undone += [f"{system.name}: {line}" for line in wrong]
    done = len(systems) - failed
    says = f"0, read back, on {done} of {len(systems)} running systems"
    return Killed(f"switch {SWITCH}", done, failed, says, tuple(undone))


def _refuse(system: Running, who: str) -> list[str]:
    """What is not as it should be, a line each; empty: control and every front refuse stress traffic."""
    problem = system.why
    if system.control is not None:
        try:
            system.control.set_switch(SWITCH, 0, who, "kill switch")
        except HarnessError as exc:
            problem = str(exc).splitlines()[0]
    until = time.monotonic() + (SHOWN_S if not problem else 0.0)
    while True:
        wrong = _not_refusing(system, problem)
        if not wrong or time.monotonic() > until:
            return wrong
        time.sleep(POLL_S)


def _not_refusing(system: Running, problem: str) -> list[str]:
    shown = {name: front_shows(url) for name, url in system.fronts.items()}
    open_ = [
        f"{name} {'does not tell' if value is None else f'shows {value}'}: it may take stress traffic"
        for name, value in shown.items()
        if value != 0
    ]
    if problem:
        # Fronts that refuse do so whatever became of control; when they restart they read the switch from control
        # again.
        return [f"control was not told that {SWITCH} is 0: {problem}", *open_]
    assert system.control is not None
    try:
        value = system.control.switches().get(SWITCH)
    except HarnessError as exc:
        return [f"control does not show {SWITCH}: {str(exc).splitlines()[0]}", *open_]
    return [f"control shows {SWITCH} {value}", *open_] if value != 0 else open_


def front_shows(metrics_url: str) -> int | None:
    """The switch as one process has it, by its own /metrics; None: it does not answer."""
    try:
        samples = read_metrics(f"{metrics_url.rstrip('/')}/metrics", SHOWN_S)
    except PromError:
        return None
    found = [value for (name, labels), value in samples.items()
             if name == "hongbao_switch" and ("key", SWITCH) in labels]  # fmt: skip
    return _whole(max(found)) if found else None


def _whole(value: float) -> int | None:
    return None if number(value) is None else int(value)
