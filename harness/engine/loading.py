"""From a configuration to a loaded gun: tokens, request bytes, tape. Reads token files; opens no connection."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from harness.engine import shots
from harness.engine.config import Beside, CannonConfig, ConfigError
from harness.engine.followers import Follower, outcomes_named
from harness.engine.gun import ClientConnection, Gun
from harness.engine.population import Deal, Mix, populate
from harness.engine.prepared import AT_ONCE_MAX, PreparedShot, read_requests
from harness.engine.schedule import Schedule, pieces_of, schedule
from harness.engine.shot import Aim, People, Shot
from harness.engine.strands import tape_of
from harness.engine.tape import Tape
from system.contract.history import Kind
from system.contract.numbers import whole_number
from system.contract.routing import Topology, fronts_of

NOBODY = People(Aim("", 0, None), ())
"""Prepared requests are of nobody, and follow none."""


@dataclass(slots=True)
class LoadedGun:
    """``uids``: by user index; the users of journey 0, its probes behind them, then those of the other journeys.

    ``plan_ns``: how long the plan of journey 0 is; ``strands``: who makes the requests of each journey.
    """

    gun: Gun
    tape: Tape
    plan_ns: int
    uids: npt.NDArray[np.uint64]
    addresses: list[tuple[str, int]]
    strands: list[StrandInTurn]
    followers: list[Follower]


class Turns(Protocol):
    """Who takes the turns of a journey, of its own users and connections."""

    @property
    def taps(self) -> int: ...

    def part(self, first: int, last: int) -> Deal: ...


@dataclass(frozen=True, slots=True)
class PreparedTurns:
    """Prepared requests and connections take turns, each on its own."""

    taps: int
    wires: int
    requests: int

    def part(self, first: int, last: int) -> Deal:
        index = np.arange(first, last, dtype=np.int64)
        wires, requests = (index % self.wires).astype(np.int32), (index % self.requests).astype(np.int32)
        return Deal(wires, requests, np.full(len(index), Kind.OTHER, np.uint8))


@dataclass(frozen=True, slots=True)
class StrandInTurn:
    """A journey on the tape: its users and connections stand behind those of the journeys before it."""

    intended_ns: npt.NDArray[np.int64]
    phase: npt.NDArray[np.uint8]
    turns: Turns
    connections: int = 0
    users: int = 0

    @property
    def room(self) -> int:
        return self.turns.taps

    def part(self, first: int, last: int) -> Deal:
        dealt = self.turns.part(first, last)
        return Deal(dealt.connection + np.int32(self.connections), dealt.user + np.int32(self.users), dealt.kind)

    def woven(self) -> StrandInTurn:
        """The same without its times, which stand on the tape."""
        return replace(self, intended_ns=self.intended_ns[:0].copy(), phase=self.phase[:0].copy())


@dataclass(slots=True)
class _Part:
    """What one journey brings: users and addresses are counted from its own first. `owner`: each user's address."""

    strand: StrandInTurn
    requests: list[bytes]
    uids: npt.NDArray[np.uint64]
    addresses: list[tuple[str, int]]
    front_of_connection: list[int]
    reserve: list[list[int]]
    owner: npt.NDArray[np.int32]


def load(config: CannonConfig) -> LoadedGun:
    """Everything the hot phase needs, made before it.

    Raises ConfigError, ScheduleError, PopulationError, BadInput (a shot nobody knows), OSError.
    """
    fired = shots_of(config)
    if config.prepared:
        orders: tuple[CannonConfig | Beside, ...] = (config, *config.beside)
        parts = [_prepared(config, number, order) for number, order in enumerate(orders)]
        plan, people = schedule(pieces_of(config.segments), config.seed, config.worker, config.workers), NOBODY
    else:
        tokens, uids = read_tokens(Path(config.tokens), config.worker, config.workers)
        plan, own = _own(config, fired[0], tokens, uids)
        people = People(_aim(config, config.fronts[0]), tokens)
        beside = enumerate(config.beside, 1)
        parts = [own, *(_beside(config, number, one, fired[number], tokens, uids) for number, one in beside)]
    plan_ns, connections, users, addresses = plan.duration_ns, 0, 0, 0
    strands: list[StrandInTurn] = []
    first_user: list[int] = []
    for part in parts:
        first_user.append(users)
        strands.append(replace(part.strand, connections=connections, users=users))
        connections, users = connections + len(part.front_of_connection), users + len(part.requests)
    tape = tape_of(strands)
    strands = [strand.woven() for strand in strands]
    requests = [request for part in parts for request in part.requests]
    raw = config.tls is None and max(map(len, requests)) <= AT_ONCE_MAX
    following = [number for number, beside in enumerate(config.beside, 1) if beside.after]
    reserve = [line for part in parts for line in part.reserve]
    gun = Gun(tape, requests, reserve, config.taps_after_win, fired, raw, following)
    first_address: list[int] = []
    for number, part in enumerate(parts):
        gun.connections += [ClientConnection(gun, front + addresses, number) for front in part.front_of_connection]
        first_address.append(addresses)
        addresses += len(part.addresses)
    gun.down.extend(gun.connections)
    every = [address for part in parts for address in part.addresses]
    uids = np.concatenate([part.uids for part in parts])
    followers = _followers(config, gun, parts, people, first_user, first_address)
    return LoadedGun(gun, tape, plan_ns, uids, every, strands, followers)


def _followers(
    config: CannonConfig, gun: Gun, parts: list[_Part], people: People, users: list[int], addresses: list[int]
) -> list[Follower]:
    """Of each journey that follows another. `users`, `addresses`: of each journey the first."""
    names = [config.journey, *(one.journey for one in config.beside)]
    found: list[Follower] = []
    for number, one in enumerate(config.beside, 1):
        if not one.after:
            continue
        source = names.index(one.after)
        front_of, on = parts[number].owner + addresses[number], outcomes_named(gun.journeys[source].shot, one.on)
        found.append(
            Follower(
                gun, number, source, people, (users[source], users[number]), front_of, parts[number].requests, on,
                one.each, one.patience_s,
            )
        )  # fmt: skip
    return found


def shots_of(config: CannonConfig) -> list[Shot]:
    """The shot of each journey, in their order. Raises BadInput for one that nobody knows."""
    if config.prepared:
        return [PreparedShot(one) for one in config.prepared]
    return [shots.find(config.shot), *(shots.find(one.shot) for one in config.beside)]


def _prepared(config: CannonConfig, number: int, order: CannonConfig | Beside) -> _Part:
    """A journey of prepared requests: they and its connections take turns, each on its own."""
    plan = schedule(pieces_of(order.segments), config.seed, config.worker, config.workers, number)
    addresses = [_address(one) for one in (order.addresses if isinstance(order, Beside) else order.fronts)]
    requests = read_requests(Path(config.prepared[number].requests), config.worker, config.workers)
    wires = max(1, _share(order.connections, config))
    headroom = config.rate_headroom if number == 0 else 1.0
    room = max(round(len(plan) * headroom), _part(order.room, config))
    return _Part(
        StrandInTurn(plan.intended_ns, plan.phase, PreparedTurns(room, wires, len(requests))),
        requests,
        np.arange(len(requests), dtype=np.uint64),
        addresses,
        [wire % len(addresses) for wire in range(wires)],
        [[] for _ in addresses],
        np.zeros(len(requests), np.int32),
    )


def _own(config: CannonConfig, shot: Shot, tokens: list[bytes], uids: npt.NDArray[np.uint64]) -> tuple[Schedule, _Part]:
    """The plan's own journey, with probes, too-fast users, and room for a plan that is changed."""
    topology = Topology(fronts=config.fronts, cells=(0,) * len(config.fronts))
    addresses = [_address(front) for front in config.fronts]
    plan = schedule(pieces_of(config.segments), config.seed, config.worker, config.workers)
    probes: list[tuple[int, int]] = []
    owner = fronts_of(uids, topology).astype(np.int32)
    for probe in config.probes:
        extra, extra_uids = read_tokens(Path(probe.tokens), config.worker, config.workers)
        extra, extra_uids = extra[: probe.count], extra_uids[: probe.count]
        probes.append((Kind[probe.kind.upper()], len(extra)))
        tokens = tokens + extra
        uids = np.concatenate([uids, extra_uids])
    mix = Mix(
        slots=_share(config.slots, config),
        connections=_share(config.connections, config),
        too_fast_share=config.too_fast_share,
        too_fast_factor=config.too_fast_factor,
        probes=tuple(probes),
    )
    taps = max(round(len(plan) * config.rate_headroom), _part(config.room, config))
    people = populate(
        taps,
        owner,
        len(addresses),
        mix,
        config.seed + config.worker,
        (Kind.TAP, Kind.TOO_FAST) if shot.name == shots.TAP else (Kind.OTHER, Kind.OTHER),
        planned=min(taps, max(len(plan), _part(config.expected, config))),
    )
    people = people.sent_abroad(fronts_of(uids, topology), Kind.FOREIGN, config.seed)
    return plan, _Part(
        StrandInTurn(plan.intended_ns, plan.phase, people),
        shot.requests(_aim(config, config.fronts[0]), tokens),
        uids,
        addresses,
        people.front_of_connection.tolist(),
        [list(users) for users in people.reserve],
        owner,
    )


def _beside(
    config: CannonConfig, number: int, order: Beside, shot: Shot, tokens: list[bytes], uids: npt.NDArray[np.uint64]
) -> _Part:
    """A journey beside it: the same users, over connections of its own."""
    plan = schedule(pieces_of(order.segments), config.seed, config.worker, config.workers, number)
    addresses = [_address(one) for one in order.addresses]
    who, aim = getattr(shot, "who", "user"), _aim(config, order.addresses[0])
    if who == "operator":
        tokens, uids = _operator(config, order.slots)
    elif who == "public":
        if config.public is None:
            raise ConfigError("a journey of the public, and no token of the live lane")
        tokens, uids = read_tokens(Path(config.public), config.worker, config.workers)
        aim = replace(aim, round=config.public_round, tag=None)
    if shot.at == "fronts":
        owner = fronts_of(uids, Topology(order.addresses, (0,) * len(addresses))).astype(np.int32)
    else:
        owner = (np.arange(len(uids)) % len(addresses)).astype(np.int32)
    mix = Mix(slots=_share(order.slots, config), connections=_share(order.connections, config))
    seed = config.seed + config.worker + (number << 64)
    kind = Kind.TAP if shot.name == shots.TAP or getattr(shot, "taps", False) else Kind.OTHER
    people = populate(max(len(plan), _part(order.room, config)), owner, len(addresses), mix, seed, (kind, kind))
    return _Part(
        StrandInTurn(plan.intended_ns, plan.phase, people),
        shot.requests(aim, tokens),
        uids,
        addresses,
        people.front_of_connection.tolist(),
        [[] for _ in addresses],
        owner,
    )


def _aim(config: CannonConfig, first: str) -> Aim:
    return Aim(_host(first), config.round, config.tag, config.season, config.sponsor)


def _operator(config: CannonConfig, slots: int) -> tuple[list[bytes], npt.NDArray[np.uint64]]:
    """The operators' token at every place. Raises ConfigError where the run was given none."""
    if config.operator is None:
        raise ConfigError("a journey of an operator, and no token of one")
    token = Path(config.operator).read_bytes().strip()
    return [token] * slots, np.zeros(slots, np.uint64)


def read_tokens(path: Path, worker: int, workers: int) -> tuple[list[bytes], npt.NDArray[np.uint64]]:
    """One token a line, ``uid.…``; worker k of N takes the lines k mod N. Raises ConfigError naming the line."""
    tokens = path.read_bytes().split()[worker::workers]
    if not tokens:
        raise ConfigError(f"{path}: no token for worker {worker} of {workers}")
    try:
        uids = np.array([int(token[: token.index(b".")]) for token in tokens], np.uint64)
    except ValueError as exc:
        raise ConfigError(f"{path}: a token does not begin with its user's number and a dot") from exc
    return tokens, uids


def _part(total: int, config: CannonConfig) -> int:
    """One worker's part, rounded up."""
    return -(-total // config.workers)


def _share(total: int, config: CannonConfig) -> int:
    return total // config.workers + (config.worker < total % config.workers)


def _host(url: str) -> str:
    return url.removeprefix("http://").rstrip("/")


def _address(front: str) -> tuple[str, int]:
    host, _, port = _host(front).rpartition(":")
    host, number = host.removeprefix("[").removesuffix("]"), whole_number(port, 65535)
    if not host or number is None:
        raise ConfigError(f"front {front!r}; expected host:port or http://host:port")
    return host, number
