"""The proof of each record of a batch: amount, lease, packet unused. Pure, vectorised; no I/O, no clock.

`prepare` needs the round alone and may run ahead; `settle` needs the leases as the transaction sees them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from system.contract.ids import Lane
from system.contract.records import FLAG_STRESS, OTHER_LANE
from system.credit.reading import Chunk
from system.lottery import Round, amounts

SIGN = np.uint64(1 << 63)
"""From here on a number has no place in the ledger's signed 64 bits."""
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


class SuspenseReason(IntEnum):
    """Why a record goes to suspense; 0 is sound. `text` stands in the ledger."""

    SOUND = 0
    OUTSIDE = 1
    LANE = 2
    IMPOSSIBLE = 3
    AMOUNT = 4
    LEASE = 5
    USED = 6

    @property
    def text(self) -> str:
        return _TEXTS[self]


_TEXTS = {
    SuspenseReason.SOUND: "sound",
    SuspenseReason.OUTSIDE: "packet outside the round",
    SuspenseReason.LANE: OTHER_LANE,
    SuspenseReason.IMPOSSIBLE: "impossible user id or time",
    SuspenseReason.AMOUNT: "amount or sponsor differs from the lottery's",
    SuspenseReason.LEASE: "packet in no lease of this front",
    SuspenseReason.USED: "packet already used by another user",
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A chunk with what the lottery says of each packet; `wrong` is a SuspenseReason, `by_user` sorts by account."""

    chunk: Chunk
    sponsor: npt.NDArray[np.uint16]
    fen: npt.NDArray[np.uint32]
    wrong: npt.NDArray[np.uint8]
    by_user: Ints


class Lease(NamedTuple):
    """Packets [lo, hi) granted to this front under (epoch, number); `used`: one bit a packet, lowest bit first."""

    epoch: int
    number: int
    lo: int
    hi: int
    used: bytes


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """What becomes of each record, as indexes into the chunk: `posted` by user, `held` parallel to `suspense`.

    `bitmaps` are the leases that changed, with their new bits.
    """

    posted: Ints
    duplicates: Ints
    suspense: Ints
    reasons: npt.NDArray[np.uint8]
    held: Bools
    bitmaps: list[Lease]


def prepare(chunk: Chunk, round_: Round, lane: Lane) -> Prepared:
    """Recomputes every amount and finds what is wrong with a record by itself."""
    records = chunk.records
    packet = records["packet"]
    inside = packet < round_.packets
    sponsor, fen = amounts(round_, np.where(inside, packet, 0))
    wrong = np.zeros(len(records), dtype=np.uint8)
    wrong[(records["fen"] != fen) | (records["sponsor"] != sponsor)] = SuspenseReason.AMOUNT
    wrong[(records["uid"] >= SIGN) | (records["time_us"] >= SIGN)] = SuspenseReason.IMPOSSIBLE
    wrong[((records["flags"] & FLAG_STRESS) != 0) != (lane == "stress")] = SuspenseReason.LANE
    wrong[~inside] = SuspenseReason.OUTSIDE
    by_user = np.argsort(records["uid"], kind="stable").astype(np.int64)
    return Prepared(chunk, sponsor, fen, wrong, by_user)


class Packets:
    """The packets of one batch against the leases of its front: who takes which bit."""

    def __init__(self, prepared: Prepared, leases: Sequence[Lease]) -> None:
        self._prepared = prepared
        self._leases = sorted(leases, key=lambda lease: lease.lo)
        packet = prepared.chunk.records["packet"].astype(np.int64)
        if self._leases:
            lo = np.array([lease.lo for lease in self._leases], dtype=np.int64)
            hi = np.array([lease.hi for lease in self._leases], dtype=np.int64)
            sizes = np.array([len(lease.used) for lease in self._leases], dtype=np.int64)
            self._base = (np.cumsum(sizes) - sizes) * 8
            self._bits = np.unpackbits(
                np.frombuffer(b"".join(lease.used for lease in self._leases), dtype=np.uint8), bitorder="little"
            )
            self._of = np.maximum(np.searchsorted(lo, packet, side="right") - 1, 0)
            self.inside: Bools = (packet >= lo[self._of]) & (packet < hi[self._of])
            self._bit = np.where(self.inside, self._base[self._of] + packet - lo[self._of], 0)
        else:
            self._of = np.zeros(len(packet), dtype=np.int64)
            self._bit, self._bits = self._of, np.ones(1, dtype=np.uint8)
            self.inside = np.zeros(len(packet), dtype=np.bool_)
        free = self.inside & (self._bits[self._bit] == 0)
        # The first record of a packet takes its bit, whatever becomes of the record: money held in suspense sets the
        # bit, too.
        order = np.flatnonzero(free)
        _, first = np.unique(packet[order], return_index=True)
        self.takes: Bools = np.zeros(len(packet), dtype=np.bool_)
        self.takes[order[first]] = True

    @property
    def met_again(self) -> Ints:
        """Records inside a lease whose bit is already set, by an earlier batch or in this one."""
        return np.flatnonzero(self.inside & ~self.takes)

    def bitmaps(self) -> list[Lease]:
        """The leases in which a bit was taken, with their bits afterwards."""
        if not self.takes.any():
            return []
        self._bits[self._bit[self.takes]] = 1
        whole = np.packbits(self._bits, bitorder="little").tobytes()
        changed = []
        for index in np.unique(self._of[self.takes]).tolist():
            lease, at = self._leases[index], int(self._base[index]) // 8
            changed.append(lease._replace(used=whole[at : at + len(lease.used)]))
        return changed


def settle(prepared: Prepared, packets: Packets, holders: set[tuple[int, int]]) -> ChunkResult:
    """Decides each record. `holders`: (packet, uid) the ledger already has, of the records met again."""
    records, takes = prepared.chunk.records, packets.takes
    reasons = prepared.wrong.copy()
    reasons[~packets.inside & (reasons != SuspenseReason.OUTSIDE)] = SuspenseReason.LEASE
    again = packets.met_again
    repeated = np.zeros(len(records), dtype=np.bool_)
    if len(again):
        met = set(again.tolist())
        same = {int(records["packet"][i]) for i in met}
        taken = np.flatnonzero(takes & np.isin(records["packet"], np.array(sorted(same), dtype=np.uint32)))
        holders = holders | {(int(records["packet"][i]), int(records["uid"][i])) for i in taken.tolist()}
        for i in again.tolist():
            repeated[i] = (int(records["packet"][i]), int(records["uid"][i])) in holders
        reasons[again] = SuspenseReason.USED
    posted_here = takes & (reasons == SuspenseReason.SOUND)
    suspended = ~posted_here & ~repeated
    suspense = np.flatnonzero(suspended)
    return ChunkResult(
        posted=prepared.by_user[posted_here[prepared.by_user]],
        duplicates=np.flatnonzero(repeated),
        suspense=suspense,
        reasons=reasons[suspense],
        held=takes[suspense],
        bitmaps=packets.bitmaps(),
    )
