"""Changes the rate of the running plan: writes the order for its pilots, and waits until every cannon has answered."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from harness.errors import BadInput, EnvironmentNotReady
from harness.guard.kill import REGISTER, generators
from harness.guard.rate import write_rate

ANSWER_DEADLINE_S = 5.0


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
    order = write_rate(run, taps_per_s)
    until, answers = time.monotonic() + ANSWER_DEADLINE_S, _answers(run, order.version)
    while len(answers) < len(firing) and time.monotonic() < until:
        time.sleep(0.05)
        answers = _answers(run, order.version)
    refused = [answer["message"] for answer in answers if answer["event"] == "error"]
    if refused or len(answers) < len(firing):
        raise EnvironmentNotReady(refused[0] if refused else f"run {run.name} did not take the rate over in time")
    return f"run {run.name}: {taps_per_s:,} taps/s until the end of its plan"


def _answers(run: Path, version: int) -> list[dict[str, Any]]:
    """The cannons' answers to the newest order."""
    found: list[dict[str, Any]] = []
    for path in sorted(run.glob("progress-*.jsonl")):
        lines = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
        messages = [json.loads(line) for line in lines if '"rate' in line]
        mine = [one for one in messages if one.get("version") == version or one.get("about") == "rate"]
        found += [one for one in mine if one.get("version", version) == version][-1:]
    return found
