"""How much slow answers come in clumps: how many independent samples the answers beyond a percentile are worth. Pure.

A stall of 20 ms makes ten answers late at once: ten samples that say one thing. Counted over blocks of time, the
answers beyond a percentile vary by a factor more than independent ones would; divided by that factor they count
(`Source: design effect of a cluster sample; variance from successive differences, which leaves out what the plan's own
rise and fall brings`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.engine.histogram import SAMPLES_BEYOND

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
    shown = {name: q for name, q in QUANTILES.items() if len(lasted_ns) * (1 - q) >= SAMPLES_BEYOND}
    if not shown:
        return {}
    block = (at_ns - at_ns.min()) // BLOCK_NS
    sizes = np.bincount(block)
    limits = np.quantile(lasted_ns, list(shown.values()))
    found: dict[str, float] = {}
    for (name, q), limit in zip(shown.items(), limits, strict=True):
        counts = np.bincount(block[lasted_ns > limit], minlength=len(sizes))
        found[name] = max([1.0, *(_effect(sizes, counts, length, q) for length in LENGTHS)])
    return found


def _effect(sizes: Array, counts: Array, length: int, q: float) -> float:
    blocks = (len(sizes) - 1) // length  # the last one may be cut short: it is left out
    if blocks < ENOUGH:
        return 1.0
    size, count = (of[: blocks * length].reshape(blocks, length).sum(axis=1) for of in (sizes, counts))
    off = count - size * (1 - q)
    return float((np.diff(off) ** 2).sum() / 2 * blocks / (blocks - 1) / (size.sum() * q * (1 - q)))
