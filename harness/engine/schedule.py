"""The schedule: the intended time of each tap, as seeded data. Pure; no answer can change it.

Times come from the inverse of the cumulative rate, so that the k-th tap of a plan stands where the plan's integral
reaches k. Equal plan, seed, worker and workers give equal bytes. Worker k of N takes the indices ``i = k mod N``;
random (Poisson) arrivals are N independent streams of rate r/N, whose union is Poisson of rate r.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NS = 1_000_000_000
_AT_ONCE = 1 << 18  # taps; what is made of them on the way takes as much memory as these
_ROUNDING = 1e-6  # taps; an integral of exactly n taps must give n, whatever the last bit of a float says


class ScheduleError(ValueError):
    """A rate plan that cannot be fired; the message says which segment and why."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of the plan: the rate goes from ``start_rps`` to ``end_rps``, linearly or exponentially."""

    duration_s: float
    start_rps: float
    end_rps: float
    exponential: bool = False
    poisson: bool = False
    phase: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.duration_s) and self.duration_s > 0):
            raise ScheduleError(f"a segment lasts {self.duration_s} s; expected more than 0")
        if not all(math.isfinite(r) and r >= 0 for r in (self.start_rps, self.end_rps)):
            raise ScheduleError(f"a segment goes from {self.start_rps} to {self.end_rps} rps; expected 0 or more")
        if self.exponential and min(self.start_rps, self.end_rps) <= 0:
            raise ScheduleError("an exponential rise needs rates above 0")

    @property
    def taps(self) -> float:
        """The integral of the rate: expected taps of this piece."""
        if not self.exponential or self.start_rps == self.end_rps:
            return (self.start_rps + self.end_rps) / 2 * self.duration_s
        return (self.end_rps - self.start_rps) / math.log(self.end_rps / self.start_rps) * self.duration_s

    def inverse(self, taps: Floats) -> Floats:
        """Seconds into the piece at which its cumulative rate reaches each of ``taps``."""
        if self.start_rps == self.end_rps:
            return taps / self.start_rps
        if self.exponential:
            growth = math.log(self.end_rps / self.start_rps) / self.duration_s
            return np.log1p(taps * growth / self.start_rps) / growth
        slope = (self.end_rps - self.start_rps) / self.duration_s
        # This form of the quadratic's root loses no digits, whichever way the ramp goes.
        root = np.sqrt(np.maximum(self.start_rps**2 + 2 * slope * taps, 0.0))
        return np.divide(2 * taps, self.start_rps + root, out=np.zeros_like(taps), where=taps > 0)

    def rate_rps(self, at_s: Floats) -> Floats:
        """Taps a second at each of these seconds into the piece."""
        part = at_s / self.duration_s
        if self.exponential:
            return np.asarray(self.start_rps * (self.end_rps / self.start_rps) ** part)
        return np.asarray(self.start_rps + (self.end_rps - self.start_rps) * part)

    def reached(self, at_s: Floats) -> Floats:
        """Taps of the piece until each of these seconds into it; before it none, behind it all."""
        at = np.clip(at_s, 0.0, self.duration_s)
        if self.exponential and self.start_rps != self.end_rps:
            growth = math.log(self.end_rps / self.start_rps) / self.duration_s
            return np.asarray(self.start_rps * np.expm1(growth * at) / growth)
        return np.asarray((self.start_rps + (self.end_rps - self.start_rps) * at / self.duration_s / 2) * at)


def constant(rate_rps: float, duration_s: float, *, poisson: bool = False, phase: int = 0) -> list[Stretch]:
    return [Stretch(duration_s, rate_rps, rate_rps, poisson=poisson, phase=phase)]


def ramp(from_rps: float, to_rps: float, duration_s: float, *, poisson: bool = False, phase: int = 0) -> list[Stretch]:
    return [Stretch(duration_s, from_rps, to_rps, poisson=poisson, phase=phase)]


def spike(
    base_rps: float,
    peak_rps: float,
    countdown_s: float,
    hold_s: float,
    decay_s: float = 0.0,
    *,
    poisson: bool = False,
    phase: int = 0,
) -> list[Stretch]:
    """The last seconds before an opening: taps grow by a constant factor a second, stay at the peak, then fade."""
    pieces = [
        Stretch(countdown_s, base_rps, peak_rps, exponential=True, poisson=poisson, phase=phase),
        Stretch(hold_s, peak_rps, peak_rps, poisson=poisson, phase=phase),
    ]
    if decay_s:
        pieces.append(Stretch(decay_s, peak_rps, base_rps, exponential=True, poisson=poisson, phase=phase))
    return pieces


def replay(points: Sequence[Sequence[float]], *, poisson: bool = False, phase: int = 0) -> list[Stretch]:
    """A recorded rate: (second, taps per second) from 0 on, in a straight line from each point to the next."""
    if len(points) < 2 or points[0][0] != 0:
        raise ScheduleError("a recording needs two points, the first at 0 s")
    return [
        Stretch(end_s - start_s, start_rps, end_rps, poisson=poisson, phase=phase)
        for (start_s, start_rps), (end_s, end_rps) in pairwise(points)
    ]


def pieces_of(segments: Iterable[Mapping[str, Any]]) -> list[Stretch]:
    """Segments as data (``kind``: constant, ramp, spike, replay; ``poisson`` and ``phase`` optional) → pieces."""
    makers: dict[str, Callable[..., list[Stretch]]] = {
        "constant": constant,
        "ramp": ramp,
        "spike": spike,
        "replay": replay,
    }
    out: list[Stretch] = []
    for number, segment in enumerate(segments, 1):
        fields = dict(segment)
        kind = fields.pop("kind", "constant")
        if kind not in makers:
            raise ScheduleError(f"segment {number}: unknown kind {kind!r}; expected one of {', '.join(makers)}")
        try:
            out += makers[kind](**fields)
        except TypeError as exc:
            raise ScheduleError(f"segment {number} ({kind}): {exc}") from exc
        except ScheduleError as exc:
            raise ScheduleError(f"segment {number} ({kind}): {exc}") from exc
    if not out:
        raise ScheduleError("a rate plan without segments")
    return out


def per_second(pieces: Sequence[Stretch], measured: bool = True) -> Floats:
    """Planned taps of each whole second from the first tap on; with `measured`, of the measured pieces alone (the
    others count as none). The rest of the last second is left out.
    """
    edges = np.arange(math.floor(sum(piece.duration_s for piece in pieces) + _ROUNDING) + 1, dtype=np.float64)
    taps, start_s = np.zeros(len(edges)), 0.0
    for piece in pieces:
        if piece.phase or not measured:
            taps += piece.reached(edges - start_s)
        start_s += piece.duration_s
    return np.diff(taps)


def steepest(pieces: Sequence[Stretch], within_s: float = 1.0) -> float:
    """By how much the rate rises within so many seconds at most, from none before the first piece; taps a second."""
    edges = np.concatenate(([0.0], np.cumsum([piece.duration_s for piece in pieces])))
    # Linear and exponential pieces rise most where an edge is one end of the window.
    times = np.unique(np.clip(np.concatenate((edges, edges - within_s, edges + within_s)), 0.0, edges[-1]))
    lowest, most = deque([(0.0, 0.0)]), 0.0
    for piece, start_s, end_s in zip(pieces, edges, edges[1:], strict=False):
        inside = times[np.searchsorted(times, start_s) : np.searchsorted(times, end_s, "right")]
        for at_s, rate_rps in zip(inside.tolist(), piece.rate_rps(inside - start_s).tolist(), strict=True):
            while lowest and lowest[0][0] < at_s - within_s - _ROUNDING:
                lowest.popleft()
            while lowest and lowest[-1][1] >= rate_rps:
                lowest.pop()
            lowest.append((at_s, rate_rps))
            most = max(most, rate_rps - lowest[0][1])
    return most


@dataclass(frozen=True, slots=True)
class Schedule:
    """``intended_ns``: offsets from the start, ascending; ``phase``: one byte each; ``duration_ns`` of the plan."""

    intended_ns: Times
    phase: npt.NDArray[np.uint8]
    duration_ns: int

    def __len__(self) -> int:
        return len(self.intended_ns)


def least_taps(pieces: Sequence[Stretch], workers: int = 1) -> int:
    """Upper bound of the taps of one worker, with six deviations for random arrivals."""
    even = sum(piece.taps for piece in pieces if not piece.poisson) / workers - 2 * len(pieces)
    random = sum(piece.taps for piece in pieces if piece.poisson) / workers
    return max(0, int(even + random - 6 * math.sqrt(random)))


def schedule(pieces: list[Stretch], seed: int, worker: int = 0, workers: int = 1, journey: int = 0) -> Schedule:
    """The taps of one worker, or its requests of another journey.

    Evenly spaced requests of a further journey begin at a part of their interval that the seed decides: two journeys of
    one rate alternate, instead of meeting at every instant. Raises ScheduleError if ``worker`` is outside [0, workers).
    """
    if not 0 <= worker < workers:
        raise ScheduleError(f"worker {worker} of {workers}")
    key = (worker, journey) if journey else (worker,)
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=key)))
    ahead = _ahead(seed, journey) if journey else 0.0
    found = _Times(sum(_most(piece, workers) for piece in pieces))
    start_s, cumulative = 0.0, 0.0
    for piece in pieces:
        parts = _random(random, piece, workers) if piece.poisson else _even(piece, cumulative - ahead, worker, workers)
        for at in parts:
            offset = np.minimum(piece.inverse(at), piece.duration_s) if len(at) else at
            found.add(np.rint((start_s + offset) * NS).astype(np.int64), piece.phase)
        start_s += piece.duration_s
        cumulative += piece.taps
    return Schedule(found.times[: found.taps], found.phases[: found.taps], round(start_s * NS))


class _Times:
    """Times and phases as they are made, part by part: a long plan is never in memory twice."""

    def __init__(self, room: int) -> None:
        self.times, self.phases, self.taps = np.empty(room, np.int64), np.empty(room, np.uint8), 0

    def add(self, times: Times, phase: int) -> None:
        last = self.taps + len(times)
        if last > len(self.times):  # more random arrivals than in ten deviations
            more = last - len(self.times)
            self.times = np.append(self.times, np.empty(more, np.int64))
            self.phases = np.append(self.phases, np.empty(more, np.uint8))
        self.times[self.taps : last], self.phases[self.taps : last] = times, phase
        self.taps = last


def _most(piece: Stretch, workers: int) -> int:
    taps = piece.taps / workers
    return int(taps + (10 * math.sqrt(taps) if piece.poisson else 0)) + 16


def _even(piece: Stretch, begun: float, worker: int, workers: int) -> Iterator[Floats]:
    """One worker's evenly spaced taps of a piece, as parts of its integral; `begun`: the plan's until there."""
    first, last = math.ceil(begun - _ROUNDING), math.ceil(begun + piece.taps - _ROUNDING)
    first += (worker - first) % workers
    for start in range(first, last, workers * _AT_ONCE):
        index = np.arange(start, min(start + workers * _AT_ONCE, last), workers, dtype=np.float64)
        yield np.clip(index - begun, 0.0, piece.taps)


def _ahead(seed: int, journey: int) -> float:
    """Part of the first interval at which a journey begins, in [0, 1): the same for all workers."""
    key = np.random.SeedSequence(entropy=seed, spawn_key=(1 << 21, journey))
    return float(np.random.Generator(np.random.PCG64(key)).random())


def _random(random: np.random.Generator, piece: Stretch, workers: int) -> Iterator[Floats]:
    """One worker's random arrivals in a piece, as parts of its integral."""
    return (at * workers for at in _exponential_sums(random, piece.taps / workers))


def _exponential_sums(random: np.random.Generator, expected: float) -> Iterator[Floats]:
    """Arrivals of a Poisson process of rate 1 in [0, expected), part by part."""
    block = int(expected + 6 * math.sqrt(expected) + 16)
    base = run = 0.0
    while True:
        left, run = block, 0.0
        while left:
            drawn = random.exponential(size=min(left, _AT_ONCE))
            left -= len(drawn)
            drawn[0] += run
            sums = np.cumsum(drawn)
            run = float(sums[-1])
            sums += base
            yield sums[: int(np.searchsorted(sums, expected))]
        base += run
        if base >= expected:
            return
