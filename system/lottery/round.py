"""A round's packets: commitment before, amounts during, proof after. Pure.

Owns: index → rank → (sponsor, fen), and the commitment's bytes. Does not know who won.
"""

from __future__ import annotations

import hashlib
import hmac
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from system.lottery.errors import HistogramError, UnknownPacket
from system.lottery.histogram import PACKETS_MAX, PacketHistogram
from system.lottery.permutation import Permutation

VERSION: Final = 1
SEED_BYTES: Final = 32


@dataclass(frozen=True)
class Round:
    """A round as the lottery sees it: its sponsors' histograms, ascending by sponsor, and the secret seed.

    Raises HistogramError when the parts contradict each other. The seed never shows in `repr`.
    """

    round_id: int
    histograms: tuple[PacketHistogram, ...]
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "histograms", tuple(self.histograms))
        if isinstance(self.round_id, bool) or not isinstance(self.round_id, int) or self.round_id < 0:
            raise HistogramError(f"round id {self.round_id!r}; expected a number")
        sponsors = [histogram.sponsor for histogram in self.histograms]
        if not sponsors or any(a >= b for a, b in pairwise(sponsors)):
            raise HistogramError(f"round {self.round_id}: sponsors {sponsors}; expected at least one, ascending")
        if not isinstance(self.seed, bytes) or len(self.seed) != SEED_BYTES:
            raise HistogramError(f"round {self.round_id}: the seed must be {SEED_BYTES} bytes")
        if self.packets > PACKETS_MAX:
            raise HistogramError(f"round {self.round_id}: {self.packets} packets; expected at most 2^31")

    @cached_property
    def packets(self) -> int:
        return sum(histogram.packets for histogram in self.histograms)

    @cached_property
    def budget_fen(self) -> int:
        return sum(histogram.budget_fen for histogram in self.histograms)

    @cached_property
    def permutation(self) -> Permutation:
        return Permutation(self.seed, self.packets)

    @cached_property
    def _prizes(self) -> list[tuple[int, int]]:
        """(sponsor, fen) of each class of the round, in canonical order."""
        return [(histogram.sponsor, fen) for histogram in self.histograms for fen, _ in histogram.classes]

    @cached_property
    def _ends(self) -> list[int]:
        """The rank behind the last packet of each class."""
        return list(accumulate(count for histogram in self.histograms for _, count in histogram.classes))

    @cached_property
    def _columns(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint16], npt.NDArray[np.uint32]]:
        prizes = self._prizes
        return (
            # The last end is left out: no rank lies behind it, and 2³² would not fit.
            np.array(self._ends[:-1], dtype=np.uint32),
            np.array([sponsor for sponsor, _ in prizes], dtype=np.uint16),
            np.array([fen for _, fen in prizes], dtype=np.uint32),
        )


class Split(Protocol):
    """A sponsor's part of a round, as the control API or a plan has it."""

    @property
    def sponsor(self) -> int: ...

    @property
    def classes(self) -> Sequence[tuple[int, int]]: ...


def make_round(round_id: int, splits: Iterable[Split], seed: bytes) -> Round:
    """The round of splits in any order, classes in any order, equal amounts merged. Raises HistogramError."""
    histograms = [PacketHistogram.of(split.sponsor, split.classes) for split in splits]
    return Round(round_id, tuple(sorted(histograms, key=lambda histogram: histogram.sponsor)), seed)


def award(round_: Round, index: int) -> tuple[int, int]:
    """(sponsor, fen) of one packet; the front's path. Raises UnknownPacket outside [0, packets)."""
    if not 0 <= index < round_.packets:
        raise UnknownPacket(f"round {round_.round_id} has no packet {index}; it has {round_.packets}")
    return round_._prizes[bisect_right(round_._ends, round_.permutation.one(index))]


def amounts(round_: Round, index: npt.NDArray[np.integer]) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint32]]:
    """Sponsor (uint16) and amount in fen (uint32) of each packet index, both of shape (n,).

    Equal to `award` on every index. Sum fen as int64. Raises UnknownPacket if any index is outside [0, packets).
    Source: docs/lottery.md (keyed permutation, cumulative histogram).
    """
    if not np.issubdtype(index.dtype, np.integer) or index.ndim != 1:
        raise TypeError(f"indexes of type {index.dtype} and {index.ndim} dimensions; expected a row of integers")
    if len(index):
        for worst in (int(index.min()), int(index.max())):
            if not 0 <= worst < round_.packets:
                raise UnknownPacket(f"round {round_.round_id} has no packet {worst}; it has {round_.packets}")
    ends, sponsor, fen = round_._columns
    place = np.searchsorted(ends, round_.permutation.many(index.astype(np.uint32, copy=False)), side="right")
    return sponsor.take(place), fen.take(place)


def canonical_bytes(round_: Round) -> bytes:
    """What the commitment hashes: lines of ASCII, one statement each. Source: docs/lottery.md (commitment)."""
    lines = [f"xiu-lottery {VERSION}", f"round {round_.round_id}", f"seed {round_.seed.hex()}"]
    lines.append(f"packets {round_.packets} fen {round_.budget_fen}")
    for histogram in round_.histograms:
        lines.append(f"sponsor {histogram.sponsor} packets {histogram.packets} fen {histogram.budget_fen}")
        lines.extend(f"class {fen} {count}" for fen, count in histogram.classes)
    return ("\n".join(lines) + "\n").encode("ascii")


def commitment(round_: Round) -> str:
    """SHA-256 over the canonical bytes, 64 hex digits; published before the start."""
    return hashlib.sha256(canonical_bytes(round_)).hexdigest()


def verify_commitment(round_: Round, published: str) -> bool:
    """Whether the revealed round is the one committed to."""
    return hmac.compare_digest(commitment(round_).encode(), published.strip().lower().encode())
