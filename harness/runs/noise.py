"""How much two runs of one system differ by chance, figure by figure. Pure; a smaller difference does not count.

The noise of a figure is the largest of: its floor (by how much equal runs of this project differed on a busy machine of
two cores, docs/measuring.md), the bounds of its percentile in both runs, and the spread of more runs where there are
some. Added to it is the time by which the machine itself was later in the worse run.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.runs.record import RunRecord
from system.contract.places import EDGE

Sense = Literal["lower", "higher", "exact", "shown"]
"""Which way is better; `exact`: any residue is worse; `shown`: not the system's, never judged."""

MAD_TO_SIGMA = 1.4826
SIGMAS = 3.0
ENOUGH = 3
"""Fewest runs from which a spread is computed."""


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """The least that counts as a difference: a part of the figure, and an amount in its unit."""

    part: float = 0.0
    amount: float = 0.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a run. `bounds`: where the true one lies, if known."""

    what: str
    unit: str
    value: float | None
    sense: Sense
    floor: NoiseFloor = NoiseFloor()
    counted: bool = False
    """A count of rare things: its own square root is its noise."""
    bounds: tuple[float, float] | None = None
    beyond: float = math.inf
    """How many samples lie beyond it, for a percentile: with few of them chance moves it far."""
    stalls: float = 0.0
    """How late the machine itself was at this percentile: the pacer's own lag, with nothing to wait for."""


NORMAL = 30.0
"""Samples beyond a percentile from which its chance is near to normal."""
WAITS = 3.0
"""How often a tap waits for a processor: to be sent, to be answered, to be read. The pacer's lag is one such wait."""


BESIDE = frozenset({"cannon", "prometheus", "alertmanager", "toxiproxy", "doubles", EDGE})
"""Processes that measure, disturb or stand in for others: what they use is not the system's."""
LATENCY = {
    "p50": NoiseFloor(0.30, 1.0),
    "p95": NoiseFloor(0.30, 1.0),
    "p99": NoiseFloor(0.30, 1.0),
    "p999": NoiseFloor(0.60, 5.0),
}
RATE = NoiseFloor(0.02, 1.0)
SHARE = NoiseFloor(0.15, 0.03)
CREDIT = NoiseFloor(0.50, 0.25)
WORST = NoiseFloor(1.0, 1.0)
"""One stall of a disk makes a maximum: half a second was seen in equal runs."""
CPU, MEMORY = NoiseFloor(0.30, 1.0), NoiseFloor(0.20, 16.0)


def figures(run: RunRecord) -> list[Figure]:
    """All that is compared, in the order in which it is shown."""
    load, forecast = run.load, {row.indicator: row.actual for row in run.forecast}
    out = [
        Figure("offered at the peak", "1/s", load.offered_rps, "shown"),
        Figure("answered at the peak", "1/s", load.achieved_rps, "higher", RATE),
    ]
    for name in ("response", "service", "queued", "lag"):
        of, bounds = getattr(run.latency_ms, name), run.quantile_bounds_ms.get(name, {})
        sense: Sense = "shown" if name == "lag" else "lower"
        late = run.latency_ms.lag
        out += [Figure(f"{name} {p}", "ms", getattr(of, p), sense, floor, False, bounds.get(p), _beyond(load.sent, p),
                       getattr(late, p) or 0.0)
                for p, floor in LATENCY.items()]  # fmt: skip
    delay, refused = run.credit_delay_s, forecast.get("refused_share")
    out += [
        Figure("credit delay p99", "s", delay.p99, "lower", CREDIT, beyond=_beyond(run.wins.posted, "p99")),
        Figure("credit delay at most", "s", delay.max, "lower", WORST),
        Figure("backlog gone after", "s", forecast.get("drain_s"), "lower", NoiseFloor(0.5, 1.0)),
        Figure("refused share", "1", refused, "lower", SHARE, beyond=max(1.0, (refused or 0) * load.sent)),
        Figure("unknown outcomes", "", load.outcomes.get("unknown"), "lower", counted=True),
        Figure("taps dropped", "", load.dropped, "lower", counted=True),
        Figure("errors", "", forecast.get("errors"), "lower", counted=True),
        Figure("wins", "", run.wins.seen, "shown"),
        Figure("money residue", "fen", run.money.residue_fen, "exact"),
        Figure("wins residue", "", run.wins.residue, "exact"),
        Figure("invariants broken", "", _broken(run), "exact"),
    ]
    for process, used in sorted(run.resources.items()):
        sense = "shown" if process in BESIDE else "lower"
        out.append(Figure(f"{process} CPU", "s", used.cpu_s, sense, CPU))
        out.append(Figure(f"{process} memory", "MiB", used.rss_mib_max, sense, MEMORY))
    return out


def _beyond(samples: int | None, percentile: str) -> float:
    from harness.engine.clumps import QUANTILES

    return max(1.0, samples * (1 - QUANTILES[percentile])) if samples else math.inf


def _broken(run: RunRecord) -> int | None:
    looked = [finding for finding in run.invariants if finding.valid is not None]
    return sum(finding.valid is False for finding in looked) if looked else None


def noise(a: Figure, b: Figure, more: Sequence[float] = ()) -> float:
    """In the figure's unit. `more`: the same figure of other runs under A's conditions."""
    if a.sense == "exact" or a.value is None or b.value is None:
        return 0.0
    found = [a.floor.part * abs(a.value), a.floor.amount]
    if a.counted:
        found.append(SIGMAS * math.sqrt(a.value + b.value))
    low, high = (a, b) if a.value <= b.value else (b, a)
    if low.bounds is not None and high.bounds is not None:
        up = max(0.0, low.bounds[1] - min(a.value, b.value))
        down = max(0.0, max(a.value, b.value) - high.bounds[0])
        # Of few samples the two must not even touch: their squares add up only where chance is near to normal.
        found.append(math.hypot(up, down) if min(a.beyond, b.beyond) >= NORMAL else up + down)
    else:
        found.append(SIGMAS * math.sqrt(1 / a.beyond + 1 / b.beyond) * abs(a.value))
    if len(more) >= ENOUGH:
        middle = statistics.median(more)
        sigma = MAD_TO_SIGMA * statistics.median(abs(value - middle) for value in more)
        found.append(SIGMAS * sigma + abs(a.value - middle))
    return max(found) + WAITS * max(0.0, high.stalls - low.stalls)
