"""How a share is split: so many parts of at least 1 fen, the exact sum, in an order that nobody can know. Pure.

Cuts and order are both drawn from the share's key: every way to split is as likely, so no other share of the round
tells what is in this one, and whoever claims first, or last, has the same luck. Source: docs/season.md, Fission.
"""

from __future__ import annotations

import hashlib
import struct
from itertools import pairwise

import numpy as np

from system.contract.ids import Lane
from system.lottery.permutation import Permutation
from system.tokens import derive

_WORD_BYTES = 8


def split_key(secret: bytes, lane: Lane, award: str) -> bytes:
    """The key of one share's split. An opening that is sent again makes the same parts."""
    return derive(secret, f"split:{lane}:{award}")


def parts_of(share_fen: int, parts: int, key: bytes) -> list[int]:
    """Fen of each part in the order in which they are claimed; 1 ≤ parts ≤ share_fen < 2^32. Raises ValueError."""
    if not 1 <= parts <= share_fen:
        raise ValueError(f"{share_fen} fen in {parts} parts; expected 1 part at least, and a fen for each")
    amounts = gaps_of(share_fen, parts, key)
    return [amounts[rank] for rank in Permutation(key, parts).many(np.arange(parts, dtype=np.uint32)).tolist()]


def gaps_of(share_fen: int, parts: int, key: bytes) -> list[int]:
    """Fen of each part from cut to cut, before they are permuted; 1 ≤ parts ≤ share_fen < 2^32."""
    edges = (0, *sorted(_cuts(share_fen, parts - 1, key)), share_fen)
    return [high - low for low, high in pairwise(edges)]


def _cuts(share_fen: int, count: int, key: bytes) -> set[int]:
    """So many different places within [1, share_fen), each set of them as likely (R. W. Floyd: a draw for each)."""
    words = struct.unpack(f"<{count}Q", hashlib.shake_256(b"xiu/split/1/cuts" + key).digest(_WORD_BYTES * count))
    cuts: set[int] = set()
    for last, word in zip(range(share_fen - count, share_fen), words, strict=True):
        # A word of 64 bits scaled to [1, last]: what one place has more than another is below 2^-32.
        cut = 1 + (word * last >> 8 * _WORD_BYTES)
        cuts.add(last if cut in cuts else cut)
    return cuts
