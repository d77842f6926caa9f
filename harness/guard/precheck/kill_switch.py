"""Item *kill switch*: the three ways of stopping are rehearsed, on a stand-in for the generator and on nothing else."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness.children import for_children
from harness.guard.kill import SWITCH, front_shows, registered, stop_generators
from harness.guard.precheck.shape import Checked, LoadItem, LoadRequest, StartRequest, checked
from harness.stack import die_with_parent
from harness.waits import killed

STAND_IN = ("sleep", "30")
GENERATOR_ENDS_S = 3.0
"""Thrice what the kill switch promises: here it is asked whether it works, on a machine that may be busy."""


def look(ask: LoadRequest) -> Iterator[Checked]:
    try:
        ask.register.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".rehearsal-", dir=ask.register) as folder:
            wrong = _rehearsed(Path(folder))
    except OSError as exc:
        yield checked(False, f"its register cannot be written: {ask.register}: {exc.strerror}", "register")
        return
    yield checked(not wrong, wrong or "a stand-in was stopped by kill file and signal", "generator")
    if isinstance(ask, StartRequest) and ask.lane == "stress":
        for place in ask.tapped():
            if place.metrics_url and ask.may_ask(place.metrics_url):
                value = front_shows(place.metrics_url)
                says = f"{place.name} {'does not tell' if value is None else f'shows {value} for'} {SWITCH}"
                yield checked(value is not None, says, place.name)


def _rehearsed(folder: Path) -> str:
    """What went wrong, in words: a process of our own is registered as a generator is, and stopped as one is."""
    try:
        stand_in = subprocess.Popen(STAND_IN, env=for_children(), stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
    except OSError as exc:
        return f"no stand-in for the generator could be started: {STAND_IN[0]}: {exc.strerror}"
    try:
        kill_file = folder / "kill"
        with registered([folder], stand_in.pid, "rehearsal", kill_file):
            undone = [line for way in stop_generators([folder]) for line in way.undone]
            if undone:
                return undone[0]
            if not kill_file.exists():
                return "the kill file was not written"
            try:
                stand_in.wait(GENERATOR_ENDS_S)
            except subprocess.TimeoutExpired:
                return f"a stand-in for the generator did not end within {GENERATOR_ENDS_S:g} s of its signal"
        return ""
    finally:
        killed(stand_in)


ITEM = LoadItem(
    13, "kill switch",
    "kill file and signal, rehearsed on a stand-in for the generator; and that each front tells its `stress.accept`",
    "the run could not be stopped in each of the three ways", look,
)  # fmt: skip
