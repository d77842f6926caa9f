"""How much slow answers come in clumps: what a percentile is worth when its samples are not independent. Pure.

A stall of 20 ms makes ten answers late at once: ten samples that say one thing. Counted over blocks of time, the
answers beyond a percentile vary by a factor more than independent ones would; by so much fewer samples is it known
(`Source: design effect of a cluster sample; variance from successive differences, which leaves out what the plan's own
rise and fall brings`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.engine.histogram import SAMPLES_BEYOND

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p999": 0.999}
BLOCKS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
ENOUGH = 10
"""Blocks from which a variance is told."""
NS = 1_000_000_000
Times = npt.NDArray[np.int64]


def clumping(at_ns: Times, lasted_ns: Times) -> dict[str, float]:
    """By percentile: variance of the answers beyond it ÷ that of independent ones, at least 1; the most of all blocks.

    `at_ns` (intended) and `lasted_ns` have shape (n,). A percentile with fewer than ten samples beyond is left out.
    """
    found: dict[str, float] = {}
    for name, q in QUANTILES.items():
        if len(lasted_ns) * (1 - q) < SAMPLES_BEYOND:
            continue
        beyond = lasted_ns > np.quantile(lasted_ns, q)
        found[name] = max([1.0, *(_effect(at_ns, beyond, block_s, q) for block_s in BLOCKS_S)])
    return found


def _effect(at_ns: Times, beyond: npt.NDArray[np.bool_], block_s: float, q: float) -> float:
    number = (at_ns - at_ns.min()) // round(block_s * NS)
    blocks = int(number.max())  # the last one may be cut short: it is left out
    if blocks < ENOUGH:
        return 1.0
    whole = number < blocks
    sizes = np.bincount(number[whole], minlength=blocks)
    counts = np.bincount(number[whole], beyond[whole], minlength=blocks)
    off = counts - sizes * (1 - q)
    return float((np.diff(off) ** 2).sum() / 2 * blocks / (blocks - 1) / (sizes.sum() * q * (1 - q)))
