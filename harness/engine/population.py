"""Who makes each tap, over which connection: seeded data, made before the first tap. Pure.

A *slot* is a place at which one user taps at a time; its users follow each other, and one connection carries one
slot or several. Slots take turns in a fixed cycle, so a steady rate r over A slots gives each user r/A taps a second;
a too-fast slot stands ``factor`` times in the cycle. Users beyond the last full turn are the reserve from which a
winner is replaced. Probes (forged, expired, foreign … tokens) take the place of taps spread evenly over the plan.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]


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


@dataclass(frozen=True, slots=True)
class Population:
    """Arrays over the taps of one worker, in schedule order, and what each slot and connection belongs to."""

    connection: Ints
    """Index of the connection that carries the tap."""
    user: Ints
    """Index of the user's token; from ``users`` on: probes, in the order of ``Mix.probes``."""
    kind: npt.NDArray[np.uint8]
    front_of_connection: Ints
    reserve: tuple[tuple[int, ...], ...]
    """For each front the users that replace winners."""
    sessions: int
    """Users that a slot carries one after another, at most."""


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

    slot, turn = _turns(taps, weight)
    length = np.array([len(users) for users in line])
    turns = np.zeros(mix.slots, np.int64)
    first = slice(0, taps if planned is None else planned)
    np.maximum.at(turns, slot[first], turn[first] + 1)
    session = np.minimum(turn * length[slot] // np.maximum(turns[slot], 1), length[slot] - 1)
    table = np.full((mix.slots, int(length.max())), -1, np.int32)
    for number, users in enumerate(line):
        table[number, : len(users)] = users
    user = table[slot, session]
    kind = np.where(weight[slot] > 1, tap_kinds[1], tap_kinds[0]).astype(np.uint8)
    _place_probes(user[first], kind[first], mix.probes, len(front_of_user), random)
    return Population(
        connection=connection_of_slot[slot],
        user=user,
        kind=kind,
        front_of_connection=np.repeat(np.arange(fronts, dtype=np.int32), connections_of),
        reserve=reserve,
        sessions=int(length.max()),
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


def _turns(taps: int, weight: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Slot of each tap, and how many taps that slot made before. A slot of weight w stands w times, evenly spread."""
    slots = np.repeat(np.arange(len(weight)), weight)
    rank = np.arange(len(slots)) - np.repeat(np.cumsum(weight) - weight, weight)
    place = (rank + slots / len(weight)) / weight[slots]
    order = np.argsort(place, kind="stable")
    cycle, rank = slots[order], rank[order]
    index = np.arange(taps)
    within = index % len(cycle)
    slot = cycle[within]
    return slot, index // len(cycle) * weight[slot] + rank[within]


def _place_probes(
    user: Ints,
    kind: npt.NDArray[np.uint8],
    probes: tuple[tuple[int, int], ...],
    users: int,
    random: np.random.Generator,
) -> None:
    total = sum(count for _, count in probes)
    if not total:
        return
    if total > len(user):
        raise PopulationError(f"{total} probes but only {len(user)} taps")
    at = ((np.arange(total) + random.random(total)) * len(user) / total).astype(np.int64)
    order = random.permutation(total)
    user[at] = (users + order).astype(np.int32)
    codes = np.repeat([code for code, _ in probes], [count for _, count in probes])
    kind[at] = codes[order]
