"""Latency histogram: microseconds, three significant digits, 1 µs to 60 s. Drops nothing, averages nothing.

Buckets are linear up to 2,047 µs and then 1,024 per doubling, so that a bucket is never wider than a thousandth of its
value. Values outside the range are counted on their own. Merging adds counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Micros = npt.NDArray[np.int64]

_HALF_BITS = 10
_HALF = 1 << _HALF_BITS
MIN_US, MAX_US = 1, 60_000_000
SAMPLES_BEYOND = 10  # a percentile is given only with this many samples above it


def bucket_of(us: Micros) -> npt.NDArray[np.int64]:
    """Bucket number of each value in [0, MAX_US]."""
    exponent = np.frexp(us.astype(np.float64))[1].astype(np.int64)  # exact: values stay far below 2**53
    shift = np.maximum(exponent - (_HALF_BITS + 1), 0)
    return (shift << _HALF_BITS) + (us >> shift)


BUCKETS = int(bucket_of(np.array([MAX_US]))[0]) + 1


def _bounds() -> tuple[Micros, Micros]:
    index = np.arange(BUCKETS, dtype=np.int64)
    shift = np.maximum((index >> _HALF_BITS) - 1, 0)
    low = (index - (shift << _HALF_BITS)) << shift
    return low, low + (np.int64(1) << shift) - 1


LOW_US, HIGH_US = _bounds()
_COARSE_A_DOUBLING = 32


def _coarse() -> tuple[Micros, npt.NDArray[np.int64]]:
    """Upper edges of the coarse buckets, and the coarse bucket that each fine one falls into."""
    width = np.maximum((LOW_US + 1) // _COARSE_A_DOUBLING, 1)
    width = np.int64(1) << np.floor(np.log2(width)).astype(np.int64)
    return np.unique((LOW_US // width + 1) * width, return_inverse=True)


_COARSE_EDGE, _COARSE_GROUP = _coarse()


class Histogram:
    """Counts per bucket, with ``below`` and ``above`` the range, exact ``max_us`` and ``sum_us``."""

    __slots__ = ("above", "below", "counts", "max_us", "sum_us")

    def __init__(self) -> None:
        self.counts: Counts = np.zeros(BUCKETS, np.int64)
        self.below = self.above = self.max_us = self.sum_us = 0

    @classmethod
    def of_ns(cls, values_ns: npt.NDArray[np.int64]) -> Histogram:
        histogram = cls()
        histogram.record_ns(values_ns)
        return histogram

    def record_ns(self, values_ns: npt.NDArray[np.int64]) -> None:
        """Counts each value; nanoseconds are rounded up to whole microseconds, never down."""
        self.record_us(-(-values_ns // 1000))

    def record_us(self, values_us: npt.NDArray[np.int64]) -> None:
        if not len(values_us):
            return
        most = int(values_us.max())
        self.max_us = max(self.max_us, most)
        self.sum_us += int(values_us.sum())
        if most > MAX_US or int(values_us.min()) < MIN_US:
            inside = (values_us >= MIN_US) & (values_us <= MAX_US)
            self.below += int((values_us < MIN_US).sum())
            self.above += int((values_us > MAX_US).sum())
            values_us = values_us[inside]
        found = np.bincount(bucket_of(values_us))
        self.counts[: len(found)] += found  # as far as the largest value goes, because this runs while the cannon sends

    @property
    def total(self) -> int:
        return int(self.counts.sum()) + self.below + self.above

    @property
    def mean_ms(self) -> float | None:
        return self.sum_us / self.total / 1000 if self.total else None

    def merge(self, other: Histogram) -> Histogram:
        """A new histogram with the counts of both."""
        out = Histogram()
        out.counts = self.counts + other.counts
        out.below, out.above = self.below + other.below, self.above + other.above
        out.max_us, out.sum_us = max(self.max_us, other.max_us), self.sum_us + other.sum_us
        return out

    def percentile_ms(self, percent: float) -> float | None:
        """Upper edge of the bucket that holds the percentile; None with fewer than ten samples beyond it."""
        total = self.total
        rank = math.ceil(total * percent / 100 - 1e-9)
        if total - rank < SAMPLES_BEYOND:
            return None
        rank -= self.below
        if rank <= 0:
            return MIN_US / 1000
        at = int(np.searchsorted(np.cumsum(self.counts), rank))
        return min(int(HIGH_US[at]) if at < BUCKETS else self.max_us, self.max_us) / 1000

    def summary_ms(self) -> dict[str, float | None]:
        """The block of run.json: p50, p95, p99, p999, max."""
        names = {"p50": 50.0, "p95": 95.0, "p99": 99.0, "p999": 99.9}
        out: dict[str, float | None] = {name: self.percentile_ms(percent) for name, percent in names.items()}
        return out | {"max": self.max_us / 1000 if self.total else None}

    def coarse(self) -> list[list[int]]:
        """``[[upper edge in µs, count], …]`` in wider buckets: small and quick enough for a line a second."""
        top = int(bucket_of(np.array([min(self.max_us, MAX_US)]))[0]) + 1
        counts = np.bincount(_COARSE_GROUP[:top], weights=self.counts[:top]).astype(np.int64)
        used = np.flatnonzero(counts)
        out = dict(zip(_COARSE_EDGE[used].tolist(), counts[used].tolist(), strict=True))
        if self.below:
            out[MIN_US] = out.get(MIN_US, 0) + self.below
        if self.above:
            out[MAX_US] = out.get(MAX_US, 0) + self.above
        return [[key, out[key]] for key in sorted(out)]

    def to_json(self) -> dict[str, object]:
        """Sparse and lossless; ``from_json`` gives the histogram back."""
        used = np.flatnonzero(self.counts)
        return {
            "unit": "us",
            "buckets": used.tolist(),
            "counts": self.counts[used].tolist(),
            "below": self.below,
            "above": self.above,
            "max_us": self.max_us,
            "sum_us": self.sum_us,
        }

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Histogram:
        out = cls()
        out.counts[np.asarray(data["buckets"], np.int64)] = np.asarray(data["counts"], np.int64)
        for name in ("below", "above", "max_us", "sum_us"):
            setattr(out, name, int(str(data[name])))
        return out


def merged(histograms: Iterable[Histogram]) -> Histogram:
    out = Histogram()
    for histogram in histograms:
        out = out.merge(histogram)
    return out
