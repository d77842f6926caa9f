"""Where a tap goes: its path, which front owns a user, how many packets a front has. Pure.

The topology is fixed while a round is open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

TAP_ROUTE = "/v1/rounds/{round}/taps"
"""The path of a tap, the same at every front and at play. Nothing else in the code spells it."""
FRONTS_MAX = 999
"""Fronts of one topology, at most: what a command line or a plan may ask for."""
_MIX = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def tap_path(round_id: int | str) -> str:
    """Where a round is tapped. `round_id`: its number, or the words that stand for it in a template."""
    return TAP_ROUTE.format(round=round_id)


@dataclass(frozen=True, slots=True)
class Topology:
    """The fronts by id (their place in the list) with the address clients use, and the cell of each."""

    fronts: tuple[str, ...]
    cells: tuple[int, ...]
    version: int = 1

    def __post_init__(self) -> None:
        if not self.fronts:
            raise ValueError("a topology needs at least one front")
        if len(self.fronts) != len(self.cells):
            raise ValueError(f"{len(self.fronts)} fronts but {len(self.cells)} cells; expected one cell for each front")


def share(packets: int, front: int, fronts: int) -> int:
    """Packets of a round that this front may award: an even part; the first fronts get the remainder."""
    even, rest = divmod(packets, fronts)
    return even + (front < rest)


def front_of(uid: int, topology: Topology) -> int:
    """Id of the front that owns `uid`: a multiplicative hash, so that neighbours spread evenly."""
    return ((uid * _MIX & _MASK) >> 32) % len(topology.fronts)


def fronts_of(uids: npt.NDArray[np.uint64], topology: Topology) -> npt.NDArray[np.int64]:
    """`front_of` for each user, shape (n,)."""
    import numpy as np  # of all who route, the generator alone counts in arrays

    mixed = (uids.astype(np.uint64) * np.uint64(_MIX)) >> np.uint64(32)
    return (mixed % np.uint64(len(topology.fronts))).astype(np.int64)
