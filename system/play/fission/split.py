"""How a share is split: so many parts of at least 1 fen, the exact sum, in an order that nobody can know. Pure.

Amounts come from the lottery's histogram (拼手气), their order from its keyed permutation: whoever claims first, or
last, draws from the same distribution. Source: docs/season.md, Fission; docs/lottery.md.
"""

from __future__ import annotations

import numpy as np

from system.contract.ids import Lane
from system.lottery import make_histogram
from system.lottery.permutation import Permutation
from system.tokens import derive


def split_key(secret: bytes, lane: Lane, award: str) -> bytes:
    """The key of one share's order. An opening that is sent again makes the same parts."""
    return derive(secret, f"split:{lane}:{award}")


def parts_of(share_fen: int, parts: int, key: bytes) -> list[int]:
    """Fen of each part in the order in which they are claimed; 1 ≤ parts ≤ share_fen. Raises HistogramError."""
    classes = make_histogram(0, parts, share_fen).classes
    amounts = [one.fen for one in classes for _ in range(one.packets)]
    return [amounts[rank] for rank in Permutation(key, parts).many(np.arange(parts, dtype=np.uint32)).tolist()]
