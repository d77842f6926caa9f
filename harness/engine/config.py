"""The orders of a cannon: a frozen value, written and read as JSON. Checks itself; opens no file."""

from __future__ import annotations

import json
import signal
from dataclasses import asdict, dataclass, field
from typing import Any

from harness.engine.prepared import PreparedJourney, TlsTrust
from system.contract.history import Kind

STOPS = (signal.SIGTERM, signal.SIGINT)
"""Signals on which a cannon stops sending and writes its account."""


class ConfigError(ValueError):
    """A cannon configuration that contradicts itself."""


@dataclass(frozen=True, slots=True)
class ProbeTokens:
    """Tokens that must win nothing: ``kind`` is a name of ``system.contract.history.Kind``, one token a line."""

    kind: str
    tokens: str
    count: int


@dataclass(frozen=True, slots=True)
class Beside:
    """A journey beside the plan's own: ``shot`` is a name of ``harness.engine.shots``, ``addresses`` whom it asks.

    Its users are those of the run. ``segments``, ``slots``, ``connections`` and ``room`` as in CannonConfig. A
    follow-up comes ``after`` another journey: after each of its answers whose outcome is one of ``on`` come ``each``
    requests.
    ``patience_s``: also after each request that has no answer by then.
    """

    journey: str
    shot: str
    addresses: tuple[str, ...]
    segments: tuple[dict[str, Any], ...]
    slots: int
    connections: int
    room: int = 0
    after: str = ""
    on: tuple[str, ...] = ()
    each: int = 1
    patience_s: float | None = None

    @classmethod
    def of(cls, data: dict[str, Any]) -> Beside:
        lists = ("addresses", "segments", "on")
        return cls(**data | {name: tuple(data[name]) for name in lists if name in data})


@dataclass(frozen=True, slots=True)
class CannonConfig:
    """One cannon's orders. Paths are files on this host; times are seconds; ``None`` switches a thing off.

    ``fronts``: ``host:port`` in the order of the topology. ``tokens``: text file, one token a line, ``uid.exp.sig``;
    of N workers, worker k takes the lines k mod N. ``segments``: see ``schedule.pieces_of``; ``phase`` 0 is warm-up,
    1 is measured. ``t0_ns``: CLOCK_MONOTONIC start shared by all workers; else a ``start`` line, or at once.
    ``slots`` and ``connections`` are of the whole run and are divided among the workers. The plan's own journey is
    ``journey``, of ``shot``; ``beside`` are the others. ``operator``: file with the operators' token, for shots that
    need it.
    """

    fronts: tuple[str, ...]
    segments: tuple[dict[str, Any], ...]
    tokens: str
    result: str
    slots: int
    connections: int
    run_id: str = "bench"
    round: int = 1
    seed: int = 1
    worker: int = 0
    workers: int = 1
    segments_as: int | None = None
    """Number of this worker among all that write into the history; None: its own."""
    too_fast_share: float = 0.0
    too_fast_factor: int = 3
    probes: tuple[ProbeTokens, ...] = ()
    taps_after_win: int | None = 3
    tag: str | None = None
    season: int = 1
    """Of cards that shots move: the one that the round carries, or the first."""
    sponsor: int = 1
    """The first of the round's."""
    history: str | None = None
    t0_ns: int | None = None
    wait_for_start: bool = False
    lease_s: float | None = None
    kill_file: str | None = None
    cpu: int | None = None
    timeout_s: float = 5.0
    queue_timeout_s: float = 10.0
    drain_s: float = 6.0
    report_s: float = 0.5
    tick_us: int = 250
    objective_ms: float = 5.0
    ready_timeout_s: float = 30.0
    rate_headroom: float = 1.0
    """Room for later plan versions: how many times the plan's taps the run can hold."""
    goes_on: bool = False
    """Windows are appended to the plan while it is fired: it ends at its end, not with its last request."""
    room: int = 0
    """Of a plan that goes on: requests of the whole run for which there is room, with one a window and worker more."""
    expected: int = 0
    """Of a plan that goes on: how many of these are sent if all goes well; users and probes are spread over them."""
    realtime: bool = False
    """Fire in the real-time class where this user may (root, or RLIMIT_RTPRIO), before every ordinary process."""
    labels: dict[str, str] = field(default_factory=dict)
    shot: str = "tap"
    journey: str = "tap"
    beside: tuple[Beside, ...] = ()
    prepared: tuple[PreparedJourney, ...] = ()
    """Requests for a service that is no part of this project: of every journey, or of none. No tokens then."""
    tls: TlsTrust | None = None
    operator: str | None = None
    public: str | None = None
    """File with tokens of the live lane, for shots of the public; they tap at ``public_round`` and carry no tag."""
    public_round: int = 0

    def __post_init__(self) -> None:
        if not self.fronts or not self.segments:
            raise ConfigError("a cannon needs at least one front and one segment")
        if not 0 <= self.worker < self.workers:
            raise ConfigError(f"worker {self.worker} of {self.workers}")
        if self.workers > self.connections:
            raise ConfigError(f"{self.connections} connections for {self.workers} workers; expected one each at least")
        names = [self.journey, *(one.journey for one in self.beside)]
        if len(set(names)) != len(names):
            raise ConfigError(f"journeys {', '.join(names)}; expected each name once")
        if self.prepared and [one.journey for one in self.prepared] != names:
            raise ConfigError(f"prepared requests of other journeys than {', '.join(names)}; expected one for each")
        for number, one in enumerate(self.beside, 1):
            if one.after and one.after not in names[:number]:
                raise ConfigError(f"journey {one.journey} after {one.after!r}; expected one that stands before it")
            if not one.addresses or not one.segments:
                raise ConfigError(f"journey {one.journey} needs at least one address and one segment")
            if not self.workers <= one.connections <= one.slots:
                raise ConfigError(
                    f"journey {one.journey}: {one.connections} connections for {one.slots} slots and {self.workers} "
                    "workers; expected 1 a worker to 1 a slot"
                )
        if not 0 < self.timeout_s < self.drain_s + 60:
            raise ConfigError(f"timeout_s {self.timeout_s} and drain_s {self.drain_s} contradict each other")
        if self.rate_headroom < 1:
            raise ConfigError(f"rate_headroom {self.rate_headroom}; expected 1 or more")
        rooms = [self.room, *(one.room for one in self.beside)]
        if not self.goes_on and (any(rooms) or self.expected):
            raise ConfigError(f"room {rooms} of a plan that does not go on; expected goes_on, or rate_headroom")
        if self.goes_on and not 0 <= self.expected <= self.room:
            raise ConfigError(f"{self.expected} expected requests, but room for {self.room}")
        if self.lease_s is not None and self.lease_s <= 0:
            raise ConfigError(f"lease_s {self.lease_s}; expected more than 0, or none")
        unknown = [probe.kind for probe in self.probes if probe.kind.upper() not in Kind.__members__]
        if unknown:
            raise ConfigError(f"probe kinds {unknown}; expected of {', '.join(Kind.__members__)}")

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> CannonConfig:
        data: dict[str, Any] = json.loads(text)
        data["fronts"] = tuple(data["fronts"])
        data["segments"] = tuple(data["segments"])
        data["beside"] = tuple(Beside.of(one) for one in data.get("beside", ()))
        data["probes"] = tuple(ProbeTokens(**probe) for probe in data.get("probes", ()))
        data["prepared"] = tuple(PreparedJourney.of(one) for one in data.get("prepared", ()))
        data["tls"] = TlsTrust(**data["tls"]) if data.get("tls") else None
        try:
            return cls(**data)
        except TypeError as exc:
            raise ConfigError(str(exc)) from exc
