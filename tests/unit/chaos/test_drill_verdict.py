"""A drill's one verdict: what holds first decides, and nothing is green on nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chaos.drill_verdict import decide, worst
from chaos.facts import FaultFacts
from harness.runs.record import RunRecord
from harness.verdict import Reason
from plans.models.drill import Expect
from tests.support.sample_run import GOOD, findings, reason, record

SEEN = FaultFacts(
    injected_s=3.0, effect_s=3.5, alert_s=6.0, heal_began_s=11.0, healed_s=11.1, heal_seen_s=11.2, drained_s=12.0
)
EXPECT = Expect.model_validate(
    {
        "recovers_within": "2s",
        "drains_within": "10s",
        "alert": {"name": "CreditStalled", "within": "5s"},
        "harms": ["errors"],
    }
)


def run(**changes: Any) -> RunRecord:
    return record(**changes)


def facts(**changes: Any) -> FaultFacts:
    return replace(SEEN, **changes)


BROKEN = {"evidence": {"invariants": findings(S4=1)}}


@pytest.mark.parametrize(
    ("baseline", "disturbed", "what", "verdict", "code"),
    [
        pytest.param({}, {}, {}, "PASS", 0, id="effect seen, healed, all valid"),
        pytest.param({}, BROKEN, {}, "INVARIANT_BROKEN", 99, id="money lost under the fault"),
        pytest.param({}, BROKEN, {"effect_s": None}, "INVARIANT_BROKEN", 99, id="outranks a fault without effect"),
        pytest.param({}, {}, {"harness_fault": "hung"}, "HARNESS_FAULT", 10, id="the tool hung"),
        pytest.param({}, {}, {"harness_fault": "hung", "effect_s": None}, "HARNESS_FAULT", 10, id="before no effect"),
        pytest.param({}, {"evidence": {"invalid": [reason("generator_limited")]}}, {}, "HARNESS_FAULT", 10,
                     id="INVALID reads HARNESS_FAULT"),
        pytest.param({}, {"evidence": {"invalid": [reason("generator_stopped")]}}, {}, "HARNESS_FAULT", 10,
                     id="so does a generator that stopped"),
        pytest.param({}, {"evidence": {"invalid": [reason("some_new_reason")]}}, {}, "HARNESS_FAULT", 10,
                     id="and whatever else made a run INVALID"),
        pytest.param({}, {}, {"effect_s": None}, "FAULT_NOT_EFFECTIVE", 10, id="no effect is never a pass"),
        pytest.param({}, {}, {"effect_s": None, "not_healed": "x"}, "FAULT_NOT_EFFECTIVE", 10, id="before not healed"),
        pytest.param({"evidence": {"failures": [reason("not_closed")]}}, None, None, "UNKNOWN", 10,
                     id="no steady state without the fault"),
        pytest.param({}, {}, {"not_steady": "already silent", "injected_s": None}, "UNKNOWN", 10, id="not steady"),
        pytest.param({}, {"evidence": {"failures": [reason("unsettled")]}}, {}, "UNKNOWN", 10, id="unresolved"),
        pytest.param({}, {"evidence": {"no_data": [reason("audit_failed")]}}, {}, "UNKNOWN", 10, id="no books"),
        pytest.param({}, {}, {"not_healed": "left", "healed_s": None}, "NOT_HEALED", 99, id="left injected"),
        pytest.param({}, {}, {"heal_seen_s": None}, "NOT_HEALED", 99, id="the heal was not seen"),
        pytest.param({}, {"evidence": {"failures": [reason("not_closed")]}}, {}, "FAIL", 99, id="did not close"),
        pytest.param({}, {}, {"heal_seen_s": 13.5}, "FAIL", 99, id="recovered too late"),
        pytest.param({}, {}, {"drained_s": 30.0}, "FAIL", 99, id="drained too late"),
        pytest.param({}, {}, {"drained_s": None}, "FAIL", 99, id="never drained"),
        pytest.param({}, {}, {"alert_s": None}, "FAIL", 99, id="no alert"),
        pytest.param({}, {}, {"alert_s": 9.0}, "FAIL", 99, id="the alert too late"),
        pytest.param({}, {}, {"external": "external: valkey"}, "SKIPPED", 5, id="somebody's"),
        pytest.param({"evidence": {"warnings": [reason("prometheus_missing")]}}, {}, {}, "WARN", 0, id="a warning"),
    ],
)  # fmt: skip
def test_the_first_that_holds(
    baseline: dict[str, Any], disturbed: dict[str, Any] | None, what: dict[str, Any] | None, verdict: str, code: int
) -> None:
    decided = decide(
        baseline=run(**baseline),
        disturbed=None if disturbed is None else run(**disturbed),
        facts=None if what is None else facts(**what),
        expect=EXPECT,
    )
    assert (decided.verdict, decided.exit_code) == (verdict, code)
    assert bool(decided.reasons) is (verdict != "PASS")


def test_a_harm_the_drill_declares_is_no_failure_another_is() -> None:
    hurt = replace(GOOD, errors=500)
    assert decide(disturbed=run(actuals=hurt), facts=SEEN, expect=EXPECT).verdict == "PASS"
    strict = decide(disturbed=run(actuals=hurt), facts=SEEN, expect=Expect())
    assert (strict.verdict, strict.reasons[0].code) == ("FAIL", "forecast_errors")
    lost = replace(GOOD, residue_fen=1)
    assert decide(disturbed=run(actuals=lost), facts=SEEN, expect=EXPECT).verdict == "INVARIANT_BROKEN"


def test_what_the_fault_may_worsen_is_told_and_judges_nothing() -> None:
    worse = Reason(code="forecast_errors", text="errors: 829 taps, outside 0 to 0")
    decided = decide(baseline=run(), disturbed=run(evidence={"failures": [worse]}), facts=SEEN, expect=EXPECT)
    assert (decided.verdict, decided.reasons, decided.allowed) == ("PASS", (), (worse,))


def test_without_prometheus_an_alert_is_not_judged_but_told() -> None:
    decided = decide(disturbed=run(), facts=facts(alert_s=None), expect=EXPECT, has_prometheus=False)
    assert (decided.verdict, decided.reasons[0].code) == ("WARN", "prometheus_missing")
    strict = decide(disturbed=run(), facts=facts(alert_s=None), expect=EXPECT, has_prometheus=False, strict=True)
    assert strict.exit_code == 4


def test_interrupted_comes_first_and_nothing_is_never_green() -> None:
    stopped = run(evidence={"aborted": Reason(code="interrupted", text="by SIGINT")})
    assert decide(baseline=run(), disturbed=stopped, facts=SEEN, expect=EXPECT).exit_code == 3
    assert decide().verdict == "UNKNOWN"
    skipped = decide(skipped=Reason(code="external", text="requires: looks like another code, and is only a text"))
    assert (skipped.exit_code, [one.code for one in skipped.reasons]) == (5, ["external"])


def test_several_drills_are_as_good_as_the_worst() -> None:
    assert worst(["PASS", "FAIL", "WARN"]) == "FAIL"
    assert worst(["PASS", "SKIPPED"]) == "PASS"
    assert worst(["SKIPPED", "SKIPPED"]) == "SKIPPED"
    assert worst([]) == "UNKNOWN"


def test_of_several_faults_each_is_judged_and_named() -> None:
    """An alert need fire after one of them alone; what one did not do is told by its name."""
    silent = facts(alert_s=None)
    assert decide(disturbed=run(), facts={"N15": SEEN, "N1": silent}, expect=EXPECT).verdict == "PASS"
    decided = decide(disturbed=run(), facts={"N15": SEEN, "N1": facts(effect_s=None)}, expect=EXPECT)
    assert (decided.verdict, decided.exit_code) == ("FAULT_NOT_EFFECTIVE", 10)
    assert decided.reasons[0].text.startswith("N1: no effect was seen")
    late = decide(disturbed=run(), facts={"N15": SEEN, "N1": facts(drained_s=99.0)}, expect=EXPECT)
    assert (late.verdict, late.reasons[0].code) == ("FAIL", "late_drain")
    assert late.reasons[0].text.startswith("N1: drain took ")


def test_a_drain_counts_from_when_no_fault_is_in_force_any_more() -> None:
    assert facts(healed_s=5.0, calm_s=9.0, drained_s=11.0).drain_s == 2.0
    assert facts(healed_s=5.0, drained_s=11.0).drain_s == 6.0
