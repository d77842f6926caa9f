"""How long after its effect an alert fires at the latest: arithmetic over the rules, so that a promise can be checked.

The effect is complete and stays. The parts, in the order of the chain: the process updates its own figure (`source_s`),
Prometheus scrapes it, the expression needs a window or a threshold that grows with time before it can hold, `for`, and
the evaluations. The time in which a process updates a figure stands in SOURCES_S.

    python -m plans.models.floors      # the table of docs/playbooks.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plans.models.alerts import RULES, rules_of

SCRAPE_S = 1.0
"""The stack's interval of scrapes, and a scrape's time-out (harness/stack/config.py)."""
GROUP_WAIT_S = 0.0
"""Alertmanager's wait on the way to the playbook engine; people wait for `harness.stack.people.GROUP_WAIT`."""
SOURCES_S: Mapping[str, float] = {
    "hongbao_ledger_imbalance_fen": 5.0,  # seconds between two sums that control makes of the ledger
    "hongbao_transfers_imbalance": 5.0,
    "hongbao_programme_rounds": 1.0,  # seconds between two looks of control at its view
    "hongbao_clock_trusted": 3.0,  # a front asks control each second, and waits two for an answer
    "hongbao_strength_psi": 5.0,  # seconds between two looks of play at the last snapshot
    "hongbao_strength_user_jump_points": 5.0,
    "hongbao_strength_snapshot_time_seconds": 5.0,
    "drill_playbook_files_refused": 1.0,  # seconds between two looks of the engine at its files
    "up": 1.0,  # a target that hangs is down after the scrape's time-out
    "absent": 1.0,
}
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+)(ms|s|m|h)")
_RANGE = re.compile(r"(\w+)\s*\(\s*[\w:]+(?:\{[^}]*\})?\[((?:\d+(?:ms|s|m|h))+)\]")
_EARLIER = frozenset(("max_over_time", "present_over_time"))
"""A window of these functions makes a condition hold for longer, never later."""
_GROWS = re.compile(r"_age_seconds(?:\{[^}]*\})?\)*\s*>=?\s*(\d+(?:\.\d+)?)")
_NAME = re.compile(r"[a-z_:][a-z0-9_:]*")


@dataclass(frozen=True, slots=True)
class AlertFloor:
    """One alert's chain in seconds. `promise_s`: its annotation `detects_within`; None: it has none."""

    alert: str
    source_s: float
    window_s: float
    threshold_s: float
    for_s: float
    evaluation_s: float
    promise_s: float | None

    @property
    def total_s(self) -> float:
        """Seconds from the effect to the alert, at the latest."""
        return (
            self.source_s + SCRAPE_S + self.window_s + self.threshold_s + self.for_s + self.evaluation_s + GROUP_WAIT_S
        )


def seconds(text: str) -> float:
    """Prometheus's `1m30s`. Raises ValueError."""
    if not re.fullmatch(r"(?:\d+(?:ms|s|m|h))+", text):
        raise ValueError(f"{text!r} is no duration; expected one like 5s or 1m30s")
    return sum(int(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))


def floors(rules: Path = RULES) -> list[AlertFloor]:
    """Every alert that watches something, in the order of the files. Raises PlanError, ValueError."""
    every = list(rules_of(rules))
    recorded = {rule["record"]: rule for rule in every if "record" in rule}
    return [_floor(rule, recorded) for rule in every if "alert" in rule and _watches(rule)]


def _watches(rule: Mapping[str, Any]) -> bool:
    """Leaves out the alert that always fires: it has no effect to wait for."""
    return str(rule["expr"]).strip() != "vector(1)"


def _floor(rule: Mapping[str, Any], recorded: Mapping[str, Mapping[str, Any]]) -> AlertFloor:
    expression, every_s = str(rule["expr"]), _every(rule)
    names = set(_NAME.findall(expression))
    behind = [recorded[name] for name in names if name in recorded]
    texts = [expression, *(str(each["expr"]) for each in behind)]
    promise = rule.get("annotations", {}).get("detects_within")
    return AlertFloor(
        alert=rule["alert"],
        source_s=max((SOURCES_S.get(name, 0.0) for name in names), default=0.0),
        window_s=max((found for text in texts for found in _windows(text)), default=0.0),
        threshold_s=max((float(found) for text in texts for found in _GROWS.findall(text)), default=0.0),
        for_s=seconds(str(rule.get("for", "0s"))),
        # A recorded series is one evaluation old when the alert's own evaluation reads it.
        evaluation_s=every_s + max((_every(each) for each in behind), default=0.0),
        promise_s=None if promise is None else seconds(str(promise)),
    )


def _every(rule: Mapping[str, Any]) -> float:
    return seconds(str(rule["interval"] or f"{SCRAPE_S:g}s"))


def _windows(text: str) -> Iterator[float]:
    for function, window in _RANGE.findall(text):
        if function not in _EARLIER:
            yield seconds(window)


def table(found: list[AlertFloor]) -> str:
    """As a table of docs/playbooks.md, seconds."""
    rows = [
        "| Alert | its figure | scrape | window | threshold | `for` | evaluation | at the latest | promised |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in found:
        parts = (one.source_s, SCRAPE_S, one.window_s, one.threshold_s, one.for_s, one.evaluation_s)
        cells = " | ".join(f"{part:g}" if part else "" for part in parts)
        promise = "" if one.promise_s is None else f"{one.promise_s:g}"
        rows.append(f"| `{one.alert}` | {cells} | **{one.total_s:g}** | {promise} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table(floors()))
