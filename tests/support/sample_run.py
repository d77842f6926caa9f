"""A run as it might have been, for tests of what is made of it: numbers are made up, and close."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache
from typing import Any

from harness.forecast import Lock, judge, lock, share_of
from harness.forecast.actuals import Actuals
from harness.runs.percentiles import Percentiles
from harness.runs.record import (
    About,
    CreditDelay,
    Delay,
    Environment,
    Event,
    Generator,
    Latency,
    Load,
    Money,
    Resource,
    RunRecord,
    Scale,
    SeasonOperation,
    SeasonRecord,
    Second,
    SponsorBooks,
    Timeline,
    Title,
    Wins,
)
from harness.runs.steps import Step
from harness.verdict import Evidence, Reason, decide
from plans.models import find, load_plan
from system.contract.audit import INVARIANTS, Finding

GOOD = Actuals(
    offered_rps=35_000.0,
    answered_rps=34_999.4,
    refused_share=0.0061,
    response_p99_ms=3.42,
    errors=0,
    credit_delay_p99_s=0.31,
    drain_s=0.9,
    wins=1200,
    pool_lasts_s=57.02,
    residue_fen=0,
    wins_residue=0,
    sponsor_fen={1: 151_800, 2: 116_760, 3: 132_000},
)


SEASON = SeasonRecord(
    season=3,
    operations=(SeasonOperation(operation="claim", outcomes={"done": 540, "again": 51, "share_expired": 1}),),
    pot_fen=2_150_000,
    state="paid",
    blessings=17,
    each_fen=126_470,
)


@cache
def sample_lock() -> Lock:
    loaded = load_plan(find("gala-share", "stress"))
    return lock(loaded, share_of(loaded.forecast, loaded.plan, Fraction(1, 10_000)), datetime(2026, 1, 1, tzinfo=UTC))


def findings(**broken: int) -> tuple[Finding, ...]:
    return tuple(
        Finding(code=code, says=says, valid=code not in broken, counted=1200, violations=broken.get(code, 0), first="")
        for code, says in INVARIANTS.items()
    )


def timeline() -> Timeline:
    rows, awarded = [], 0
    for second in range(64):
        if second < 6:
            rate = 10_500
        elif second < 29:
            rate = min(35_000, round(17_500 * 2 ** ((second - 5.5) / 3)))
        elif second < 39:
            rate = 35_000 - 1400 * (second - 29)
        else:
            rate = 21_000 if second < 54 else 21_000 - 700 * (second - 54)
        slow = 14.0 if second == 33 else 1.1 + 0.9 * math.sin(second) ** 2 + rate / 35_000
        wins = 0 if second < 5 or second > 61 else 21
        awarded += wins * 334
        rows.append(
            Second(
                second=second,
                offered=rate,
                answered=rate - (900 if second == 33 else 0) + (900 if second == 34 else 0),
                wins=wins,
                refused=round(rate * 0.006),
                p99_response_ms=slow,
                p99_service_ms=min(slow * 0.8, 2.4),
                backlog_entries=7 if second == 34 else int(second > 5) * (second % 3),
                awarded_fen=awarded,
                credited_fen=max(0, awarded - 334 * 5) if second < 62 else awarded,
            )
        )
    events = (
        Event(t_s=0.0, kind="phase", text="warm-up"),
        Event(t_s=5.0, kind="round", text="round 1 opens"),
        Event(t_s=6.0, kind="phase", text="measured"),
        Event(t_s=33.2, kind="store", text="checkpoint of PostgreSQL, 0.8 s"),
        Event(t_s=62.0, kind="round", text="last packet won"),
    )
    return Timeline(per_second=tuple(rows), events=events)


def sponsors() -> tuple[SponsorBooks, ...]:
    return tuple(
        SponsorBooks(sponsor=s.sponsor, name=s.name, budget_fen=s.budget_fen, credited_fen=s.budget_fen)
        for s in sample_lock().share().sponsors
    )


def record(actuals: Actuals = GOOD, evidence: dict[str, Any] | None = None, **changes: Any) -> RunRecord:
    """The good run, with other actuals, further evidence for the verdict, and changed fields."""
    sealed = sample_lock()
    rows = judge(sealed, actuals.by_indicator())
    facts = {"invariants": findings(), **(evidence or {})}
    decision = decide(Evidence(indicators=rows, **facts))
    fields: dict[str, Any] = {
        "run_id": "20260101-200000-gala-share-ab12",
        "plan": "gala-share",
        "target": "local stack",
        "lane": "live",
        "seed": 20160207,
        "started_at": "2026-01-01T20:00:00+08:00",
        "ended_at": "2026-01-01T20:01:31+08:00",
        "steps": (
            Step(kind="constant", phase="warm-up", starts_s=0, duration_s=6, from_rps=10_500, to_rps=10_500),
            Step(kind="spike", phase="measured", starts_s=6, duration_s=23, from_rps=17_500, to_rps=35_000),
            Step(kind="ramp", phase="measured", starts_s=29, duration_s=10, from_rps=35_000, to_rps=21_000),
            Step(kind="constant", phase="measured", starts_s=39, duration_s=15, from_rps=21_000, to_rps=21_000),
            Step(kind="ramp", phase="measured", starts_s=54, duration_s=10, from_rps=21_000, to_rps=14_000),
        ),
        "scale": Scale(factor="1/10000", why="the forecast's own share; the machine carries it"),
        "verdict": decision.verdict,
        "exit_code": decision.exit_code,
        "reasons": decision.reasons,
        "load": Load(
            scheduled=1_609_114,
            sent=1_609_114,
            dropped=0,
            unsent=0,
            outcomes={"win": 1200, "lose": 1_594_510, "repeat": 443, "refused": 12_961, "pending": 0, "unknown": 0},
            offered_rps=35_000.0,
            achieved_rps=34_999.4,
            users=20_000,
            connections=5_000,
        ),
        "latency_ms": Latency(
            response=Percentiles(p50=0.41, p95=1.32, p99=3.42, p999=12.7, max=41.2),
            service=Percentiles(p50=0.36, p95=1.1, p99=2.05, p999=6.6, max=22.9),
            lag=Percentiles(p50=0.04, p95=0.12, p99=0.28, p999=1.9, max=6.1),
            queued=Percentiles(p50=0.0, p95=0.0, p99=0.9, p999=7.4, max=19.0),
        ),
        "generator": Generator(valid=True, ceiling_rps=88_400, cpu_max=0.64, late=0, steal=0.004, steal_max=0.07),
        "money": Money(
            budget_fen=400_560, awarded_fen=400_560, credited_fen=400_560, suspense_fen=0, refunded_fen=0, residue_fen=0
        ),
        "wins": Wins(seen=1200, logged=1200, posted=1200, residue=0),
        "credit_delay_s": CreditDelay(p50=0.11, p99=0.31, max=0.42, in_faults=Delay()),
        "forecast": tuple(rows),
        "invariants": facts["invariants"],
        "resources": {
            "front-0": Resource(cpu_s=38.2, rss_mib_max=171.0),
            "credit-live": Resource(cpu_s=2.4, rss_mib_max=88.1),
            "control": Resource(cpu_s=3.1, rss_mib_max=92.6),
            "valkey": Resource(cpu_s=4.0, rss_mib_max=24.8),
            "postgres": Resource(cpu_s=3.3, rss_mib_max=210.4),
            "cannon": Resource(cpu_s=36.9, rss_mib_max=402.0),
            "prometheus": Resource(cpu_s=2.2, rss_mib_max=140.0),
        },
        "environment": Environment(
            cores=2,
            memory_mib=7_936,
            cpu="Some Processor 3.1 GHz",
            machine="x86_64",
            system="Linux 6.1",
            python="3.11.7",
            versions={"valkey": "9.1.0", "postgres": "18.6", "toxiproxy": "2.12.0"},
            commit="0123abc",
            scale_factor="1/10000",
            calibration={"generator_ceiling_rps": 88_400, "front_capacity_rps": 61_200, "chosen_rps": 35_000},
        ),
        "forecast_sha256": sealed.sha256,
    }
    return RunRecord(**{**fields, **changes})


def reason(code: str, text: str = "because") -> Reason:
    return Reason(code=code, text=text)


GALA = About(
    plan=Title(zh="春晚份额", en="A share of the gala"), event=Title(zh="春晚", en="the gala"), full_s=300, played_s=60,
    users=20_000, share_says="share_told",
)  # fmt: skip
CUT: dict[str, Any] = {
    "id": "credit-cut", "fault": "N15", "target": "credit-postgres", "verdict": "PASS", "injected_s": 32.1,
    "effect_s": 32.6, "alert_s": 34.9, "heal_began_s": 40.1, "healed_s": 40.12, "heal_seen_s": 40.127,
    "drained_s": 40.37, "title": {"zh": "入账被切断", "en": "credit cut off"}, "effect": "credit-postgres is silent",
}  # fmt: skip
STALLED: dict[str, Any] = {
    "id": "credit-stalled", "alert": "CreditStalled", "state": "closed", "verdict": "PASS", "text": "",
    "times": {"t2": 100.0, "t3": 100.1, "t4": 100.3, "t5": 101.2, "t6": 102.0, "t7": 114.0},
    "actions": [{"id": "slow", "key": "draw.release_percent", "before": 100, "to": 25}],
}  # fmt: skip
SLOW = CreditDelay(p50=0.1, p99=0.31, max=0.42, in_faults=Delay(p50=4.0, p99=8.0, max=8.09, count=91))


def faulted(**changes: Any) -> RunRecord:
    return record(about=GALA, drills=(CUT,), playbooks=(STALLED,), credit_delay_s=SLOW, **changes)
