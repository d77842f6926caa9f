"""The verdict: every rung of the ladder against every other."""

from __future__ import annotations

from itertools import product

import pytest

from harness.forecast import Judged
from harness.verdict import EXIT_CODES, EXPECTED_WARNINGS, Evidence, Reason, decide, exit_code
from system.contract.audit import Finding


def row(state: str, cls: str = "demand", indicator: str = "offered_rps", actual: float | None = 1.0) -> Judged:
    return Judged(
        indicator=indicator, link="client-front", lower=0, expected=1, upper=2, actual=actual, state=state, cls=cls
    )


def finding(valid: object, counted: int = 5, violations: int = 0) -> Finding:
    return Finding(code="S1", says="says", valid=valid, counted=counted, violations=violations)


def because(code: str) -> Reason:
    return Reason(code=code, text=code)


GOOD = {"indicators": (row("PASS"),), "invariants": (finding(True),)}


@pytest.mark.parametrize("bits", list(product((False, True), repeat=6)))
def test_what_holds_first_decides(bits: tuple[bool, ...]):
    """All 64 combinations: the first rung that holds gives the verdict, and nothing that was found is left unsaid."""
    aborted, broken, invalid, failed, missing, warned = bits
    decision = decide(
        Evidence(
            indicators=(row("PASS"),),
            invariants=(finding(False, violations=1) if broken else finding(True),),
            aborted=because("interrupted") if aborted else None,
            invalid=[because("lag")] if invalid else [],
            failures=[because("stopped")] if failed else [],
            no_data=[because("no_scrape")] if missing else [],
            warnings=[because("smaller_share")] if warned else [],
        )
    )
    rungs = ("ABORTED", "FAIL", "INVALID", "FAIL", "NO_DATA", "WARN")
    expected = next((rung for rung, holds in zip(rungs, bits, strict=True) if holds), "PASS")
    assert decision.verdict == expected
    assert (
        decision.exit_code == {"PASS": 0, "WARN": 0, "ABORTED": 3, "INVALID": 10, "NO_DATA": 10, "FAIL": 99}[expected]
    )
    assert len(decision.reasons) == sum(bits)
    names = ("interrupted", "invariant_S1", "lag", "stopped", "no_scrape", "smaller_share")
    assert [r.code for r in decision.reasons] == [name for name, holds in zip(names, bits, strict=True) if holds]


@pytest.mark.parametrize(
    ("evidence", "verdict", "code"),
    [
        pytest.param({}, "NO_DATA", "nothing_judged", id="nothing at all is never green"),
        pytest.param({"indicators": (row("NOT_EVALUATED"),)}, "NO_DATA", "nothing_judged", id="nothing was judged"),
        pytest.param({"invariants": (finding(None),)}, "NO_DATA", "nothing_judged", id="no invariant was evaluated"),
        pytest.param({"indicators": (row("PASS"), row("NOT_EVALUATED"))}, "PASS", None, id="not evaluated is neutral"),
        pytest.param({**GOOD, "invariants": (finding(True), finding(None))}, "PASS", None, id="so are invariants"),
        pytest.param({**GOOD, "invariants": (finding("unknown"),)}, "NO_DATA", "invariant_S1_unknown", id="unknown"),
        pytest.param({**GOOD, "invariants": (finding(True, 0),)}, "NO_DATA", "invariant_S1_empty", id="empty"),
        pytest.param({"indicators": (row("NO_DATA", actual=None),)}, "NO_DATA", "no_data_offered_rps", id="no data"),
        pytest.param({"indicators": (row("FAIL", "invariant"),), "invalid": [because("lag")]}, "FAIL",
                     "forecast_offered_rps", id="a fen off outranks a bad generator"),
        pytest.param({"indicators": (row("FAIL"),), "invalid": [because("lag")]}, "INVALID", "lag",
                     id="a bad generator outranks a missed forecast"),
        pytest.param({"indicators": (row("WARN", "quality", "response_p99_ms"),)}, "WARN", "latency_band", id="slow"),
        pytest.param({"indicators": (row("WARN", "quality", "drain_s"),)}, "WARN", "latency_band", id="slow to drain"),
        pytest.param({"indicators": (row("WARN"),)}, "WARN", "band_offered_rps", id="demand beside its band"),
        pytest.param({"warnings": [because("prometheus_missing")]}, "WARN", "prometheus_missing", id="a warning alone"),
    ],
)  # fmt: skip
def test_single_findings(evidence: dict[str, object], verdict: str, code: str | None):
    decision = decide(Evidence(**evidence))
    assert decision.verdict == verdict
    assert [r.code for r in decision.reasons][:1] == ([code] if code else [])


def test_latencies_alone_are_expected_warnings():
    rows = [row("WARN", "quality", name) for name in ("response_p99_ms", "credit_delay_p99_s", "drain_s")]
    decision = decide(Evidence(indicators=rows))
    assert {r.code for r in decision.reasons} <= EXPECTED_WARNINGS
    other = decide(Evidence(indicators=[row("WARN", "demand")]))
    assert not {r.code for r in other.reasons} <= EXPECTED_WARNINGS


@pytest.mark.parametrize(
    ("verdict", "strict", "code"),
    [
        ("PASS", False, 0), ("PASS", True, 0), ("WARN", False, 0), ("WARN", True, 4), ("ABORTED", True, 3),
        ("SKIPPED", False, 5), ("INVALID", True, 10), ("NO_DATA", False, 10), ("UNKNOWN", False, 10),
        ("HARNESS_FAULT", False, 10), ("FAULT_NOT_EFFECTIVE", False, 10), ("FAIL", False, 99), ("FAIL", True, 99),
        ("INVARIANT_BROKEN", False, 99), ("NOT_HEALED", False, 99),
    ],
)  # fmt: skip
def test_exit_codes(verdict: str, strict: bool, code: int):
    assert exit_code(verdict, strict=strict) == code


def test_every_exit_code_is_one_of_the_contract():
    assert set(EXIT_CODES.values()) <= {0, 3, 5, 10, 99}


def test_strict_turns_a_warn_into_four_and_nothing_else():
    warned = Evidence(**GOOD, warnings=[because("smaller_share")])
    assert (decide(warned).exit_code, decide(warned, strict=True).exit_code) == (0, 4)
    assert decide(Evidence(**GOOD), strict=True).exit_code == 0
