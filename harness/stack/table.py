"""The parts of a stack as data: what is run, with which environment, when it counts as ready, and how it is treated.

Strings hold `{placeholders}`, filled in by `render` when the ports are known. Refuses to start anything.
"""

from __future__ import annotations

import dataclasses
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.stack.spawn import Policy
from system.contract.ids import LANES

NICE = 5
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
    """`other` for the front alone: nobody else may keep it, or the generator beside it, waiting"""
    restart: bool = True
    stop_signal: int = signal.SIGTERM
    stop_deadline_s: float = 8.0
    ready_deadline_s: float = 60.0
    needed: bool = True
    """False: the stack is ready without it, and goes on where it does not start"""
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


def valkey(binary: str, settings: Mapping[str, str]) -> Part:
    """Valkey with the given settings, in `{folder}/data/valkey`."""
    flags = [x for key, value in settings.items() for x in (f"--{key}", value)]
    argv = (binary, "--bind", "127.0.0.1", "--port", "{valkey_port}", "--dir", "{folder}/data/valkey", *flags)
    return Part("valkey", argv, "valkey://127.0.0.1:{valkey_port}", ports=("valkey",))


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
        stop_signal=signal.SIGINT,  # fast shutdown: sessions are ended, a checkpoint is written
        stop_deadline_s=20.0,
        # Immediate shutdown: the postmaster takes its children and its shared memory with it.
        death_signal=signal.SIGQUIT,
    )


def toxiproxy(binary: str, links: tuple[str, ...]) -> Part:
    """toxiproxy with one proxy per link, read from its configuration: they are there again after a restart."""
    place = ("-host", "127.0.0.1", "-port", "{toxiproxy_port}", "-config", "{folder}/config/toxiproxy.json")
    return Part(
        "toxiproxy",
        (binary, *place, "-runtime-metrics", "-proxy-metrics"),
        "http://127.0.0.1:{toxiproxy_port}/version",
        env={"LOG_LEVEL": "error"},
        ports=("toxiproxy", *links),
        metrics="127.0.0.1:{toxiproxy_port}",
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


def stores() -> Part:
    """The exporter of Valkey and PostgreSQL, this stack's own or external ones, asked past the proxies."""
    return Part(
        "stores",
        (sys.executable, "-m", "harness.watch.store_exporter", "--port", "{stores_port}"),
        "http://127.0.0.1:{stores_port}/readyz",
        env={"XIU_VALKEY_URL": "{valkey_url}", "XIU_POSTGRES_URL": "{postgres_url}"},
        ports=("stores",),
        after=("valkey", "postgres"),
        metrics="127.0.0.1:{stores_port}",
        policy="idle",
        needed=False,
    )


def _own(
    name: str,
    module: tuple[str, ...],
    env: Mapping[str, str],
    after: tuple[str, ...],
    *,
    metrics_port: str | None = None,
) -> Part:
    """`metrics_port`: name of the port of its /metrics, where that is not the one it serves on."""
    port = name.replace("-", "_")
    metrics = (metrics_port or name).replace("-", "_")
    common = {
        "XIU_CELL": "0",
        "XIU_SECRET_FILE": "{folder}/secret/key",
        "XIU_TOPOLOGY": "{topology}",
    }
    return Part(
        name,
        (sys.executable, "-m", *module),
        f"http://127.0.0.1:{{{port}_port}}/readyz",
        env={**common, **env},
        ports=(name, metrics_port) if metrics_port else (name,),
        after=after,
        metrics=f"127.0.0.1:{{{metrics}_port}}",
    )


def system(fronts: int) -> tuple[Part, ...]:
    """The system's own processes: control, front-0…, credit-live, credit-stress, play. One cell. And the watchdog."""
    control = {"XIU_VALKEY_URL": "{control_valkey_url}", "XIU_POSTGRES_URL": "{control_postgres_url}"}
    operators = {"XIU_ADMIN_TOKEN_FILE": "{folder}/secret/admin"}
    front = {"XIU_VALKEY_URL": "{front_valkey_url}", "XIU_CONTROL_URL": "{front_control_url}"}
    credit = {"XIU_VALKEY_URL": "{credit_valkey_url}", "XIU_POSTGRES_URL": "{credit_postgres_url}"}
    play = {"XIU_POSTGRES_URL": "{play_postgres_url}"}
    direct = {"XIU_CONTROL_URL": "{control_url}"}

    def listen(name: str) -> dict[str, str]:
        return {"XIU_LISTEN": f"127.0.0.1:{{{name}_port}}"}

    parts = [
        _own(
            "control",
            ("system.control",),
            {**control, **operators, **listen("control")},
            ("valkey", "postgres", "toxiproxy"),
        )
    ]
    for k in range(fronts):
        own = {"XIU_FRONT": str(k), "XIU_METRICS_LISTEN": f"127.0.0.1:{{front_{k}_metrics_port}}"}
        name, env = f"front-{k}", {**front, **listen(f"front_{k}"), **own}
        part = _own(name, ("system.front",), env, ("control",), metrics_port=f"{name}-metrics")
        parts.append(dataclasses.replace(part, core=k, nice=0, policy="other"))
    for lane in LANES:
        env = {**credit, **direct, "XIU_LANE": lane, "XIU_METRICS_LISTEN": f"127.0.0.1:{{credit_{lane}_port}}"}
        parts.append(_own(f"credit-{lane}", ("system.credit", "--lane", lane), env, ("control",)))
    parts.append(_own("play", ("system.play",), {**play, **operators, **direct, **listen("play")}, ("control",)))
    return (*parts, watchdog())


def watchdog() -> Part:
    """Heals what is injected too long, or by somebody who is dead: as long as the stack lives, whoever else does."""
    return Part("watchdog", (sys.executable, "-m", "chaos.watchdog", "{folder}"), "alive://", stop_deadline_s=2.0)
