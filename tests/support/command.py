"""The `xiu` command as a user calls it, in a folder of the test's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from system.contract.audit import OF_PLAYS
from tests.support.attempts import attempts

PLANS = Path(__file__).resolve().parents[1] / "plans"
INVALID = 10
SLICE = str(PLANS / "slice.yaml")
LONG_S = 120


def not_sound(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The invariants of a run's record that do not hold. Plays' rules may have had nothing to look at."""
    rows = record["invariants"]
    assert rows
    return [row for row in rows if row["valid"] is not True and not (row["valid"] is None and row["code"] in OF_PLAYS)]


def long_slice(folder: Path, plan: str = "slice.yaml") -> str:
    """The slice with a round of two minutes: for runs that somebody stops, however long his own command takes. `plan`:
    another one beside it, of the same length.
    """
    for name in (plan, "slice-forecast.yaml"):
        text = (PLANS / name).read_text()
        for old, new in (
            ("duration: 7s", f"duration: {LONG_S}s"),
            ("duration: 5s", f"duration: {LONG_S - 2}s"),
            ("full: 7s, short: 7s", f"full: {LONG_S}s, short: {LONG_S}s"),
        ):
            text = text.replace(old, new)
        (folder / name).write_text(text)
    return str(folder / plan)


@dataclass
class Xiu:
    """Calls in one working folder; what was left running there is found by its folder."""

    folder: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __call__(self, *words: str, timeout_s: float = 180) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "xiu.cli", *words],
            cwd=self.folder, env=self.env(), capture_output=True, text=True, timeout=timeout_s,
        )  # fmt: skip

    def valid(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs a command that fires; where the machine was too busy for its generator, again: `attempts`."""
        for _ in attempts():
            done = self(*words)
            if done.returncode != INVALID:
                break
        return done

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Starts a command and leaves it running; its output goes to `out.txt`."""
        with (self.folder / "out.txt").open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "xiu.cli", *words], cwd=self.folder, env=self.env(), stdout=out, stderr=out
            )
        self.started.append(process)
        return process

    def env(self) -> dict[str, str]:
        root = str(PLANS.parent.parent)
        return {**os.environ, "PYTHONPATH": root, "NO_COLOR": "1"}

    def output(self) -> str:
        return (self.folder / "out.txt").read_text(errors="replace")

    def runs(self) -> list[Path]:
        """Folders of runs, oldest first."""
        return sorted(path for path in (self.folder / "runs").glob("2*") if path.is_dir())

    def record(self) -> dict[str, Any]:
        """`run.json` of the newest run."""
        data: dict[str, Any] = json.loads((self.runs()[-1] / "run.json").read_text())
        return data

    def precheck(self) -> dict[str, Any]:
        """What was looked at before the newest run."""
        data: dict[str, Any] = json.loads((self.runs()[-1] / "precheck.json").read_text(encoding="utf-8"))
        return data

    def events(self) -> list[dict[str, Any]]:
        """What the newest run has told so far."""
        runs = self.runs()
        path = runs[-1] / "events.jsonl" if runs else None
        if path is None or not path.exists():
            return []
        return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def wait_for_event(self, kind: str, text: str, deadline_s: float = 90) -> None:
        """Until the newest run has told this."""
        wait(lambda: any(e["kind"] == kind and text in e["text"] for e in self.events()), deadline_s, self.output)

    def processes(self) -> list[psutil.Process]:
        """Every process that works in this folder or names it."""
        mine = str(self.folder)
        found: list[psutil.Process] = []
        for process in psutil.process_iter(["pid"]):
            try:
                if process.pid != os.getpid() and (mine in process.cwd() or mine in " ".join(process.cmdline())):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        return found

    def all_gone(self) -> None:
        """Until none of them is left: who has let go of everything may still stand in the list for a moment."""
        wait(lambda: self.processes() == [], 30, self.processes)


def valid_or_late(record: dict[str, Any]) -> bool:
    """Is the run green, or INVALID for the one reason that a busy machine has: its generator was late?"""
    limited = {reason["code"] for reason in record["reasons"]} == {"generator_limited"}
    return record["verdict"] in ("PASS", "WARN") or (record["verdict"] == "INVALID" and limited)


def wait(done: Callable[[], bool], deadline_s: float, tell: Callable[[], object] = str) -> None:
    """Until `done()`, or fail with what `tell()` says."""
    until = time.monotonic() + deadline_s
    while not done():
        if time.monotonic() > until:
            pytest.fail(f"not within {deadline_s:g} s: {tell()}")
        time.sleep(0.05)


def plan_with(folder: Path, *changes: tuple[str, str]) -> str:
    """The slice and its forecast with some of their words changed."""
    texts = {name: (PLANS / name).read_text() for name in ("slice.yaml", "slice-forecast.yaml")}
    for old, new in changes:
        assert any(old in text for text in texts.values())
        texts = {name: text.replace(old, new) for name, text in texts.items()}
    for name, text in texts.items():
        (folder / name).write_text(text)
    return str(folder / "slice.yaml")


def drill(xiu: Xiu, *words: str) -> tuple[int, dict[str, Any]]:
    """Runs one drill; its exit code and its document."""
    done = xiu("drill", "run", *words, "--json", "--progress", "none")
    assert done.stdout, done.stderr
    (document,) = json.loads(done.stdout)["drills"]
    return done.returncode, document
