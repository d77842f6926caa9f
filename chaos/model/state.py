"""One state of the model: flat, hashable tuples of small integers. Owns their shape; decides nothing.

A win is one bit: `1 << (user * packets + packet)`. Sets of wins are masks, so that union and difference are one step.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeVar

from chaos.model.rules import Rules

T = TypeVar("T", bound=type)

Id = tuple[int, int]
"""(epoch, sequence)"""
Entry = tuple[int, int, int]
"""(epoch, sequence, wins): what stands in the stream."""
Op = int | Entry
"""What the append-only file holds, in order: a raised fence (its epoch) or an entry. Its tail may be lost."""

START: Final = (0, 0)
BAD: Final = 1 << 20
"""Flag of an entry: its record has a wrong amount, and stands there twice (a front that works wrongly)."""
DAMAGED: Final = 1 << 21
"""Flag of an entry: its checksum is wrong."""
WINS: Final = BAD - 1

ASK, READ, LEDGER, AGAIN, READY, BLOCKED = range(6)
"""Phases of an instance: no epoch; granted, to read the stream; to read the ledger; appends again; awards; a person."""
PHASES: Final = ("asking", "granted", "stream read", "appending again", "ready", "blocked")
ARMED, CLOSING, CLOSED = range(3)
TAKEN, RAISED, GRANTED = range(3)


def _quickly_replaced(cls: T) -> T:
    """Gives a NamedTuple a quicker `_replace`: every step of a search calls it; namedtuple's asks for each field."""
    fields: Any = cls
    at = {name: k for k, name in enumerate(fields._fields)}

    def replace(self: tuple[object, ...], /, **changed: object) -> object:
        values = list(self)
        for name, value in changed.items():
            values[at[name]] = value
        return tuple.__new__(cls, values)

    fields._replace = replace
    return cls


@_quickly_replaced
class Front(NamedTuple):
    """One live instance."""

    instance: int
    phase: int = ASK
    epoch: int = 0
    seq: int = 0
    acked: Id = START
    settled: int = 0
    pending: int = 0
    queue: tuple[int, ...] = ()
    sending: int = 0  # wins of the entry epoch-seq that is on its way
    top: int = 0  # highest lease number accepted
    held: tuple[int, ...] = ()  # packets it may award
    heard: int = ARMED
    confirmed: bool = False
    known: bool = False  # its memory holds every win there is: it answers taps
    seen: tuple[tuple[int, ...], ...] = ()  # what the rebuild has read so far

    @property
    def wins(self) -> int:
        """Memory: settled and pending."""
        return self.settled | self.pending


@_quickly_replaced
class State(NamedTuple):
    """Everything, at one moment."""

    # Valkey: what is on disk, the library's variable, what a flush took away
    ops: tuple[Op, ...] = ()
    var: int = 0
    backup: tuple[Op, ...] = ()
    # PostgreSQL
    round: int = ARMED
    next_packet: int = 0
    epoch: int = 0
    granted: int = 0
    newest: int = 0
    confirmed: tuple[int, ...] = ()  # instance, epoch, sequence
    leases: tuple[int, ...] = ()  # packets leased in the granted epoch, by number
    offset: Id = START
    posted: int = 0
    suspended: int = 0
    held: int = 0  # packets whose money is held in suspense
    used: int = 0  # bitmap
    # Processes
    op: tuple[int, ...] = ()  # the epoch control is giving out: instance, epoch, stage
    closing: tuple[int, ...] = ()  # the close as read: confirmation, end
    fronts: tuple[Front, ...] = ()
    workers: tuple[tuple[object, ...], ...] = ()
    # On the wires: appends that may come late or again, raises that may come late
    sent: tuple[Entry, ...] = ()
    raises: tuple[int, ...] = ()
    # What may still go wrong
    crashes: int = 0  # of Valkey, with any tail lost
    flushes: int = 0
    undos: int = 0
    deaths: int = 0
    starts: int = 0  # of an instance beside a living one
    control: int = 0
    late: int = 0
    poison: int = 0
    damage: int = 0
    # What no single actor knows
    shown: int = 0  # wins shown by the newest instance, and not lost within the declared limit
    vanished: int = 0  # was in the stream, lost by the store
    back: int = 0  # lost within the declared limit, then brought back by a person
    awarded: int = 0
    leased: int = 0
    broken: frozenset[str] = frozenset()  # what a step itself has broken


class Config(NamedTuple):
    """An instance of the model: sizes and rules."""

    users: int
    packets: int
    rules: Rules
    users_of: tuple[int, ...]  # mask of all wins of each user
    packets_of: tuple[int, ...]  # mask of all wins of each packet
    clash: tuple[bool, ...]  # by mask: a user with two packets, or a packet with two users
    users_clash: tuple[bool, ...]  # by mask: a user with two packets
    lease: int = 1
    fine: bool = True  # the lease is a step of its own; else taken with the award


def config(users: int, packets: int, rules: Rules, lease: int = 1, fine: bool = True) -> Config:
    """Sizes and rules, with the tables that follow from them."""
    users_of = tuple(((1 << packets) - 1) << (user * packets) for user in range(users))
    packets_of = tuple(sum(1 << (user * packets + packet) for user in range(users)) for packet in range(packets))
    masks = range(1 << (users * packets))

    def twice(mask: int, groups: tuple[int, ...]) -> bool:
        return any((mask & group).bit_count() > 1 for group in groups)

    users_clash = tuple(twice(mask, users_of) for mask in masks)
    clash = tuple(users_clash[mask] or twice(mask, packets_of) for mask in masks)
    return Config(users, packets, rules, users_of, packets_of, clash, users_clash, lease, fine)


def bits(mask: int) -> list[int]:
    """Its single bits, lowest first."""
    out = []
    while mask:
        low = mask & -mask
        out.append(low)
        mask ^= low
    return out


def kept(s: State, c: Config) -> int:
    """Wins whose money stands in their user's name in the ledger: posted, or held in suspense."""
    if not s.held:
        return s.posted
    held = sum(wins for packet, wins in enumerate(c.packets_of) if s.held >> packet & 1)
    return s.posted | s.suspended & held


def packets_in(mask: int, c: Config) -> int:
    """Packets of these wins, one bit each."""
    out = 0
    while mask:
        out |= mask & ((1 << c.packets) - 1)
        mask >>= c.packets
    return out
