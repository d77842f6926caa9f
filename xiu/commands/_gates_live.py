"""The gates of the self-test that need a stack and load: real runs, each broken in its own way.

All share one stack. A run that is INVALID because the machine is busy shows nothing: it is repeated once, and then
counts as not shown.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from chaos.disturbance import LEAVE_OUT
from harness.errors import EnvironmentNotReady
from harness.stack import Stack, die_with_parent, find_running, new_folder
from harness.verdict import exit_code
from harness.waits import killed
from xiu.commands._gates import COMMAND, Broken, Case, CaseResult, call, children_hear_ctrl_c, environment

RUN = ("plan", "run", "smoke", "--scale", "1", "--json", "--progress", "none")
"""The plan's own scale, so no calibration takes place."""
ATTEMPTS = 2
START_S, END_S = 60.0, 60.0
PACE_PERCENT = 10
"""Percent of the packets' pace: so few wins are below the band of the plan's forecast."""


@contextmanager
def live(place: Path) -> Iterator[list[Case]]:
    """The cases. Their stack ends with the block, and with this process, however it ends.

    Raises EnvironmentNotReady if the stack does not come up.
    """
    with Stack(new_folder(place / "var"), with_prometheus=False, environment={}):
        yield [
            Case("green", 0, "a real run that nothing disturbs", COMMAND, _undisturbed),
            Case("FAIL", 99, "a real run whose packets stay behind", COMMAND, _held_back),
            Case("ABORTED", 3, "Ctrl-C in the middle of a real run", COMMAND, _interrupted),
            Case("FAULT_NOT_EFFECTIVE", 10, "a drill with its injection left out", COMMAND, _left_out),
            Case("broken", 99, "audit of a ledger that lost a posting", COMMAND, _tampered),
        ]


def _run(place: Path) -> tuple[dict[str, Any], int]:
    """A run to its end: (run.json, exit code). Raises EnvironmentNotReady where the generator was the limit."""
    for _ in range(ATTEMPTS):
        done = call(place, *RUN)
        if not done.stdout:
            raise Broken(done.stderr.strip())
        record: dict[str, Any] = json.loads(done.stdout)
        if record["verdict"] != "INVALID":
            return record, done.returncode
    raise EnvironmentNotReady(record["reasons"][0]["text"])


def _came(record: dict[str, Any], code: int) -> CaseResult:
    return CaseResult(record["verdict"], code, "; ".join(reason["text"] for reason in record["reasons"][:2]))


def _undisturbed(place: Path) -> CaseResult:
    """PASS, or WARN where the machine is slow or Prometheus is missing: both are green."""
    record, code = _run(place)
    came = _came(record, code)
    return CaseResult("green" if came.word in ("PASS", "WARN") else came.word, code, came.output)


def _held_back(place: Path) -> CaseResult:
    _switch(place, "draw.release_percent", PACE_PERCENT)
    try:
        return _came(*_run(place))
    finally:
        _switch(place, "draw.release_percent", 100)


def _switch(place: Path, key: str, value: int) -> None:
    done = call(place, "switch", "set", key, str(value))
    if done.returncode:
        raise Broken(done.stderr.strip())


def _interrupted(place: Path) -> CaseResult:
    before = set((place / "runs").glob("2*"))
    with children_hear_ctrl_c():
        process = subprocess.Popen(
            [sys.executable, "-m", "xiu.cli", *RUN], cwd=place, env=environment(), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, encoding="utf-8", preexec_fn=die_with_parent,
        )  # fmt: skip
    try:
        _measured(place, before, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=END_S)
    finally:
        killed(process)
    if not out:
        raise Broken(err.strip())
    return _came(json.loads(out), process.returncode)


def _measured(place: Path, before: set[Path], process: subprocess.Popen[str]) -> None:
    """Waits until the new run reports that it measures."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        for folder in set((place / "runs").glob("2*")) - before:
            events = folder / "events.jsonl"
            if events.exists() and '"measured"' in events.read_text(encoding="utf-8"):
                return
        time.sleep(0.05)
    raise Broken("the run never began to measure")


def _left_out(place: Path) -> CaseResult:
    """Once more where the generator was the limit, as any calibrated run is: that is the machine."""
    words = ("drill", "run", "credit-cut", "--arms", "B", "--short", "--json", "--progress", "none")
    for _ in range(ATTEMPTS):
        done = call(place, *words, env={LEAVE_OUT: "1"})
        if not done.stdout:
            raise Broken(done.stderr.strip())
        drill = json.loads(done.stdout)["drills"][0]
        if not drill["reasons"] or drill["reasons"][0]["code"] != "generator_limited":
            said = "; ".join(reason["text"] for reason in drill["reasons"][:1])
            return CaseResult(drill["verdict"], done.returncode, said)
    raise EnvironmentNotReady(drill["reasons"][0]["text"])


def _tampered(place: Path) -> CaseResult:
    """As PostgreSQL's superuser, past all rights: deletes one posting of the last run."""
    stack = Stack.attach(find_running(place / "var")[0])
    with psycopg.connect(stack.addresses.postgres_url, autocommit=True) as conn:
        gone = conn.execute("DELETE FROM stress.posting WHERE ctid = (SELECT min(ctid) FROM stress.posting)").rowcount
    if gone != 1:
        raise Broken("no run of this stack has posted anything")
    done = call(place, "audit", "--lane", "stress", "--json")
    broken = [row["code"] for row in json.loads(done.stdout)["findings"] if row["valid"] is False]
    word = "broken" if broken and done.returncode == exit_code("INVARIANT_BROKEN") else "nothing noticed"
    return CaseResult(word, done.returncode, f"broken: {', '.join(broken)}")
