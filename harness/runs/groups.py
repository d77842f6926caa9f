"""Several runs beside several others: a claim needs three of each at least, and is judged by how much they differ among
themselves. Pure.

One pair of runs cannot tell a fifth from chance, so there the noise has floors; here it is measured. A figure is worse
where the medians differ by more than the interval of their difference, and no run of B is as good as any of A.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from harness.runs.compare import (
    NEEDED,
    UNJUDGED,
    Comparison,
    Difference,
    NotComparable,
    NothingToCompare,
    State,
    obstacles,
)
from harness.runs.noise import ENOUGH, Figure, NoiseFloor, figures
from harness.runs.record import RunRecord
from harness.verdict import EXIT_CODES

SHARP = NoiseFloor(0.05)
"""What several runs can tell that one pair cannot: middle times, and the CPU of a process."""
MIDDLE = frozenset(f"{name} {percentile}" for name in ("response", "service") for percentile in ("p50", "p95"))
STUDENT = {4: 5.598, 5: 4.773, 6: 4.317, 7: 4.029, 8: 3.833, 10: 3.581, 14: 3.326, 20: 3.153}
"""Two-sided, 1 in 200, by degrees of freedom: some forty figures are judged at once."""
MANY = 2.807


def compare_groups(a: Sequence[RunRecord], b: Sequence[RunRecord], *, anyway: bool = False) -> Comparison:
    """A's runs beside B's, as `compare` of one pair. Raises NotComparable: too few, one twice, or conditions that
    differ; NothingToCompare for a run that has no judgement.
    """
    why = _obstacles(a, b, anyway=anyway)
    rows = [row for what in [figure.what for figure in figures(a[0])] if (row := _row(what, a, b)) is not None]
    worse = [row.what for row in rows if row.state == "worse"]
    if sum(run.verdict == "FAIL" for run in b) * 2 > len(b) and not any(run.verdict == "FAIL" for run in a):
        worse.insert(0, "verdict")
    missing = [row.what for row in rows if row.what in NEEDED and row.a is not None and row.b is None]
    verdict = "FAIL" if worse else "UNKNOWN" if missing else "PASS"
    return Comparison.model_validate(
        {
            "a": _named(a), "b": _named(b), "verdicts": (_verdicts(a), _verdicts(b)), "verdict": verdict,
            "exit_code": EXIT_CODES[verdict], "regressions": tuple(worse), "missing": tuple(missing),
            "differences": tuple(rows), "notes": tuple(why),
        }
    )  # fmt: skip


def _obstacles(a: Sequence[RunRecord], b: Sequence[RunRecord], *, anyway: bool) -> list[str]:
    ids = [run.run_id for run in (*a, *b)]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise NotComparable(f"{', '.join(twice)} stands twice; expected each run once")
    if min(len(a), len(b)) < ENOUGH:
        raise NotComparable(
            f"{len(a)} and {len(b)} runs; expected {ENOUGH} of each at least for a claim, or one of each"
        )
    for run in (*a, *b):
        if run.verdict in UNJUDGED:
            raise NothingToCompare(f"{run.run_id} is {run.verdict}: its figures say nothing about the system")
    why = [f"{run.run_id}: {text}" for run in (*a[1:], *b) for text in obstacles(a[0], run)]
    if why and not anyway:
        raise NotComparable(f"these cannot be compared: {'; '.join(why)}; expected equal conditions (--anyway)")
    return why


def _row(what: str, a: Sequence[RunRecord], b: Sequence[RunRecord]) -> Difference | None:
    """One figure of all runs; None where B's runs do not know it."""
    every = [[figure for figure in figures(run) if figure.what == what] for run in (*a, *b)]
    if not all(every):
        return None
    found = [one[0] for one in every]
    mine, theirs = ([one.value for one in part] for part in (found[: len(a)], found[len(a) :]))
    known_a, known_b = ([value for value in part if value is not None] for part in (mine, theirs))
    value_a = statistics.median(known_a) if len(known_a) == len(mine) else None
    value_b = statistics.median(known_b) if len(known_b) == len(theirs) else None
    first = found[0]
    if value_a is None or value_b is None:
        state: State = "not judged" if first.sense == "shown" else "no data"
        return Difference(what=what, unit=first.unit, a=value_a, b=value_b, ratio=None, state=state)
    wide = interval(first, known_a, known_b)
    ratio = value_b / value_a if value_a else None
    state = _state(first, known_a, known_b, value_b - value_a, wide)
    return Difference(what=what, unit=first.unit, a=value_a, b=value_b, ratio=ratio, noise=wide, state=state)


def interval(figure: Figure, a: Sequence[float], b: Sequence[float]) -> float:
    """Half the interval of the difference between two groups, and the figure's floor at least; 0 of an exact one."""
    if figure.sense == "exact":
        return 0.0
    floor = SHARP if figure.what in MIDDLE or figure.what.endswith(" CPU") else figure.floor
    freedom = len(a) + len(b) - 2
    student = next((STUDENT[known] for known in sorted(STUDENT, reverse=True) if known <= freedom), MANY)
    pooled = math.sqrt(((len(a) - 1) * statistics.variance(a) + (len(b) - 1) * statistics.variance(b)) / freedom)
    spread = student * pooled * math.sqrt(1 / len(a) + 1 / len(b))
    middle = abs(statistics.median(a))
    return max(spread, floor.part * middle, floor.amount, math.sqrt(middle) if figure.counted else 0.0)


def _state(figure: Figure, a: Sequence[float], b: Sequence[float], by: float, wide: float) -> State:
    if figure.sense == "shown":
        return "not judged"
    if figure.sense == "exact":
        worst_a, worst_b = max(map(abs, a)), max(map(abs, b))
        return "worse" if worst_b > worst_a else "better" if worst_b < worst_a else "same"
    up = figure.sense == "lower"
    apart_above, apart_below = min(b) > max(a), max(b) < min(a)
    if by > wide and apart_above:
        return "worse" if up else "better"
    if by < -wide and apart_below:
        return "better" if up else "worse"
    return "same"


def _named(runs: Sequence[RunRecord]) -> str:
    return ", ".join(run.run_id for run in runs)


def _verdicts(runs: Sequence[RunRecord]) -> str:
    return ", ".join(run.verdict for run in runs)
