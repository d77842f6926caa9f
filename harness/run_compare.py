"""Two runs side by side. Refuses, in words, to compare what was not measured under the same conditions."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from harness.run_record import Environment, RunRecord

MEMORY_TOLERANCE = 0.1


class NotComparable(Exception):
    """The runs differ in more than the system; exit code 2."""

    exit_code = 2


class Difference(BaseModel):
    """One figure of both runs; `ratio` is b ÷ a where that says something."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    what: str
    unit: str
    a: float | None
    b: float | None
    ratio: float | None


class Comparison(BaseModel):
    """`xiu run compare A B`. `notes`: what else differs and does not forbid the comparison (versions, seeds)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    a: str
    b: str
    verdicts: tuple[str, str]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]


def obstacles(a: RunRecord, b: RunRecord) -> list[str]:
    """Why the two cannot be compared, in words; empty if they can."""
    out = []
    for name, left, right in (
        ("plans", a.plan, b.plan),
        ("scales", a.scale.factor, b.scale.factor),
        ("targets", a.target, b.target),
        ("lanes", a.lane, b.lane),
    ):
        if left != right:
            out.append(f"different {name}: {left} and {right}")
    lasted = [sum(step.duration_s for step in run.steps) for run in (a, b)]
    if abs(lasted[0] - lasted[1]) > 1e-6:
        out.append(f"different lengths: {lasted[0]:g} s and {lasted[1]:g} s")
    if a.environment is None or b.environment is None:
        missing = [run.run_id for run in (a, b) if run.environment is None]
        out.append(f"no environment is recorded for {' and '.join(missing)}")
    else:
        out += _machines(a.environment, b.environment)
    return out


def _machines(a: Environment, b: Environment) -> list[str]:
    out = []
    for name, left, right in (
        ("numbers of cores", a.cores, b.cores),
        ("processors", a.cpu, b.cpu),
        ("machines", a.machine, b.machine),
    ):
        if left != right:
            out.append(f"different {name}: {left} and {right}")
    if abs(a.memory_mib - b.memory_mib) > MEMORY_TOLERANCE * max(a.memory_mib, b.memory_mib):
        out.append(f"different memory: {a.memory_mib} MiB and {b.memory_mib} MiB")
    return out


def _notes(a: RunRecord, b: RunRecord) -> list[str]:
    notes = [] if a.seed == b.seed else [f"seeds {a.seed} and {b.seed}"]
    if a.forecast_sha256 != b.forecast_sha256:
        notes.append("the locked forecasts differ")
    one, two = a.environment, b.environment
    if one is None or two is None:
        return notes
    if one.commit != two.commit:
        notes.append(f"commits {one.commit or 'unknown'} and {two.commit or 'unknown'}")
    for name in sorted(one.versions.keys() | two.versions.keys()):
        left, right = one.versions.get(name, "none"), two.versions.get(name, "none")
        if left != right:
            notes.append(f"{name} {left} and {right}")
    return notes


def _difference(what: str, unit: str, a: float | None, b: float | None) -> Difference:
    ratio = b / a if a and b is not None else None
    return Difference(what=what, unit=unit, a=a, b=b, ratio=ratio)


def compare(a: RunRecord, b: RunRecord) -> Comparison:
    """Raises NotComparable with every reason."""
    why = obstacles(a, b)
    if why:
        raise NotComparable(
            f"{a.run_id} and {b.run_id} cannot be compared: {'; '.join(why)}; expected equal conditions"
        )
    rows = [
        _difference("offered at the peak", "1/s", a.load.offered_rps, b.load.offered_rps),
        _difference("answered at the peak", "1/s", a.load.achieved_rps, b.load.achieved_rps),
    ]
    for name in ("response", "service", "lag", "queued"):
        left, right = getattr(a.latency_ms, name), getattr(b.latency_ms, name)
        rows += [_difference(f"{name} {p}", "ms", getattr(left, p), getattr(right, p)) for p in ("p50", "p99", "p999")]
    rows += [
        _difference("credit delay p99", "s", a.credit_delay_s.p99, b.credit_delay_s.p99),
        _difference("wins", "", a.wins.seen, b.wins.seen),
        _difference("unknown outcomes", "", a.load.outcomes.get("unknown"), b.load.outcomes.get("unknown")),
    ]
    for process in sorted(a.resources.keys() & b.resources.keys()):
        left, right = a.resources[process], b.resources[process]
        rows.append(_difference(f"{process} CPU", "s", left.cpu_s, right.cpu_s))
        rows.append(_difference(f"{process} memory", "MiB", left.rss_mib_max, right.rss_mib_max))
    verdicts = (a.verdict, b.verdict)
    return Comparison(a=a.run_id, b=b.run_id, verdicts=verdicts, differences=tuple(rows), notes=tuple(_notes(a, b)))
