"""From a configuration to a loaded gun: tokens, request bytes, tape. Reads token files; opens no connection."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.engine.config import CannonConfig, ConfigError
from harness.engine.gun import Connection, Gun
from harness.engine.population import Mix, Population, populate
from harness.engine.schedule import Schedule, pieces_of, schedule
from harness.engine.tape import Tape
from system.contract.history import Kind
from system.contract.ids import TAG_HEADER
from system.contract.numbers import whole_number
from system.contract.routing import Topology, fronts_of


@dataclass(slots=True)
class Loaded:
    """``uids``: by user index, probes behind the users."""

    gun: Gun
    tape: Tape
    plan: Schedule
    uids: npt.NDArray[np.uint64]
    addresses: list[tuple[str, int]]


def load(config: CannonConfig) -> Loaded:
    """Everything the hot phase needs, made before it.

    Raises ConfigError, ScheduleError, PopulationError, OSError.
    """
    addresses = [_address(front) for front in config.fronts]
    tokens, uids = read_tokens(Path(config.tokens), config.worker, config.workers)
    topology = Topology(fronts=config.fronts, cells=(0,) * len(config.fronts))
    plan = schedule(pieces_of(config.segments), config.seed, config.worker, config.workers)
    probes: list[tuple[int, int]] = []
    owner = fronts_of(uids, topology).astype(np.int32)
    for probe in config.probes:
        extra, extra_uids = read_tokens(Path(probe.tokens), config.worker, config.workers)
        extra, extra_uids = extra[: probe.count], extra_uids[: probe.count]
        probes.append((Kind[probe.kind.upper()], len(extra)))
        tokens += extra
        uids = np.concatenate([uids, extra_uids])
    mix = Mix(
        slots=_share(config.slots, config),
        connections=_share(config.connections, config),
        too_fast_share=config.too_fast_share,
        too_fast_factor=config.too_fast_factor,
        probes=tuple(probes),
    )
    people = populate(
        round(len(plan) * config.rate_headroom),
        owner,
        len(addresses),
        mix,
        config.seed + config.worker,
        (Kind.TAP, Kind.TOO_FAST),
        planned=len(plan),
    )
    connection = _send_abroad(people, fronts_of(uids, topology), config.seed)
    tape = Tape.of(plan.intended_ns, connection, people.user, people.kind, plan.phase)
    requests = _requests(config, tokens)
    gun = Gun(tape, requests, [list(users) for users in people.reserve], config.taps_after_win)
    gun.connections = [Connection(gun, front) for front in people.front_of_connection.tolist()]
    gun.down.extend(gun.connections)
    return Loaded(gun, tape, plan, uids, addresses)


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


def _share(total: int, config: CannonConfig) -> int:
    return total // config.workers + (config.worker < total % config.workers)


def _address(front: str) -> tuple[str, int]:
    host, _, port = front.removeprefix("http://").rstrip("/").rpartition(":")
    number = whole_number(port, 65535)
    if not host or number is None:
        raise ConfigError(f"front {front!r}; expected host:port or http://host:port")
    return host, number


def _send_abroad(people: Population, owner: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.int32]:
    """A foreign user's tap goes to a front that is not its own; everything else stays where it was dealt."""
    fronts = int(people.front_of_connection.max()) + 1
    abroad = np.flatnonzero(people.kind == Kind.FOREIGN)
    if fronts == 1 or not len(abroad):
        return people.connection
    out = people.connection.copy()
    random = np.random.Generator(np.random.PCG64(seed))
    for front in range(fronts):
        here = abroad[(owner[people.user[abroad]] == front) & (people.front_of_connection[out[abroad]] == front)]
        elsewhere = np.flatnonzero(people.front_of_connection != front)
        out[here] = random.choice(elsewhere, len(here)).astype(np.int32)
    return out


def _requests(config: CannonConfig, tokens: list[bytes]) -> list[bytes]:
    """The bytes of each user's tap. The Host is the first front's: fronts tell users apart by token alone."""
    head = (
        f"POST /v1/rounds/{config.round}/taps HTTP/1.1\r\nHost: {config.fronts[0].removeprefix('http://').rstrip('/')}\r\n"
        "Content-Length: 0\r\nAuthorization: Bearer "
    ).encode()
    tail = (f"\r\n{TAG_HEADER}: {config.tag}" if config.tag else "").encode() + b"\r\n\r\n"
    return [head + token + tail for token in tokens]
