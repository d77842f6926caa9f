"""A season's cards: which kind the n-th card is, committed to before, provable after. Pure.

Owns: n → kind by the keyed permutation over all cards to be issued, and the commitment's bytes. Does not know who has
a card. Source: docs/season.md, "Five Blessings".
"""

from __future__ import annotations

import hashlib
import hmac
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Final

import numpy as np

from system.lottery.errors import HistogramError
from system.lottery.histogram import PACKETS_MAX
from system.lottery.permutation import Permutation

KINDS: Final = 5
DECK_VERSION: Final = 1
DECK_SEED_BYTES: Final = 32


@dataclass(frozen=True)
class Deck:
    """All cards of a season, by kind (1 to 5), and the secret seed, which never shows in `repr`. Each kind at least
    once.

    Raises HistogramError when the parts contradict each other.
    """

    season: int
    cards: tuple[int, ...]
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.cards) != KINDS or min(self.cards) < 1:
            raise HistogramError(f"season {self.season}: cards {list(self.cards)}; expected {KINDS} counts, each ≥ 1")
        if self.size > PACKETS_MAX:
            raise HistogramError(f"season {self.season}: {self.size} cards; expected at most 2^31")
        if len(self.seed) != DECK_SEED_BYTES:
            raise HistogramError(f"season {self.season}: the seed must be {DECK_SEED_BYTES} bytes")

    @property
    def size(self) -> int:
        """How many cards there are."""
        return sum(self.cards)

    @cached_property
    def _permutation(self) -> Permutation:
        return Permutation(self.seed, self.size)

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(self.cards))

    def kind(self, n: int) -> int:
        """The kind of the n-th card, 1 to 5. Raises IndexError outside [0, size)."""
        if not 0 <= n < self.size:
            raise IndexError(f"season {self.season} has no card {n}; it has {self.size}")
        return bisect_right(self._ends, self._permutation.one(n)) + 1

    def kinds(self, upto: int) -> list[int]:
        """The kinds of the first `upto` cards. Raises IndexError beyond the last."""
        if not 0 <= upto <= self.size:
            raise IndexError(f"season {self.season} has no {upto} cards; it has {self.size}")
        rank = self._permutation.many(np.arange(upto, dtype=np.uint32))
        return [int(kind) for kind in np.searchsorted(self._ends, rank, side="right") + 1]

    def canonical_bytes(self) -> bytes:
        """What the commitment hashes: lines of ASCII, one statement each."""
        counts = " ".join(map(str, self.cards))
        lines = (f"xiu-cards {DECK_VERSION}", f"season {self.season}", f"seed {self.seed.hex()}", f"cards {counts}")
        return ("\n".join(lines) + "\n").encode("ascii")

    def commitment(self) -> str:
        """SHA-256 over the canonical bytes, 64 hex digits; published before the first card."""
        return hashlib.sha256(self.canonical_bytes()).hexdigest()


def wrong_cards(deck: Deck, published: str, issued: Iterable[tuple[int, int]]) -> list[str]:
    """What is wrong with the cards of a season whose seed is revealed, one sentence each; empty: all is as committed.

    `issued`: (n, kind) of each card, in any order: 0, 1, 2, … without a gap.
    """
    wrong: list[str] = []
    if not hmac.compare_digest(deck.commitment().encode(), published.strip().lower().encode()):
        wrong.append(f"season {deck.season}: the seed and the counts are not those committed to")
    rows: Sequence[tuple[int, int]] = sorted(issued)
    for place, (n, _) in enumerate(rows):
        if n != place:
            wrong.append(f"season {deck.season}: card {n} stands where card {place} was expected")
            break
        if n >= deck.size:
            wrong.append(f"season {deck.season}: card {n} of a deck of {deck.size}")
            break
    good = min(len(rows), deck.size)
    for n, (kind, (_, listed)) in enumerate(zip(deck.kinds(good), rows, strict=False)):
        if kind != listed:
            wrong.append(f"season {deck.season}: card {n} is of kind {listed}; the permutation says {kind}")
    return wrong
