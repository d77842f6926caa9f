"""Synthetic evidence for the self-test: records of runs that never took place, one for each thing a gate must notice.

No record can be mistaken for a run: each names `selftest` as its target.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from chaos.facts import FaultFacts
from harness.engine import health
from harness.forecast import Judged, Lock, judge, lock, share_of, write_lock
from harness.runs.folder import new_run, write_model
from harness.runs.record import CreditDelay, Generator, Latency, Load, Money, RunRecord, Scale, Wins
from harness.verdict import LATENCIES, Decision, Evidence, Reason, decide
from plans.models import find, load_plan
from system.contract.audit import INVARIANTS, Finding

PLAN = "drill-town"
NS = 1_000_000_000


@cache
def sealed() -> Lock:
    """The locked forecast of the plan that drills use."""
    loaded = load_plan(find(PLAN, "stress"))
    return lock(loaded, share_of(loaded.forecast, loaded.plan, Fraction(loaded.forecast.scale)))


def actuals(**changed: float | None) -> dict[str, float | None]:
    """Every indicator exactly as expected, except those in `changed`; None means no data."""
    return {target.indicator: target.expected for target in sealed().targets} | changed


def between() -> dict[str, float]:
    """A latency above what is expected and within its band: a WARN."""
    target = next(t for t in sealed().targets if t.indicator in LATENCIES and t.upper > t.expected)
    return {target.indicator: (target.expected + target.upper) / 2}


def beyond() -> dict[str, float]:
    """A latency above its band: a FAIL."""
    target = next(t for t in sealed().targets if t.indicator in LATENCIES)
    return {target.indicator: 2 * target.upper + 1}


def rows(**changed: float | None) -> list[Judged]:
    """The judged forecast of such a run."""
    return judge(sealed(), actuals(**changed))


def findings(*broken: str, valid: Any = False) -> tuple[Finding, ...]:
    """Every invariant holds, but the broken ones."""
    return tuple(
        Finding(code=code, says=says, valid=valid if code in broken else True, counted=100, violations=code in broken)
        for code, says in INVARIANTS.items()
    )


def late_generator() -> list[Reason]:
    """The reasons that the rules of the generator's health give for taps that were all reached 50 ms late."""
    intended = np.arange(5000, dtype=np.int64) * (NS // 1000)
    found = health.judge(intended, intended + NS // 20 + 1, (0, 5 * NS), [], 100.0, {})
    return [Reason(code="generator_limited", text=text) for text in found.reasons]


def decided(*, strict: bool = False, changed: Mapping[str, float | None] | None = None, **evidence: Any) -> Decision:
    """The verdict of a run as expected, except for what is changed and for further evidence."""
    facts: dict[str, Any] = {"indicators": rows(**(changed or {})), "invariants": findings(), **evidence}
    return decide(Evidence(**facts), strict=strict)


def record(
    decision: Decision | None = None, changed: Mapping[str, float | None] | None = None, **more: Any
) -> RunRecord:
    """A finished run with that verdict."""
    decision = decision or decided(changed=changed)
    fields: dict[str, Any] = {
        "run_id": "selftest", "plan": PLAN, "target": "selftest", "lane": "stress", "seed": 1,
        "started_at": "2026-01-01T20:00:00+00:00", "ended_at": "2026-01-01T20:00:20+00:00", "steps": (),
        "scale": Scale(factor="1", why="made on purpose"), "verdict": decision.verdict,
        "exit_code": decision.exit_code, "reasons": decision.reasons,
        "load": Load(
            scheduled=0, sent=0, dropped=0, unsent=0, outcomes={}, offered_rps=None, achieved_rps=None, users=0,
            connections=0,
        ),
        "latency_ms": Latency(), "generator": Generator(valid=True), "money": Money(), "wins": Wins(),
        "credit_delay_s": CreditDelay(), "forecast": tuple(rows(**(changed or {}))), "invariants": findings(),
        "forecast_sha256": sealed().sha256,
    }  # fmt: skip
    return RunRecord(**{**fields, **more})


def run_folder(runs: Path, changed: Mapping[str, float | None]) -> Path:
    """A run's folder with its locked forecast and its record, for the commands that read one."""
    folder = new_run(runs, PLAN)
    write_lock(sealed(), folder)
    write_model(folder / "run.json", record(changed=changed, run_id=folder.name))
    return folder


def facts(**changed: Any) -> FaultFacts:
    """A fault that was injected, seen, healed, and seen healed, except for what is changed."""
    good: dict[str, Any] = {
        "injected_s": 3.0, "effect_s": 3.2, "alert_s": 5.0, "heal_began_s": 11.0, "healed_s": 11.1, "heal_seen_s": 11.4,
        "drained_s": 12.0, "effect": "as declared",
    }  # fmt: skip
    return FaultFacts(**{**good, **changed})
