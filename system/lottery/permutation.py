"""Keyed permutation of [0, size): a cycle-walking Feistel network whose round functions are keyed tables.

Owns the one bijection between packet index and rank, as a scalar and as a vectorised path that agree everywhere.
Decided by key and size alone: no state, no randomness. Source: docs/lottery.md.
"""

from __future__ import annotations

import hmac
from array import array
from math import isqrt
from typing import Final

import numpy as np
import numpy.typing as npt

ROUNDS: Final = 16
"""More than the 10 of FF1 (NIST SP 800-38G): with 10, rounds of 5 or 6 packets are measurably not uniform."""
CHUNK: Final = 16_384
"""Indexes worked on at once, so that every temporary stays in the core's cache."""
_BLOCK_WORDS: Final = 8

U32 = npt.NDArray[np.uint32]


def split(size: int) -> tuple[int, int]:
    """(a, b) with a the square root of size, rounded up, and b = size / a, rounded up: a·b ≥ size, barely."""
    a = isqrt(size - 1) + 1
    return a, -(-size // a)


def _tables(key: bytes, numbers: range, length: int, modulus: int) -> U32:
    """Round functions with these numbers, shape (rounds, length): entry i of each is the i-th 32-bit word of its keyed
    stream, scaled to [0, modulus).
    """
    blocks = -(-length // _BLOCK_WORDS)
    heads = [b"xiu/lottery/1/table" + number.to_bytes(4, "little") for number in numbers]
    streams = [
        hmac.digest(key, head + block.to_bytes(4, "little"), "sha256") for head in heads for block in range(blocks)
    ]
    words = np.frombuffer(b"".join(streams), dtype="<u4").reshape(len(numbers), -1)[:, :length].astype(np.uint64)
    words *= np.uint64(modulus)
    words >>= np.uint64(32)
    return words.astype(np.uint32)


class Permutation:
    """A bijection of [0, size) chosen by the key; 1 ≤ size ≤ 2³¹. Immutable; memory about 128·√size bytes."""

    __slots__ = ("_a", "_b", "_scalar", "_vector", "size")

    def __init__(self, key: bytes, size: int) -> None:
        if not 1 <= size <= 2**31:
            raise ValueError(f"a permutation of {size} values; expected 1 to 2^31")
        self.size = size
        self._a, self._b = split(size)
        # Even rounds move the left half by a table over the right half, odd rounds the other way round.
        even = _tables(key, range(0, ROUNDS, 2), self._b, self._a)
        odd = _tables(key, range(1, ROUNDS, 2), self._a, self._b)
        self._vector: list[U32] = [table for pair in zip(even, odd, strict=True) for table in pair]
        self._scalar = [array("I", table.tobytes()) for table in self._vector]

    def one(self, index: int) -> int:
        """The rank of one index in [0, size); the caller has checked the range."""
        a, b, size, tables = self._a, self._b, self.size, self._scalar
        value = index
        while True:
            left, right = divmod(value, b)
            for number in range(0, ROUNDS, 2):
                left += tables[number][right]
                if left >= a:
                    left -= a
                right += tables[number + 1][left]
                if right >= b:
                    right -= b
            value = left * b + right
            if value < size:
                return value

    def many(self, index: U32) -> U32:
        """The rank of each index, shape (n,) uint32; the caller has checked the range."""
        rank = np.empty(len(index), dtype=np.uint32)
        for start in range(0, len(index), CHUNK):
            part = self._pass(index[start : start + CHUNK])
            while True:
                outside = np.flatnonzero(part >= self.size)
                if not len(outside):
                    break
                part[outside] = self._pass(part[outside])
            rank[start : start + CHUNK] = part
        return rank

    def _pass(self, value: U32) -> U32:
        """Once through all rounds, on [0, a·b); a·b < 2³² since size ≤ 2³¹."""
        a, b = np.uint32(self._a), np.uint32(self._b)
        left = value // b
        right = value - left * b
        for number in range(0, ROUNDS, 2):
            left += self._vector[number].take(right)
            # Below zero wraps to a huge number, so the smaller of both is the one in range.
            np.minimum(left, left - a, out=left)
            right += self._vector[number + 1].take(left)
            np.minimum(right, right - b, out=right)
        left *= b
        left += right
        return left
