"""Who makes each tap, over which connection: seeded data, decided before the first tap. Pure.

A *slot* is a place at which one user taps at a time; its users follow each other, and one connection carries one
slot or several. Slots take turns in a fixed cycle, so a steady rate r over A slots gives each user r/A taps a second;
a too-fast slot stands ``factor`` times in the cycle. Users beyond the last full turn are the reserve from which a
winner is replaced. Probes (forged, expired, foreign … tokens) take the place of taps spread evenly over the plan.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]
Kinds = npt.NDArray[np.uint8]


class PopulationError(ValueError):
    """Users, slots or connections that contradict each other."""


@dataclass(frozen=True, slots=True)
class Mix:
    """``slots`` tap at once over ``connections``; a share of slots taps ``too_fast_factor`` times as often."""

    slots: int
    connections: int
    too_fast_share: float = 0.0
    too_fast_factor: int = 3
    probes: tuple[tuple[int, int], ...] = ()
    """(kind, count) of tokens that must win nothing."""

    def __post_init__(self) -> None:
        if not 0 < self.connections <= self.slots:
            raise PopulationError(f"{self.connections} connections for {self.slots} slots; expected 1 to one a slot")
        if not 0 <= self.too_fast_share <= 1 or self.too_fast_factor < 2:
            raise PopulationError(f"too fast: share {self.too_fast_share}, factor {self.too_fast_factor}")


class Deal(NamedTuple):
    """Connection, user and kind of some taps in schedule order."""

    connection: Ints
    """Index of the connection that carries the tap."""
    user: Ints
    """Index of the user's token; from ``users`` on: probes, in the order of ``Mix.probes``."""
    kind: Kinds


@dataclass(frozen=True, slots=True)
class _Probes:
    """What stands in the place of taps: ``at``, ascending."""

    at: npt.NDArray[np.int64]
    user: Ints
    kind: Kinds


@dataclass(frozen=True, slots=True)
class Population:
    """Who makes each of ``taps`` of one worker, and what each slot and connection belongs to. Any part is dealt when
    it is asked for: of a long plan the whole would not fit beside it.
    """

    taps: int
    front_of_connection: Ints
    reserve: tuple[tuple[int, ...], ...]
    """For each front the users that replace winners."""
    cycle: _Cycle
    lines: _Lines
    kind_of_slot: Kinds
    probes: _Probes
    abroad: dict[int, int] = field(default_factory=dict)
    """Taps that go over another connection than their slot's."""

    @property
    def sessions(self) -> int:
        """Users that a slot carries one after another, at most."""
        return int(self.lines.length.max())

    @property
    def connection(self) -> Ints:
        """Of every tap; so are ``user`` and ``kind``."""
        return self.part(0, self.taps).connection

    @property
    def user(self) -> Ints:
        return self.part(0, self.taps).user

    @property
    def kind(self) -> Kinds:
        return self.part(0, self.taps).kind

    def part(self, first: int, last: int) -> Deal:
        """Taps [first, last)."""
        slot, turn = self.cycle.turns(first, last)
        out = Deal(self.lines.connection[slot], self.lines.user(slot, turn), self.kind_of_slot[slot])
        low, high = np.searchsorted(self.probes.at, (first, last))
        places = self.probes.at[low:high] - first
        out.user[places], out.kind[places] = self.probes.user[low:high], self.probes.kind[low:high]
        if self.abroad:
            for place in places.tolist():
                out.connection[place] = self.abroad.get(place + first, out.connection[place])
        return out

    def sent_abroad(self, owner: npt.NDArray[np.int64], kind: int, seed: int) -> Population:
        """The same; but a probe of this kind goes to a front that is not its user's own (``owner``)."""
        fronts = int(self.front_of_connection.max()) + 1
        mine = self.probes.kind == kind
        abroad = self.probes.at[mine]
        if fronts == 1 or not len(abroad):
            return self
        to = self.lines.connection[self.cycle.turns_of(abroad)[0]]
        owners = owner[self.probes.user[mine]]
        random = np.random.Generator(np.random.PCG64(seed))
        for front in range(fronts):
            here = (owners == front) & (self.front_of_connection[to] == front)
            elsewhere = np.flatnonzero(self.front_of_connection != front)
            to[here] = random.choice(elsewhere, int(here.sum())).astype(np.int32)
        return replace(self, abroad=dict(zip(abroad.tolist(), to.tolist(), strict=True)))


@dataclass(frozen=True, slots=True)
class _Cycle:
    """The fixed order in which slots take turns: a slot of weight w stands w times, evenly spread."""

    slots: npt.NDArray[np.int64]
    rank: npt.NDArray[np.int64]
    weight: npt.NDArray[np.int64]

    @classmethod
    def of(cls, weight: npt.NDArray[np.int64]) -> _Cycle:
        slots = np.repeat(np.arange(len(weight)), weight)
        rank = np.arange(len(slots)) - np.repeat(np.cumsum(weight) - weight, weight)
        place = (rank + slots / len(weight)) / weight[slots]
        order = np.argsort(place, kind="stable")
        return cls(slots[order], rank[order], weight)

    def turns(self, first: int, last: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Slot of each tap in [first, last), and how many taps that slot made before."""
        return self.turns_of(np.arange(first, last))

    def turns_of(self, taps: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The same of any taps."""
        whole, within = np.divmod(taps, len(self.slots))
        slot = self.slots[within]
        return slot, whole * self.weight[slot] + self.rank[within]

    def made(self, taps: int) -> npt.NDArray[np.int64]:
        """How many of the first taps each slot makes."""
        whole, rest = divmod(taps, len(self.slots))
        return whole * self.weight + np.bincount(self.slots[:rest], minlength=len(self.weight))


@dataclass(frozen=True, slots=True)
class _Lines:
    """The users of each slot, one after another, and its connection. ``turns``: taps that a line is spread over."""

    connection: Ints
    table: Ints
    length: npt.NDArray[np.int64]
    turns: npt.NDArray[np.int64]

    def user(self, slot: npt.NDArray[np.int64], turn: npt.NDArray[np.int64]) -> Ints:
        length = self.length[slot]
        found: Ints = self.table[slot, np.minimum(turn * length // self.turns[slot], length - 1)]
        return found


def populate(
    taps: int,
    front_of_user: Ints,
    fronts: int,
    mix: Mix,
    seed: int,
    tap_kinds: tuple[int, int],
    planned: int | None = None,
) -> Population:
    """Deals ``taps`` to slots, users and connections; users and probes are spread over the ``planned`` first of them.

    What lies behind those is room for a plan that is changed while it is fired.
    ``front_of_user``: shape (users,), which front owns each. ``tap_kinds``: codes of an ordinary and a too-fast tap.
    Raises PopulationError if there are fewer users than slots, or more probes than taps.
    """
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=(1 << 20,))))
    owned = [np.flatnonzero(front_of_user == front).astype(np.int32) for front in range(fronts)]
    slots_of = _shares(mix.slots, [len(users) for users in owned])
    connections_of = _shares(mix.connections, slots_of)
    if any(slots > len(users) for slots, users in zip(slots_of, owned, strict=True)):
        raise PopulationError(f"{len(front_of_user)} users for {mix.slots} slots; expected at least one user a slot")

    connection_of_slot, line, reserve = _deal(owned, slots_of, connections_of)
    weight = np.ones(mix.slots, np.int64)
    fast = random.choice(mix.slots, round(mix.slots * mix.too_fast_share), replace=False)
    weight[fast] = mix.too_fast_factor

    cycle, first = _Cycle.of(weight), taps if planned is None else planned
    length = np.array([len(users) for users in line])
    table = np.full((mix.slots, int(length.max())), -1, np.int32)
    for number, users in enumerate(line):
        table[number, : len(users)] = users
    return Population(
        taps,
        np.repeat(np.arange(fronts, dtype=np.int32), connections_of),
        reserve,
        cycle,
        _Lines(connection_of_slot, table, length, np.maximum(cycle.made(first), 1)),
        np.where(weight > 1, tap_kinds[1], tap_kinds[0]).astype(np.uint8),
        _probes_among(first, mix.probes, len(front_of_user), random),
    )


def _shares(total: int, weights: list[int]) -> list[int]:
    """``total`` split in proportion to ``weights``, by largest remainder; who has weight gets at least one."""
    whole = sum(weights)
    exact = [total * weight / whole for weight in weights]
    out = [max(int(share), 1 if weight else 0) for share, weight in zip(exact, weights, strict=True)]
    order = sorted(range(len(weights)), key=lambda k: exact[k] - out[k], reverse=True)
    for k in range(total - sum(out)):
        out[order[k % len(order)]] += 1
    if sum(out) != total:
        raise PopulationError(f"{total} cannot be shared among {len(weights)} fronts")
    return out


def _deal(
    owned: list[Ints], slots_of: list[int], connections_of: list[int]
) -> tuple[Ints, list[Ints], tuple[tuple[int, ...], ...]]:
    """Connection and line of users for each slot; a front's slots use its own connections and users."""
    connections: list[Ints] = []
    line: list[Ints] = []
    reserve: list[tuple[int, ...]] = []
    base = 0
    for users, slots, wires in zip(owned, slots_of, connections_of, strict=True):
        if slots:
            connections.append((base + np.arange(slots) % wires).astype(np.int32))
            full = len(users) // slots * slots
            line += [users[k:full:slots] for k in range(slots)]
            reserve.append(tuple(users[full:].tolist()))
        else:
            reserve.append(())
        base += wires
    return np.concatenate(connections), line, tuple(reserve)


def _probes_among(taps: int, probes: tuple[tuple[int, int], ...], users: int, random: np.random.Generator) -> _Probes:
    """Each probe in the place of one of so many taps, spread evenly over them."""
    total = sum(count for _, count in probes)
    if not total:
        return _Probes(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.uint8))
    if total > taps:
        raise PopulationError(f"{total} probes but only {taps} taps")
    at = ((np.arange(total) + random.random(total)) * taps / total).astype(np.int64)
    order = random.permutation(total)
    codes = np.repeat([code for code, _ in probes], [count for _, count in probes]).astype(np.uint8)
    kept = np.append(at[1:] != at[:-1], True)  # of two in one place the later one
    return _Probes(at[kept], (users + order).astype(np.int32)[kept], codes[order][kept])
