"""How much slow answers come in clumps: how many independent samples the answers beyond a percentile are worth. Pure.

A stall of 20 ms makes ten answers late at once: ten samples that say one thing. Counted over blocks of time, the
answers beyond a percentile vary by a factor more than independent ones would; divided by that factor they count
(`Source: design effect of a cluster sample; variance from successive differences, which leaves out what the plan's own
rise and fall brings`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from harness.engine.histogram import MAX_US, SAMPLES_BEYOND, bucket_of

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p999": 0.999}
BLOCK_NS = 50_000_000
LENGTHS = (1, 2, 5, 10, 20, 40)
"""Block lengths that are tried, in blocks of 50 ms."""
ENOUGH = 10
"""Fewest blocks from which a variance is computed."""
Array = npt.NDArray[np.int64]


def clumping(at_ns: Array, lasted_ns: Array) -> dict[str, float]:
    """By percentile: variance of the answers beyond it ÷ that of independent ones, at least 1; the most of all blocks.

    `at_ns` (intended) and `lasted_ns` have shape (n,). A percentile with fewer than ten samples beyond is left out.
    """
    return clumping_of(lambda: iter([(at_ns, lasted_ns)]))


def clumping_of(read: Callable[[], Iterable[tuple[Array, Array]]]) -> dict[str, float]:
    """The same of times that are read in parts, in the order of `at_ns`; `read` is called several times over."""
    keys = Counts()
    for _, lasted in read():
        keys.add(_key(lasted))
    shown = {name: q for name, q in QUANTILES.items() if keys.total * (1 - q) >= SAMPLES_BEYOND}
    if not shown:
        return {}
    limits = _order_statistics(keys, [int((keys.total - 1) * q) for q in shown.values()], read)
    sizes, beyond, first = Counts(), [Counts() for _ in shown], None
    for at, lasted in read():
        if not len(at):
            continue
        first = int(at.min()) if first is None else first
        block = (at - first) // BLOCK_NS
        sizes.add(block)
        for counts, limit in zip(beyond, limits, strict=True):
            counts.add(block[lasted > limit])
    found: dict[str, float] = {}
    for (name, q), counts in zip(shown.items(), beyond, strict=True):
        late = np.append(counts.of, np.zeros(len(sizes.of) - len(counts.of), np.int64))
        found[name] = max([1.0, *(_effect(sizes.of, late, length, q) for length in LENGTHS)])
    return found


class Counts:
    """How often each small number came, over several arrays."""

    def __init__(self) -> None:
        self.of: Array = np.zeros(0, np.int64)

    def add(self, numbers: Array) -> None:
        """Counts each."""
        found = np.bincount(numbers, minlength=len(self.of))
        found[: len(self.of)] += self.of
        self.of = found

    @property
    def total(self) -> int:
        return int(self.of.sum())


def _key(lasted_ns: Array) -> Array:
    """The histogram's bucket of each, which rises with it."""
    return bucket_of(np.clip(lasted_ns // 1000, 0, MAX_US))


def _order_statistics(keys: Counts, ranks: list[int], read: Callable[[], Iterable[tuple[Array, Array]]]) -> list[int]:
    """The value at each rank, counted from 0: exact, and only the values of its bucket are held."""
    until = np.cumsum(keys.of)
    wanted = [int(np.searchsorted(until, rank, "right")) for rank in ranks]
    held: dict[int, list[tuple[Array, Array]]] = {key: [] for key in wanted}
    for _, lasted in read():
        found = _key(lasted)
        for key, parts in held.items():
            # Each value once: most requests of an idle system wait for nothing, which is one value ten million times.
            parts.append(np.unique(lasted[found == key], return_counts=True))
    return [
        _ranked(held[key], rank - (int(until[key - 1]) if key else 0)) for key, rank in zip(wanted, ranks, strict=True)
    ]


def _ranked(parts: list[tuple[Array, Array]], rank: int) -> int:
    values, counts = (np.concatenate(of) for of in zip(*parts, strict=True))
    order = np.argsort(values, kind="stable")
    return int(values[order][np.searchsorted(np.cumsum(counts[order]), rank, "right")])


def _effect(sizes: Array, counts: Array, length: int, q: float) -> float:
    blocks = (len(sizes) - 1) // length  # the last one may be cut short: it is left out
    if blocks < ENOUGH:
        return 1.0
    size, count = (of[: blocks * length].reshape(blocks, length).sum(axis=1) for of in (sizes, counts))
    off = count - size * (1 - q)
    return float((np.diff(off) ** 2).sum() / 2 * blocks / (blocks - 1) / (size.sum() * q * (1 - q)))
