"""Changes the rate of the running plan: writes the order for its pilots, and waits until every cannon has answered."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from harness.errors import BadInput, EnvironmentNotReady
from harness.guard.audit_log import FILE, write
from harness.guard.kill import REGISTER, generators
from harness.guard.rate import LEAD_S, LONGER, RateOrder, beyond, write_rate
from harness.who import me

ANSWER_DEADLINE_S = 5.0
LATE = "too late"
"""In the answer of a cannon that saw an order when its moment had passed, or nearly so."""


def set_rate(taps_per_s: int, runs: Path = Path("runs")) -> str:
    """What was done, in words. Raises EnvironmentNotReady if no plan runs, or its cannon refuses; BadInput for 0."""
    if taps_per_s < 1:
        raise BadInput("a rate of 0 ends the fire", expected="1 or more; to stop: xiu kill")
    firing = [one for one in generators(runs / REGISTER) if one.folder]
    if not firing:
        raise EnvironmentNotReady("no plan runs whose rate could be changed; start one: xiu plan run gala-share")
    folders = sorted({one.folder for one in firing})
    if len(folders) > 1:
        raise BadInput(f"{len(folders)} plans run", expected="one: which is meant cannot be told")
    run = Path(folders[0])
    if says := beyond(run, taps_per_s, _now_rps(run)):
        raise BadInput(f"a rate of {says}", expected="a lower one")
    for longer in LONGER:
        order = write_rate(run, taps_per_s, LEAD_S * longer)
        answers = _answered(run, order, len(firing))
        refused = [answer["message"] for answer in answers if answer["event"] == "error"]
        if not any(LATE in message for message in refused):
            break
    if refused or len(answers) < len(firing):
        raise EnvironmentNotReady(refused[0] if refused else f"run {run.name} did not take the rate over in time")
    _tell(runs, run, taps_per_s, order.version)
    return f"run {run.name}: {taps_per_s:,} taps/s until the end of its plan"


def _answered(run: Path, order: RateOrder, cannons: int) -> list[dict[str, Any]]:
    """What each of so many cannons answered to an order, as far as they did in time."""
    until, answers = time.monotonic() + ANSWER_DEADLINE_S, _answers(run, order.version)
    while len(answers) < cannons and time.monotonic() < until:
        time.sleep(0.05)
        answers = _answers(run, order.version)
    return answers


def _tell(runs: Path, run: Path, taps_per_s: int, version: int) -> None:
    """In the audit log; the rate is changed already, whether that can be told or not."""
    try:
        write(runs, "rate", me(), run=run.name, taps_per_s=taps_per_s, version=version)
    except OSError as exc:
        print(f"xiu: {runs / FILE} does not tell of this: {exc.strerror or exc}", file=sys.stderr, flush=True)


def _now_rps(run: Path) -> float | None:
    """Taps a second of all workers, by the last two counts of each; None where one of them has not counted twice."""
    total = 0.0
    for path in (files := sorted(run.glob("progress-*.jsonl"))):
        lines = path.read_text().splitlines(keepends=True)
        counts = [json.loads(line) for line in lines if line.endswith("\n") and '"counts"' in line][-2:]
        if len(counts) < 2:
            return None
        taken_s = (counts[1]["at_ns"] - counts[0]["at_ns"]) / 1e9
        total += (counts[1]["reached"] - counts[0]["reached"]) / taken_s if taken_s > 0 else 0.0
    return total if files else None


def _answers(run: Path, version: int) -> list[dict[str, Any]]:
    """The cannons' answers to the newest order."""
    found: list[dict[str, Any]] = []
    for path in sorted(run.glob("progress-*.jsonl")):
        lines = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
        messages = [json.loads(line) for line in lines if '"rate' in line]
        mine = [one for one in messages if one.get("version") == version or one.get("about") == "rate"]
        found += [one for one in mine if one.get("version", version) == version][-1:]
    return found
