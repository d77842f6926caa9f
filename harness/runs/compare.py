"""Two runs side by side, judged: is B worse than A by more than noise? Runs that were not measured alike are refused.

A run that says nothing about the system (INVALID, NO_DATA, ABORTED) cannot be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from harness.runs.noise import Figure, figures, noise
from harness.runs.record import Environment, RunRecord
from harness.verdict import EXIT_CODES
from system.contract.audit import OF_PLAYS

MEMORY_TOLERANCE = 0.1
UNJUDGED = ("INVALID", "NO_DATA", "ABORTED")
NEEDED = ("answered at the peak", "response p99", "money residue", "wins residue")
"""Figures that B must have if A has them: without these, B is not known to be as good."""

BESIDE_THE_DRAW = tuple(code for code in OF_PLAYS if code != "S17")
"""Rules about what a run need not do: a plan that only taps leaves them without anything to look at. Every run taps, so
S17, which counts taps, is none of them.
"""

State = Literal["same", "better", "worse", "no data", "not judged"]


class NotComparable(Exception):
    """The runs differ in more than the system; exit code 2."""

    exit_code = 2


class NothingToCompare(Exception):
    """One of the runs has no judgement of its own; exit code 10."""

    exit_code = EXIT_CODES["INVALID"]


class Difference(BaseModel):
    """One figure of both runs; `ratio` is b ÷ a where that says something; `noise` in the figure's unit."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    what: str
    unit: str
    a: float | None
    b: float | None
    ratio: float | None
    noise: float = 0.0
    state: State = "not judged"


class Comparison(BaseModel):
    """`xiu run compare A B`. `verdict`: FAIL where B is worse beyond noise (`regressions` names what), UNKNOWN where it
    lacks a figure of A (`missing`). `notes`: what else differs and does not forbid the comparison, such as plays that
    only one of the two lanes has seen.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    a: str
    b: str
    verdicts: tuple[str, str]
    verdict: Literal["PASS", "FAIL", "UNKNOWN"]
    exit_code: int
    regressions: tuple[str, ...]
    missing: tuple[str, ...]
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
        ("faults", _faults(a), _faults(b)),
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


def _faults(run: RunRecord) -> str:
    """What was done to the system meanwhile."""
    done = sorted(
        f"{one.get('fault')} on {one.get('target')}" for one in run.drills if one.get("injected_s") is not None
    )
    return ", ".join(done) or "none"


def _machines(a: Environment, b: Environment) -> list[str]:
    out = []
    led = [", ".join(sorted(one.detours)) or "none" for one in (a, b)]
    for name, left, right in (
        ("numbers of cores", a.cores, b.cores), ("processors", a.cpu, b.cpu),
        ("links through a second toxiproxy", *led),
    ):  # fmt: skip
        if left != right:
            out.append(f"different {name}: {left} and {right}")
    if abs(a.memory_mib - b.memory_mib) > MEMORY_TOLERANCE * max(a.memory_mib, b.memory_mib):
        out.append(f"different memory: {a.memory_mib} MiB and {b.memory_mib} MiB")
    return out


def _notes(a: RunRecord, b: RunRecord) -> list[str]:
    notes = ["A and B are the same run"] if a.run_id == b.run_id else []
    notes += [] if a.seed == b.seed else [f"seeds {a.seed} and {b.seed}"]
    if a.forecast_sha256 != b.forecast_sha256:
        notes.append("the locked forecasts differ")
    one, two = a.environment, b.environment
    if one is None or two is None:
        return notes
    if one.machine != two.machine:
        # Containers of one machine have different names: cores, processor and memory identify the machine here.
        notes.append(f"hosts {one.machine or 'unknown'} and {two.machine or 'unknown'}")
    if one.commit != two.commit:
        notes.append(f"commits {one.commit or 'unknown'} and {two.commit or 'unknown'}")
    for name in sorted(one.versions.keys() | two.versions.keys()):
        left, right = one.versions.get(name, "none"), two.versions.get(name, "none")
        if left != right:
            notes.append(f"{name} {left} and {right}")
    return notes


def _difference(a: Figure, b: Figure, more: Sequence[float]) -> Difference:
    wide = noise(a, b, more)
    ratio = b.value / a.value if a.value and b.value is not None else None
    return Difference(what=a.what, unit=a.unit, a=a.value, b=b.value, ratio=ratio, noise=wide, state=_state(a, b, wide))


def _state(a: Figure, b: Figure, wide: float) -> State:
    if a.sense == "shown":
        return "not judged"
    if a.value is None or b.value is None:
        return "no data"
    if a.sense == "exact":
        worse, better = abs(b.value) > abs(a.value), abs(b.value) < abs(a.value)
    else:
        by = (b.value - a.value) * (1 if a.sense == "lower" else -1)
        worse, better = by > wide, by < -wide
    return "worse" if worse else "better" if better else "same"


def compare(a: RunRecord, b: RunRecord, like_a: Sequence[RunRecord] = (), *, anyway: bool = False) -> Comparison:
    """`like_a`: more runs under A's conditions, for the noise; `anyway`: what differs in the conditions becomes notes.

    Raises NotComparable with every reason, NothingToCompare for a run that has no judgement.
    """
    for name, run in (("A", a), ("B", b)):
        if run.verdict in UNJUDGED:
            raise NothingToCompare(
                f"{name} ({run.run_id}) is {run.verdict}: its figures say nothing about the system; "
                "expected a run that is PASS, WARN or FAIL"
            )
    why = obstacles(a, b)
    if why and not anyway:
        raise NotComparable(
            f"{a.run_id} and {b.run_id} cannot be compared: {'; '.join(why)}; expected equal conditions "
            "(--anyway compares them all the same)"
        )
    theirs = {figure.what: figure for figure in figures(b)}
    others = [{figure.what: figure.value for figure in figures(run)} for run in like_a]
    rows = []
    for figure in figures(a):
        if figure.what in theirs:
            more = [value for other in others if (value := other.get(figure.what)) is not None]
            rows.append(_difference(figure, theirs[figure.what], more))
    worse = [row.what for row in rows if row.state == "worse"]
    if b.verdict == "FAIL" and a.verdict != "FAIL":
        worse.insert(0, "verdict")
    missing = [row.what for row in rows if row.what in NEEDED and row.a is not None and row.b is None]
    missing += [f"invariant {code}" for code in _evaluated(a) if code not in (*_evaluated(b), *_unplayed(b))]
    missing += ["season"] if _season_happened(a) and b.season is not None and not _season_happened(b) else []
    verdict: Literal["PASS", "FAIL", "UNKNOWN"] = "FAIL" if worse else "UNKNOWN" if missing else "PASS"
    return Comparison(
        a=a.run_id, b=b.run_id, verdicts=(a.verdict, b.verdict), verdict=verdict, exit_code=EXIT_CODES[verdict],
        regressions=tuple(worse), missing=tuple(missing), differences=tuple(rows),
        notes=(*why, *_notes(a, b), *_played_once(a, b)),
    )  # fmt: skip


def _evaluated(run: RunRecord) -> list[str]:
    """Invariants that were looked at and known."""
    return [finding.code for finding in run.invariants if finding.valid in (True, False)]


def _unplayed(run: RunRecord) -> list[str]:
    """Rules of plays that looked, and found nothing of their kind in the lane: no evidence is missing."""
    return [finding.code for finding in run.invariants if finding.code in BESIDE_THE_DRAW and finding.valid is None]


def _season_happened(run: RunRecord) -> bool:
    """Something was played beside the draw, and the season came to its end. One that was ordered need not have."""
    if run.season is None or run.season.state != "paid":
        return False
    return any(each.outcomes.get("done") for each in run.season.operations)


def _played_once(a: RunRecord, b: RunRecord) -> list[str]:
    """A line where only one had a season, or only one of the lanes has anything for some rules to look at."""
    told = []
    for name, one, other in (("A", a, b), ("B", b, a)):
        if _season_happened(one) and other.season is None:
            told.append(f"a season was played in {name} alone")
        codes = [code for code in _evaluated(one) if code in _unplayed(other)]
        if codes:
            told.append(f"evaluated in {name} alone, for the other lane has no such play: {', '.join(codes)}")
    return told


def alike(runs: Sequence[RunRecord], a: RunRecord, b: RunRecord, most: int) -> list[RunRecord]:
    """The newest of `runs` under A's conditions, A and B left out: at most so many."""
    good = [
        run
        for run in runs
        if run.run_id not in (a.run_id, b.run_id) and run.verdict not in UNJUDGED and not obstacles(a, run)
    ]
    return good[len(good) - most :] if len(good) > most else good
