"""Rebuild: who has won what, from memory, stream and ledger, and what must be appended again. Pure.

Owns the union and its contradictions. Never chooses between two different wins of one user: a person decides.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from system.contract.api import LedgerView
from system.contract.errors import XiuError
from system.contract.ids import START, Position, StreamName
from system.contract.records import MAX_RECORDS, WIN_DTYPE
from system.front.seam import SettledWin
from system.winlog import DamagedEntry, Stored, WinLogEntry, decode

Origin = tuple[int, int]
"""(epoch, number) of the lease a packet came from, as far as it is known."""
UNKNOWN_ORIGIN: Origin = (0, 0)


class WinContradiction(XiuError):
    """Two different wins of one user: data came back, or was changed by hand. Only a person may choose."""

    code = "contradiction"


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the ledger holds of a stream: wins posted, and wins set aside, by user; how far credit has come.

    `held`: users of `suspended` whose packet's money is held in their name.
    """

    offset: Position
    posted: dict[int, SettledWin]
    suspended: dict[int, SettledWin]
    held: frozenset[int] = frozenset()

    def kept(self, amount: Callable[[SettledWin], SettledWin]) -> dict[int, SettledWin]:
        """Wins whose money stands in the user's name, posted or held, by user. `amount` as in `rebuild`: a record that
        was set aside may say any amount.
        """
        return {uid: amount(self.suspended[uid]) for uid in self.held} | self.posted


@dataclass(slots=True)
class Rebuilt:
    """`winners` by user; `missing` are the users whose win is to be appended again; `end` is the stream's last id."""

    winners: dict[int, SettledWin] = field(default_factory=dict)
    origins: dict[int, Origin] = field(default_factory=dict)
    missing: list[int] = field(default_factory=list)
    end: Position = START

    def add(self, uid: int, win: SettledWin, source: str) -> None:
        """Raises WinContradiction when the user is known with another win."""
        known = self.winners.setdefault(uid, win)
        if known != win:
            raise WinContradiction(f"user {uid}: {source} says {win}, before it was {known}")

    def batches(self) -> Iterator[tuple[int, list[int]]]:
        """(lease number, users) of each entry to append again: one lease an entry, packets in order."""

        def key(uid: int) -> Origin:
            return self.origins.get(uid, UNKNOWN_ORIGIN)

        ordered = sorted(self.missing, key=lambda uid: (key(uid), self.winners[uid].packet))
        for origin, group in groupby(ordered, key=key):
            uids = list(group)
            for at in range(0, len(uids), MAX_RECORDS):
                yield origin[1], uids[at : at + MAX_RECORDS]


def ledger_of(view: LedgerView) -> Ledger:
    """The view's records by user. Raises WinContradiction: two wins of one user; DamagedEntry: malformed bytes."""
    try:
        rows = np.frombuffer(base64.b64decode(view.records, validate=True), dtype=WIN_DTYPE)
    except (ValueError, binascii.Error) as exc:
        raise DamagedEntry(f"ledger view: {exc}") from exc
    if len(rows) != view.posted + view.suspended:
        raise DamagedEntry(f"ledger view: {len(rows)} records; expected {view.posted} + {view.suspended}")
    if view.held > view.suspended:
        raise DamagedEntry(f"ledger view: money is held for {view.held} of {view.suspended} records in suspense")
    every = Rebuilt()
    parts: list[dict[int, SettledWin]] = []
    for part in (rows[: view.posted], rows[view.posted :]):
        wins = dict(_wins(part))
        for uid, win in _wins(part):
            every.add(uid, win, "the ledger")
        parts.append(wins)
    held = frozenset(rows["uid"][view.posted : view.posted + view.held].tolist())
    return Ledger(Position(view.offset_epoch, view.offset_sequence), parts[0], parts[1], held)


def _wins(rows: np.ndarray[tuple[int], np.dtype[np.void]]) -> Iterator[tuple[int, SettledWin]]:
    names = ("uid", "packet", "fen", "sponsor", "time_us")
    for uid, packet, fen, sponsor, time_us in zip(*(rows[name].tolist() for name in names), strict=True):
        yield uid, SettledWin(packet, fen, sponsor, time_us)


def rebuild(
    memory: Iterable[Mapping[int, SettledWin]],
    origins: Mapping[int, Origin],
    stream: Sequence[Stored],
    ledger: Ledger,
    name: StreamName,
    amount: Callable[[SettledWin], SettledWin],
) -> Rebuilt:
    """Winners = memory ∪ stream ∪ ledger; missing = those neither in the ledger nor in the stream behind its offset.

    `stream` was read whole under the new fence, `ledger` after it: what credit moves in between is then seen in the
    ledger, never in neither. Raises WinContradiction; DamagedEntry for one behind the offset. (For a damaged entry
    before it, the ledger has the content: a person has set it aside, or it was posted while it was sound.) `amount`: a
    win with the sponsor and fen of its packet.
    """
    found = Rebuilt(origins=dict(origins))
    for wins in memory:
        for uid, win in wins.items():
            found.add(uid, win, "memory")
    waiting: set[int] = set()
    for at, raw in stream:
        found.end = at
        try:
            entry = _entry(at, raw, name)
        except DamagedEntry:
            if at > ledger.offset:
                raise
            continue
        header = entry.header
        for uid, win in _wins(entry.records):
            found.add(uid, win, f"entry {at}")
            found.origins.setdefault(uid, (header.epoch, header.lease))
            if at > ledger.offset:
                waiting.add(uid)
    for uid, win in ledger.posted.items():
        found.add(uid, win, "the ledger")
    for uid, win in ledger.suspended.items():
        # Suspense keeps any bits of a record, also of an entry whose checksum is wrong. So for the same packet another
        # source knows the user better, and the packet's amount comes from the round, not from the record.
        known = found.winners.get(uid)
        if known is None or known.packet != win.packet:
            found.add(uid, amount(win), "the ledger")
    found.missing = [
        uid for uid in found.winners if uid not in waiting and uid not in ledger.posted and uid not in ledger.suspended
    ]
    return found


def _entry(at: Position, raw: bytes, name: StreamName) -> WinLogEntry:
    """The entry that stands there. Raises DamagedEntry, also for an entry of another stream."""
    entry = decode(raw, at)
    header = entry.header
    if (header.lane, header.round_id, header.front) != name:
        raise DamagedEntry(f"entry {at}: it belongs to {header.lane} {header.round_id} {header.front}, not {name}")
    return entry
