"""Signs of a limit beside the CPU, from what processes tell of themselves: things that run out, and waits. Pure.

Each is looked at over the last stair and over the one below. It *speaks* where it is beyond its bound; a wait must have
grown as well, since one that a lower rate had, too, ended nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from harness.capacity.looks import StairLook
from harness.runs.capacity import LimitSign
from plans.signals.live_p99 import quantile

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]
"""(metric, its labels) → value, as `/metrics` tells them."""
HOST = "this host"
WAIT_FOR_DISK = "host_iowait_seconds_total"
"""Of `HOST`, in the way of a metric: seconds in which a core had nothing to do but to wait for a disk."""
SAMPLES_LEAST = 100
"""Of a percentile."""
GROWN = 1.5


class SystemSample(NamedTuple):
    """What each part told of itself at a second of the round; `HOST` is one of them."""

    at_s: float
    told: Mapping[str, Samples]


class TimedSight(Protocol):
    """Something that was seen at a second of the round."""

    @property
    def at_s(self) -> float: ...


Seen = TypeVar("Seen", bound=TimedSight)


def around(samples: Sequence[Seen], from_s: float, to_s: float) -> tuple[Seen, Seen] | None:
    """The samples around a stretch of the round, or as near as there are; None where no time lies between them."""
    first = next((one for one in reversed(samples) if one.at_s <= from_s), None)
    last = next((one for one in samples if one.at_s >= to_s), samples[-1] if samples else None)
    inside = [one for one in samples if from_s < one.at_s < to_s]
    first = first or (inside[0] if inside else None)
    return None if first is None or last is None or last.at_s <= first.at_s else (first, last)


class PartStretch(NamedTuple):
    """Of one part: what it told at the beginning and at the end, and the seconds between."""

    first: Samples
    last: Samples
    span_s: float

    def now(self, name: str, **labels: str) -> float | None:
        """Sum of a metric over the labels that are not named, at the end; None where it is not told."""
        return _sum(self.last, name, labels)

    def rate(self, name: str, **labels: str) -> float | None:
        """How much a counter grew in a second; None where that is not known, as after a restart."""
        before, after = _sum(self.first, name, labels), _sum(self.last, name, labels)
        return None if before is None or after is None or after < before else (after - before) / self.span_s

    def p99(self, name: str, **labels: str) -> float | None:
        """Of a histogram, in milliseconds; None below a hundred samples."""
        fresh: dict[float, float] = defaultdict(float)
        for sense, told in ((1, self.last), (-1, self.first)):
            for (of, pairs), value in told.items():
                if of == f"{name}_bucket" and set(labels.items()) <= pairs:
                    fresh[float(dict(pairs)["le"])] += sense * value
        p99_s, samples = quantile(fresh)
        return None if p99_s is None or samples < SAMPLES_LEAST else p99_s * 1000


def _sum(samples: Samples, name: str, labels: Mapping[str, str]) -> float | None:
    wanted = set(labels.items())
    found = [value for (of, pairs), value in samples.items() if of == name and wanted <= pairs]
    return sum(found) if found else None


@dataclass(frozen=True, slots=True)
class SignKind:
    """`read(stretch, lane)`: its figure in `unit`; None: this part does not tell it. `bound(objective_s, cores)`: from
    there on it speaks. `wait`: others may be why, so it comes after what runs out.
    """

    name: str
    unit: str
    read: Callable[[PartStretch, str], float | None]
    bound: Callable[[float, int], float]
    metrics: tuple[str, ...]
    wait: bool = False


def _share(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else 100 * part / whole


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _added(*rates: float | None) -> float | None:
    known = [one for one in rates if one is not None]
    return sum(known) if known else None


AWAY = ("full", "files")
"""Why a front turns a connection away that it has no room for."""
KINDS: tuple[SignKind, ...] = (
    SignKind(
        "win_log_disk", "%", lambda at, _: _times(at.rate("hongbao_valkey_aof_seconds_total"), 100),
        lambda _, __: 85.0, ("hongbao_valkey_aof_seconds_total",),
    ),
    SignKind(
        "host_disk", "%", lambda at, _: _times(at.rate(WAIT_FOR_DISK), 100),
        lambda _, cores: 25.0 * cores, (WAIT_FOR_DISK,),
    ),
    SignKind(
        "sessions", "%",
        lambda at, _: _share(at.now("hongbao_postgres_sessions"), at.now("hongbao_postgres_sessions_limit")),
        lambda _, __: 90.0, ("hongbao_postgres_sessions", "hongbao_postgres_sessions_limit"),
    ),
    SignKind(
        "places", "%", lambda at, _: _share(at.now("hongbao_front_connections"), at.now("hongbao_front_places")),
        lambda _, __: 95.0, ("hongbao_front_connections", "hongbao_front_places"),
    ),
    SignKind(
        "turned_away", "/s",
        lambda at, _: _added(*(at.rate("hongbao_front_connections_dropped_total", why=why) for why in AWAY)),
        lambda _, __: 1.0, ("hongbao_front_connections_dropped_total",),
    ),
    SignKind(
        "loop", "ms", lambda at, _: at.p99("hongbao_eventloop_lag_seconds"),
        lambda objective_s, _: 250.0 * objective_s, ("hongbao_eventloop_lag_seconds_bucket",), wait=True,
    ),
    SignKind(
        "append", "ms", lambda at, lane: at.p99("hongbao_append_duration_seconds", lane=lane),
        lambda objective_s, _: 1000.0 * objective_s, ("hongbao_append_duration_seconds_bucket",), wait=True,
    ),
    SignKind(
        "locks", "", lambda at, _: at.now("hongbao_postgres_locks", state="waited_for"),
        lambda _, __: 2.0, ("hongbao_postgres_locks",), wait=True,
    ),
)  # fmt: skip
"""A quarter of the promised time, all of it, a quarter of the cores: nearer than that is no accident."""
METRICS = frozenset(name for kind in KINDS for name in kind.metrics)
"""All that is looked at."""


def signs_of(
    stairs: Sequence[StairLook], samples: Sequence[SystemSample], lane: str, objective_s: float, cores: int
) -> tuple[LimitSign, ...]:
    """Every sign that was told at the last stair, the fullest first. `cores`: of this host."""
    if not stairs:
        return ()
    last, below = stairs[-1], stairs[-2] if len(stairs) > 1 else None
    before = _read(samples, below, lane) if below is not None else {}
    found = []
    for (part, kind), value in _read(samples, last, lane).items():
        bound, was = kind.bound(objective_s, cores), before.get((part, kind))
        grown = not kind.wait or was is None or value > GROWN * was
        found.append(
            LimitSign(
                part=part, what=kind.name, value=round(value, 3), unit=kind.unit, bound=bound, wait=kind.wait,
                speaks=value >= bound and grown, rate_rps=last.rate_rps,
                before=None if was is None else round(was, 3),
                before_rps=None if was is None or below is None else below.rate_rps,
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (-one.value / one.bound, one.part, one.what)))


def _read(samples: Sequence[SystemSample], stair: StairLook, lane: str) -> dict[tuple[str, SignKind], float]:
    ends = around(samples, stair.begins_s, stair.ends_s)
    if ends is None:
        return {}
    first, last = ends
    found: dict[tuple[str, SignKind], float] = {}
    for part, told in last.told.items():
        if part in first.told:
            at = PartStretch(first.told[part], told, last.at_s - first.at_s)
            read = {(part, kind): kind.read(at, lane) for kind in KINDS}
            found |= {key: value for key, value in read.items() if value is not None}
    return found
