"""The verdict of a run: the first that holds decides. Pure; without evidence it is never green."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.phrases import kept, sentence

Verdict = Literal["PASS", "WARN", "FAIL", "INVALID", "NO_DATA", "ABORTED"]
Valid = Literal["unknown"] | bool | None

EXIT_CODES: dict[str, int] = {
    "PASS": 0, "WARN": 0, "ABORTED": 3, "SKIPPED": 5, "NOT_READY": 5,
    "INVALID": 10, "NO_DATA": 10, "UNKNOWN": 10, "HARNESS_FAULT": 10, "FAULT_NOT_EFFECTIVE": 10,
    "FAIL": 99, "INVARIANT_BROKEN": 99, "NOT_HEALED": 99,
}  # fmt: skip
"""Of runs and of drills. A WARN exits 4 under `--strict`."""
STRICT_WARN_EXIT = 4

LATENCIES = frozenset({"response_p99_ms", "credit_delay_p99_s", "drain_s"})
SMALLER_SHARE, PROMETHEUS_MISSING, LATENCY_BAND = "smaller_share", "prometheus_missing", "latency_band"
CPU_STEAL = "cpu_steal"
EXPECTED_WARNINGS = frozenset({SMALLER_SHARE, PROMETHEUS_MISSING, LATENCY_BAND, CPU_STEAL})
"""Warnings about the machine, not about the system."""


class Reason(BaseModel):
    """Why, for programs (`code`) and for people (`text`, in English; `says` and `data` are the same as an id of
    `harness.phrases`, for other languages).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    code: str
    text: str
    says: str = ""
    data: dict[str, Any] = Field(default_factory=dict)

    _kept = model_validator(mode="before")(kept)


class Indicator(Protocol):
    """A judged indicator of the forecast (`harness.forecast.Judged`)."""

    @property
    def indicator(self) -> str: ...
    @property
    def cls(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def actual(self) -> float | None: ...
    @property
    def lower(self) -> float: ...
    @property
    def expected(self) -> float: ...
    @property
    def upper(self) -> float: ...
    @property
    def unit(self) -> str: ...


class Invariant(Protocol):
    """A finding of the audit."""

    @property
    def code(self) -> str: ...
    @property
    def valid(self) -> Valid: ...
    @property
    def counted(self) -> int: ...
    @property
    def violations(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """The input of a verdict. `invalid`: why the generator or the measurement was the limit."""

    indicators: Sequence[Indicator] = ()
    invariants: Sequence[Invariant] = ()
    aborted: Reason | None = None
    invalid: Sequence[Reason] = ()
    failures: Sequence[Reason] = ()
    no_data: Sequence[Reason] = ()
    warnings: Sequence[Reason] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """`reasons`: those of the verdict first, then the others, in the order of the rules."""

    verdict: Verdict
    exit_code: int
    reasons: tuple[Reason, ...]


@dataclass(slots=True)
class _Findings:
    broken: list[Reason] = field(default_factory=list)
    failed: list[Reason] = field(default_factory=list)
    missing: list[Reason] = field(default_factory=list)
    warned: list[Reason] = field(default_factory=list)
    judged: int = 0


def exit_code(verdict: str, *, strict: bool = False) -> int:
    """The exit code of a verdict, of a run or of a drill."""
    return STRICT_WARN_EXIT if strict and verdict == "WARN" else EXIT_CODES[verdict]


def decide(evidence: Evidence, *, strict: bool = False) -> Decision:
    """ABORTED · broken invariant FAIL · INVALID · other FAIL · NO_DATA · WARN · PASS."""
    found = _Findings()
    for invariant in evidence.invariants:
        _weigh_invariant(invariant, found)
    for indicator in evidence.indicators:
        _weigh_indicator(indicator, found)
    found.judged += len(evidence.failures) + len(evidence.warnings)
    aborted = [evidence.aborted] if evidence.aborted else []
    missing = [*found.missing, *evidence.no_data]
    if not found.judged and not missing:
        missing = [Reason(code="nothing_judged", text=sentence("nothing_judged"))]
    ladder: list[tuple[Verdict, list[Reason]]] = [
        ("ABORTED", aborted),
        ("FAIL", found.broken),
        ("INVALID", list(evidence.invalid)),
        ("FAIL", [*found.failed, *evidence.failures]),
        ("NO_DATA", missing),
        ("WARN", [*found.warned, *evidence.warnings]),
    ]
    verdict: Verdict = next((name for name, reasons in ladder if reasons), "PASS")
    reasons = tuple(reason for _, rung in ladder for reason in rung)
    return Decision(verdict, exit_code(verdict, strict=strict), reasons)


def _weigh_invariant(invariant: Invariant, found: _Findings) -> None:
    if invariant.valid is None:
        return
    if invariant.valid is False:
        found.judged += 1
        text = f"{invariant.code} is broken: {invariant.violations:,} violations in {invariant.counted:,} looked at"
        found.broken.append(Reason(code=f"invariant_{invariant.code}", text=text))
    elif invariant.valid == "unknown":
        found.missing.append(
            Reason(code=f"invariant_{invariant.code}_unknown", text=f"{invariant.code} cannot be decided")
        )
    elif invariant.counted <= 0:
        text = f"{invariant.code} looked at nothing, so it proves nothing"
        found.missing.append(Reason(code=f"invariant_{invariant.code}_empty", text=text))
    else:
        found.judged += 1


def _weigh_indicator(row: Indicator, found: _Findings) -> None:
    if row.state == "NOT_EVALUATED":
        return
    if row.state == "NO_DATA":
        found.missing.append(Reason(code=f"no_data_{row.indicator}", text=f"{row.indicator}: no data"))
        return
    found.judged += 1
    actual = "nothing" if row.actual is None else f"{row.actual:,.6g}"
    if row.state == "FAIL":
        text = f"{row.indicator}: {actual} {row.unit}, outside {row.lower:,.6g} to {row.upper:,.6g}"
        reason = Reason(code=f"forecast_{row.indicator}", text=text)
        (found.broken if row.cls == "invariant" else found.failed).append(reason)
    elif row.state == "WARN" and row.indicator in LATENCIES:
        figures = {"unit": row.unit, "expected": row.expected, "upper": row.upper}
        text = sentence("slower", indicator=row.indicator, actual=actual, **figures)
        found.warned.append(Reason(code=LATENCY_BAND, text=text))
    elif row.state == "WARN":
        text = f"{row.indicator}: {actual} {row.unit}, just outside {row.lower:,.6g} to {row.upper:,.6g}"
        found.warned.append(Reason(code=f"band_{row.indicator}", text=text))
