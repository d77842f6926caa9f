"""The parts of a stack as data: what is run, with which environment, when it counts as ready, and how it is treated.

Strings hold `{placeholders}`, filled in by `render` when the ports are known. Starts nothing.
"""

from __future__ import annotations

import dataclasses
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from harness import slices
from harness.stack.spawn import Policy
from system.contract import places
from system.contract.links import Client, Upstream, link_between
from system.contract.parties import BANK, SMS, Party
from system.contract.places import Place, valkey_variable

NICE = 5
ASKED: Mapping[str, Any] = {"nice": 0, "policy": "other", "slice_us": slices.SHORTEST_US}
"""How the parts are treated that a user's request passes: each works a few hundred microseconds for it, and is served
before parts that have work for longer. It takes no more of a core than before.
"""
Selection = Literal["all", "stores"]


@dataclass(frozen=True)
class Part:
    """One child process of a stack."""

    name: str
    argv: tuple[str, ...]
    ready: str
    """`http://…` answers 200 · `valkey://host:port` says PONG · `postgres://host:port` asks for a password ·
    `alive://` runs"""
    env: dict[str, str] = field(default_factory=dict)
    ports: tuple[str, ...] = ()
    """names of ports it listens on; `{<name>_port}` in any string"""
    after: tuple[str, ...] = ()
    """parts that must be ready before; the reverse is the order of stopping"""
    metrics: str | None = None
    """host:port of its /metrics, for Prometheus"""
    webhook: str | None = None
    """address that wants to hear of every alert, from Alertmanager"""
    core: int | None = None
    """which of the allowed cores it is pinned to (Linux), None: not pinned"""
    nice: int = NICE
    policy: Policy = "batch"
    """`other` for the parts that users wait for, front, play and what stands between play and its answer: no other part
    may delay them, or the generator"""
    slice_us: int | None = None
    """time slice that is asked of the kernel, see `harness.slices`; None: the kernel's own"""
    restart: bool = True
    stop_signal: int = signal.SIGTERM
    stop_deadline_s: float = 8.0
    ready_deadline_s: float = 60.0
    needed: bool = True
    """False: the stack is ready without it, and goes on where it does not start"""
    on_demand: bool = False
    """rests until it is asked for, see `harness.stack.detour`"""
    death_signal: int = signal.SIGKILL
    """what the kernel sends it when the supervisor is gone"""

    def render(self, values: Mapping[str, str]) -> Part:
        """The part with every placeholder filled in. Raises KeyError with the name of an unknown one."""
        return dataclasses.replace(
            self,
            argv=tuple(a.format_map(values) for a in self.argv),
            ready=self.ready.format_map(values),
            env={k: v.format_map(values) for k, v in self.env.items()},
            metrics=None if self.metrics is None else self.metrics.format_map(values),
            webhook=None if self.webhook is None else self.webhook.format_map(values),
        )

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Part:
        """Back from `to_json`."""
        lists = ("argv", "ports", "after")
        fields: dict[str, Any] = {k: tuple(v) if k in lists else v for k, v in data.items()}
        return cls(**fields)


def port_of(name: str) -> str:
    """The placeholder of the port of this name."""
    return f"{{{name.replace('-', '_')}_port}}"


def url_of(name: str) -> str:
    """The placeholder of the address of this link or store."""
    return f"{{{name.replace('-', '_')}_url}}"


def valkey(binary: str, settings: Mapping[str, str], cell: int = 0) -> Part:
    """A cell's Valkey with the given settings, in `{folder}/data/` under its name."""
    name = places.valkey(cell).name
    flags = [x for key, value in settings.items() for x in (f"--{key}", value)]
    argv = (binary, "--bind", "127.0.0.1", "--port", port_of(name), "--dir", f"{{folder}}/data/{name}", *flags)
    return Part(name, argv, f"valkey://127.0.0.1:{port_of(name)}", ports=(name,))


def postgres(argv: tuple[str, ...], settings: Mapping[str, str]) -> Part:
    """PostgreSQL with the given settings, in `{folder}/data/postgres`.

    `argv`: how the binary is called on this machine.
    """
    flags = [x for key, value in settings.items() for x in ("-c", f"{key}={value}")]
    place = ("-D", "{folder}/data/postgres", "-c", "port={postgres_port}")
    return Part(
        "postgres",
        (*argv, *place, *flags),
        "postgres://127.0.0.1:{postgres_port}",
        ports=("postgres",),
        **ASKED,
        stop_signal=signal.SIGINT,  # fast shutdown: sessions are ended, a checkpoint is written
        stop_deadline_s=20.0,
        # Immediate shutdown: the postmaster takes its children and its shared memory with it.
        death_signal=signal.SIGQUIT,
    )


def toxiproxy(binary: str, links: tuple[str, ...]) -> Part:
    """toxiproxy with one proxy per link, read from its configuration: they are there again after a restart."""
    place = places.alone("toxiproxy")
    part = _proxies(place, (binary, "-runtime-metrics", "-proxy-metrics"), links)
    # One thread at a time: a message wakes one, and not several. The edge's, which may carry every tap, has them all.
    env = {**part.env, "GOMAXPROCS": "1"}
    return dataclasses.replace(part, env=env, metrics=f"127.0.0.1:{port_of(place.name)}")


def edge(binary: str, proxies: tuple[str, ...]) -> Part:
    """The second toxiproxy, with a proxy for each end of the edge's links. It rests, and nobody scrapes it: what comes
    and goes would be a target that is down.
    """
    return dataclasses.replace(_proxies(places.alone(places.EDGE), (binary,), proxies), on_demand=True)


def _proxies(place: Place, command: tuple[str, ...], proxies: tuple[str, ...]) -> Part:
    name, port = place.name, port_of(place.name)
    given = ("-host", "127.0.0.1", "-port", port, "-config", f"{{folder}}/config/{name}.json")
    return Part(
        name,
        (command[0], *given, *command[1:]),
        f"http://127.0.0.1:{port}/version",
        env={"LOG_LEVEL": "error"},
        ports=(name, *proxies),
        **ASKED,
    )


def prometheus(binary: str) -> Part:
    """Prometheus with the generated configuration."""
    flags = (
        "--config.file={folder}/config/prometheus.yml",
        "--storage.tsdb.path={folder}/data/prometheus",
        "--web.listen-address=127.0.0.1:{prometheus_port}",
        "--rules.alert.resend-delay=1s",
        "--web.enable-lifecycle",
        "--log.level=warn",
    )
    return Part(
        "prometheus",
        (binary, *flags),
        "http://127.0.0.1:{prometheus_port}/-/ready",
        ports=("prometheus",),
        metrics="127.0.0.1:{prometheus_port}",
        policy="idle",
        stop_deadline_s=20.0,
    )


def alertmanager(binary: str) -> Part:
    """Alertmanager with the generated configuration, alone (no cluster)."""
    flags = (
        "--config.file={folder}/config/alertmanager.yml",
        "--storage.path={folder}/data/alertmanager",
        "--web.listen-address=127.0.0.1:{alertmanager_port}",
        "--cluster.listen-address=",
        "--log.level=warn",
    )
    return Part(
        "alertmanager",
        (binary, *flags),
        "http://127.0.0.1:{alertmanager_port}/-/ready",
        ports=("alertmanager",),
        metrics="127.0.0.1:{alertmanager_port}",
        policy="idle",
    )


def stores(cell: int = 0) -> Part:
    """The exporter of a cell's Valkey, this stack's own or an external one, asked past the proxies; that of the first
    cell looks at PostgreSQL as well.
    """
    name, log = places.exporter(cell).name, places.valkey(cell).name
    ledger = {"XIU_POSTGRES_URL": "{postgres_url}"} if cell == 0 else {}
    return Part(
        name,
        (sys.executable, "-m", "harness.watch.store_exporter", "--port", port_of(name)),
        f"http://127.0.0.1:{port_of(name)}/readyz",
        env={"XIU_VALKEY_URL": url_of(log), **ledger},
        ports=(name,),
        after=(log, "postgres") if ledger else (log,),
        metrics=f"127.0.0.1:{port_of(name)}",
        policy="idle",
        needed=False,
    )


def _own(
    place: Place,
    module: tuple[str, ...],
    env: Mapping[str, str],
    after: tuple[str, ...],
    *,
    metrics: str | None = None,
) -> Part:
    """A process of the system. `metrics`: name of the port of its /metrics, that of what it serves without it."""
    metrics = metrics or place.name
    return Part(
        place.name,
        (sys.executable, "-m", *module),
        f"http://127.0.0.1:{port_of(place.name)}/readyz",
        env={"XIU_SECRET_FILE": "{folder}/secret/key", **env},
        ports=tuple(dict.fromkeys((place.name, metrics))),
        after=after,
        metrics=f"127.0.0.1:{port_of(metrics)}",
    )


def system(fronts: int, cells: int = 1, *, pinned: bool = True) -> tuple[Part, ...]:
    """The system's own processes: control, fronts, a credit worker for each cell and lane, play. And the watchdog, and
    the doubles.

    `pinned`: each front to a core of its own; False where there are not enough cores.
    """
    rows = places.system(fronts, cells)
    logs = tuple(place.name for place in rows if place.role == "valkey")
    parts = []
    for place in rows:
        match place.role:
            case "control":
                parts.append(_control(place, cells, (*logs, "postgres", "toxiproxy")))
            case "front":
                parts.append(_front(place, pinned=pinned))
            case "credit":
                parts.append(_credit(place))
            case "play":
                env = {
                    "XIU_POSTGRES_URL": _through("play", "postgres", None),
                    **_party(BANK, _through("play", "doubles", None)),
                    **_OPERATORS,
                    **_TOPOLOGY,
                    **_listen("play"),
                }
                part = _own(place, ("system.play",), env, ("control",))
                # Users wait for it: as `batch`, a balance took seconds beside a busy round.
                parts.append(dataclasses.replace(part, **ASKED))
    return (*parts, watchdog(), doubles())


_OPERATORS = {"XIU_ADMIN_TOKEN_FILE": "{folder}/secret/admin"}
_TOPOLOGY = {"XIU_TOPOLOGY": "{topology}"}


def _party(party: Party, doubles_url: str) -> dict[str, str]:
    """A stack calls doubles on both lanes: whatever it is started for, nobody outside hears of it."""
    at = f"{doubles_url}/{party.name}"
    return {party.variable: at, party.double_variable: at}


def _listen(name: str, variable: str = "XIU_LISTEN") -> dict[str, str]:
    return {variable: f"127.0.0.1:{port_of(name)}"}


def _through(client: Client, upstream: Upstream, cell: int | None) -> str:
    """Placeholder of the address of a link of a cell."""
    return url_of(link_between(client, upstream, cell or 0).id)


def _control(place: Place, cells: int, after: tuple[str, ...]) -> Part:
    """Control speaks to the Valkey of every cell, through a link of its own each."""
    env = {valkey_variable(cell): _through("control", "valkey", cell) for cell in range(cells)}
    env["XIU_POSTGRES_URL"] = _through("control", "postgres", None)
    return _own(place, ("system.control",), {**env, **_OPERATORS, **_TOPOLOGY, **_listen(place.name)}, after)


def _front(place: Place, *, pinned: bool) -> Part:
    figures = f"{place.name}-metrics"
    env = {
        "XIU_VALKEY_URL": _through("front", "valkey", place.cell),
        "XIU_CONTROL_URL": _through("front", "control", place.cell),
        "XIU_FRONT": str(place.number),
        **_TOPOLOGY,
        **_listen(place.name),
        **_listen(figures, "XIU_METRICS_LISTEN"),
    }
    part = _own(place, ("system.front",), env, ("control",), metrics=figures)
    return dataclasses.replace(part, core=place.number if pinned else None, **ASKED)


def _credit(place: Place) -> Part:
    env = {
        "XIU_VALKEY_URL": _through("credit", "valkey", place.cell),
        "XIU_POSTGRES_URL": _through("credit", "postgres", place.cell),
        "XIU_CELL": str(place.cell or 0),
        "XIU_LANE": str(place.lane),
        "XIU_CONTROL_URL": "{control_url}",
        **_party(SMS, "{doubles_url}"),
        **_listen(place.name, "XIU_METRICS_LISTEN"),
    }
    return _own(place, ("system.credit", "--lane", str(place.lane)), env, ("control",))


def doubles() -> Part:
    """Those outside whom the system calls, stood in for by one process."""
    name = places.alone("doubles").name
    return Part(
        name,
        (sys.executable, "-m", "harness.doubles", "--port", port_of(name), "--folder", "{folder}/data/doubles"),
        f"http://127.0.0.1:{port_of(name)}/readyz",
        ports=(name,),
        metrics=f"127.0.0.1:{port_of(name)}",
    )


def watchdog() -> Part:
    """Heals what is injected too long, or by a dead process, as long as the stack lives."""
    return Part("watchdog", (sys.executable, "-m", "chaos.watchdog", "{folder}"), "alive://", stop_deadline_s=2.0)
