"""The one verdict of a drill, from its arms and the facts of the fault. Pure; the first that holds decides.

ABORTED · INVARIANT_BROKEN · HARNESS_FAULT · FAULT_NOT_EFFECTIVE · UNKNOWN · NOT_HEALED · FAIL · SKIPPED · WARN · PASS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chaos.facts import FaultFacts
from harness.runs.record import RunRecord
from harness.verdict import EXPECTED_WARNINGS, LATENCY_BAND, Reason, exit_code
from plans.models.drill import Expect

ORDER = (
    "ABORTED", "INVARIANT_BROKEN", "HARNESS_FAULT", "FAULT_NOT_EFFECTIVE", "UNKNOWN", "NOT_HEALED", "FAIL", "SKIPPED",
    "WARN",
)  # fmt: skip
HARNESS = frozenset({"generator_limited", "generator_stopped", "run_broken", "harness_fault"})
UNKNOWN = frozenset({"unsettled", "audit_failed", "nothing_judged", "live_lane_unknown", "live_lane_in_use"})
BY_FACTS = frozenset({"fault_not_effective", "not_steady", "not_healed", "harness_fault", "external"})
"""Reasons that a nemesis gave to its run; they are judged from its facts."""


@dataclass(frozen=True, slots=True)
class Decided:
    """The verdict; `reasons`: those of the verdict first."""

    verdict: str
    exit_code: int
    reasons: tuple[Reason, ...]
    allowed: tuple[Reason, ...] = ()
    """What the disturbed run was worse at, as far as the drill allows its fault to worsen it."""


def decide(
    *,
    baseline: RunRecord | None = None,
    disturbed: RunRecord | None = None,
    facts: FaultFacts | Mapping[str, FaultFacts] | None = None,
    expect: Expect | None = None,
    skipped: Reason | None = None,
    harness_fault: str = "",
    has_prometheus: bool = True,
    strict: bool = False,
) -> Decided:
    """`baseline`: arm A, `disturbed`: arm B with the `facts` of its fault, or of each by name. `skipped`,
    `harness_fault`: before any arm.
    """
    expect = expect or Expect()
    found: dict[str, list[Reason]] = {name: [] for name in ORDER}
    if skipped:
        found["SKIPPED"].append(skipped)
    if harness_fault:
        found["HARNESS_FAULT"].append(Reason(code="harness_fault", text=harness_fault))
    if baseline is not None:
        _weigh_baseline(baseline, found)
    if disturbed is not None:
        _weigh_disturbed(disturbed, expect, found)
    if facts is not None:
        each = {"": facts} if isinstance(facts, FaultFacts) else facts
        for name, one in each.items():
            _weigh_facts(one, expect, found, f"{name}: " if len(each) > 1 else "")
        _weigh_alert([one for one in each.values() if _came(one)], expect, found, has_prometheus=has_prometheus)
    if not (skipped or harness_fault or baseline or disturbed):
        found["UNKNOWN"].append(Reason(code="nothing_judged", text="no arm was played; empty is never green"))
    verdict = next((name for name in ORDER if found[name]), "PASS")
    reasons = tuple(reason for name in ORDER for reason in found[name])
    allowed = tuple(reason for reason in disturbed.reasons if _allowed(reason, expect)) if disturbed else ()
    return Decided(verdict, exit_code(verdict, strict=strict), reasons, allowed)


def _weigh_baseline(record: RunRecord, found: dict[str, list[Reason]]) -> None:
    """Without the fault everything must hold: else there is no steady state to compare with."""
    _weigh_invariants(record, found)
    if record.verdict == "ABORTED":
        found["ABORTED"] += record.reasons[:1]
    elif record.verdict == "INVALID":
        found["HARNESS_FAULT"] += record.reasons[:1]
    elif record.verdict in ("FAIL", "NO_DATA"):
        first = record.reasons[0].text if record.reasons else record.verdict
        found["UNKNOWN"].append(Reason(code="not_steady", text=f"arm A, without the fault: {first}"))
    elif record.verdict == "WARN":
        found["WARN"] += [Reason(code=r.code, text=f"arm A: {r.text}") for r in record.reasons]


def _weigh_invariants(record: RunRecord, found: dict[str, list[Reason]]) -> None:
    broken = {f"invariant_{row.code}" for row in record.invariants if row.valid is False}
    broken |= {f"forecast_{row.indicator}" for row in record.forecast if row.cls == "invariant" and row.state == "FAIL"}
    found["INVARIANT_BROKEN"] += [reason for reason in record.reasons if reason.code in broken]


def _weigh_disturbed(record: RunRecord, expect: Expect, found: dict[str, list[Reason]]) -> None:
    _weigh_invariants(record, found)
    weighed = {reason.code for reason in found["INVARIANT_BROKEN"]}
    for reason in record.reasons:
        code = reason.code
        if code in weighed or code in BY_FACTS or _allowed(reason, expect):
            continue
        found[_bin(code, record)].append(reason)


def _allowed(reason: Reason, expect: Expect) -> bool:
    """Is it an indicator that this fault may worsen?"""
    if reason.code == LATENCY_BAND:
        return reason.data.get("indicator") in expect.harms
    for prefix in ("forecast_", "band_", "no_data_"):
        if reason.code.startswith(prefix):
            indicator = reason.code.removeprefix(prefix)
            return indicator in expect.harms or ("sponsors" in expect.harms and indicator.startswith("sponsor_"))
    return False


def _bin(code: str, record: RunRecord) -> str:
    """The verdict to which a reason of the disturbed run belongs."""
    if code in HARNESS or (record.verdict == "INVALID" and code == record.reasons[0].code):
        return "HARNESS_FAULT"
    if code in UNKNOWN or code.startswith("no_data_") or code.endswith(("_unknown", "_empty")):
        return "UNKNOWN"
    if code in EXPECTED_WARNINGS or code.startswith("band_"):
        return "WARN"
    if code in ("interrupted", "killed") or (record.verdict == "ABORTED" and code == record.reasons[0].code):
        return "ABORTED"
    return "FAIL"


def _weigh_facts(facts: FaultFacts, expect: Expect, found: dict[str, list[Reason]], name: str) -> None:
    if facts.external:
        found["SKIPPED"].append(Reason(code="external", text=facts.external))
        return
    if facts.harness_fault:
        found["HARNESS_FAULT"].append(Reason(code="harness_fault", text=facts.harness_fault))
    if facts.not_steady:
        found["UNKNOWN"].append(Reason(code="not_steady", text=facts.not_steady))
        return
    if facts.effect_s is None:
        seen = facts.effect or "it was never injected"
        found["FAULT_NOT_EFFECTIVE"].append(
            Reason(code="fault_not_effective", text=f"{name}no effect was seen: {seen}")
        )
    if facts.injected_s is not None and (facts.not_healed or facts.heal_seen_s is None):
        text = facts.not_healed or "the heal was not seen"
        found["NOT_HEALED"].append(Reason(code="not_healed", text=text))
    if facts.injected_s is None:
        return
    _weigh_time(f"{name}recovery", "late_recovery", facts.recovery_s, expect.recovers_within, found)
    _weigh_time(f"{name}drain", "late_drain", facts.drain_s, expect.drains_within, found)


def _came(facts: FaultFacts) -> bool:
    """Was it injected, and its effect seen?"""
    return not (facts.external or facts.not_steady) and None not in (facts.injected_s, facts.effect_s)


def _weigh_alert(
    came: Sequence[FaultFacts], expect: Expect, found: dict[str, list[Reason]], *, has_prometheus: bool
) -> None:
    """Did the alert fire in time after the effect of one of the faults?"""
    if expect.alert is None or not came:
        return
    if not has_prometheus:
        text = f"{expect.alert.name} is not judged: Prometheus is missing"
        found["WARN"].append(Reason(code="prometheus_missing", text=text))
        return
    took = [facts.detection_s for facts in came if facts.detection_s is not None]
    _weigh_time(f"alert {expect.alert.name}", "late_alert", min(took, default=None), expect.alert.within, found)


def _weigh_time(
    what: str, code: str, took_s: float | None, within_s: float | None, found: dict[str, list[Reason]]
) -> None:
    if within_s is None or (took_s is not None and took_s <= within_s):
        return
    took = "never came" if took_s is None else f"took {took_s:.1f} s"
    found["FAIL"].append(Reason(code=code, text=f"{what} {took}; at most {within_s:g} s"))


def worst(verdicts: Sequence[str]) -> str:
    """Of several drills the verdict that decides; all of them SKIPPED is SKIPPED, some of them is not."""
    judged = [name for name in verdicts if name != "SKIPPED"]
    if not judged:
        return "SKIPPED" if verdicts else "UNKNOWN"
    return next((name for name in ORDER if name in judged), "PASS")
