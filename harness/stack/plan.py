"""What a stack consists of: decided once, from options and environment, and handed to the supervisor as data.

`lay_out` is pure: a plan and ports in, rendered parts, addresses and files out. Refuses to start anything.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.environment import hot_path
from harness.stack import config, external, people, postgres, stores, table, tools
from harness.stack.addresses import LINKS, Addresses
from harness.stack.folder import Folder
from harness.stack.table import Part, Selection
from system.contract.ids import LANES

SUPERVISOR_PORT = "supervisor"


@dataclass(frozen=True)
class Plan:
    """The parts to start, unrendered, and what is somebody else's."""

    selection: Selection
    fronts: int
    parts: tuple[Part, ...]
    externals: dict[str, str] = field(default_factory=dict)
    links: dict[str, tuple[str, int]] = field(default_factory=dict)
    """proxies of an external toxiproxy, by link"""
    notes: tuple[str, ...] = ()
    told: dict[str, str] = field(default_factory=dict)
    """Ways to people, for alerts; see `people`."""
    runbooks: str = ""
    """What stands before a runbook's page."""

    def port_names(self) -> tuple[str, ...]:
        """Every port the stack needs."""
        return (SUPERVISOR_PORT, *(name for part in self.parts for name in part.ports))

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Plan:
        """Back from `to_json`."""
        parts = tuple(Part.from_json(p) for p in data["parts"])
        links = {link: (host, port) for link, (host, port) in data["links"].items()}
        return cls(**{**data, "parts": parts, "links": links, "notes": tuple(data["notes"])})


def make_plan(
    selection: Selection,
    fronts: int,
    *,
    with_prometheus: bool,
    environment: Mapping[str, str],
    system: Sequence[Part] | None = None,
    more: Sequence[Part] = (),
) -> Plan:
    """Decide the parts; `more`: others beside the system, handed in.

    Raises EnvironmentNotReady for a tool that is missing or an external store that cannot be used, BadInput for a
    wrong address.
    """
    hot_path()
    theirs = external.externals(environment)
    parts: list[Part] = []
    notes = [f"{part} is external ({external.VARIABLES[part]}): used as it is" for part in theirs]
    notes += stores.check_stores(theirs, environment)
    if "valkey" not in theirs:
        parts.append(table.valkey(str(tools.need("valkey-server")), config.VALKEY))
    if "postgres" not in theirs:
        command = postgres.as_ordinary_user((str(tools.need("postgres")),))
        parts.append(table.postgres(command, config.POSTGRES))
    links: dict[str, tuple[str, int]] = {}
    if selection == "all":
        if "toxiproxy" in theirs:
            have = external.proxies(theirs["toxiproxy"])
            links = {link: have[link] for link in LINKS if link in have}
            notes += [
                f"the external toxiproxy has no proxy {link}: that link is direct" for link in LINKS if link not in have
            ]
        else:
            parts.append(table.toxiproxy(str(tools.need("toxiproxy-server")), tuple(LINKS)))
        parts += table.system(fronts) if system is None else system
        if with_prometheus:
            observers, said = _observers(theirs)
            parts, notes = parts + observers, notes + said
            if "prometheus" in theirs or any(part.name == "prometheus" for part in observers):
                parts.append(table.stores())
        parts, notes = with_more(parts, notes, more, theirs)
    started = {part.name for part in parts}
    parts = [dataclasses.replace(p, after=tuple(a for a in p.after if a in started)) for p in parts]
    told = people.people(environment)
    if told and selection == "all" and "alertmanager" not in started:
        notes.append("XIU_ALERT_… is set, and no Alertmanager of this stack's own runs: nobody is told of an alert")
    base = people.runbooks(environment, tools.ROOT / "docs")
    return Plan(selection, fronts, tuple(parts), theirs, links, tuple(notes), told, base)


def with_more(
    parts: list[Part], notes: list[str], more: Sequence[Part], theirs: Mapping[str, str]
) -> tuple[list[Part], list[str]]:
    """The parts handed in beside the system; one that waits for alerts only where there are any."""
    observed = {part.name for part in parts} | set(theirs)
    for part in more:
        if part.webhook is None or {"prometheus", "alertmanager"} <= observed:
            parts = [*parts, part]
        else:
            notes = [*notes, f"{part.name} is not started: without Prometheus and Alertmanager nothing calls it"]
        if part.webhook and "alertmanager" in theirs:
            notes = [*notes, f"the external Alertmanager is to call {part.name} itself: its webhook is /alerts"]
    return parts, notes


def _observers(theirs: Mapping[str, str]) -> tuple[list[Part], list[str]]:
    parts, notes = [], []
    for name, make in (("alertmanager", table.alertmanager), ("prometheus", table.prometheus)):
        if name in theirs:
            # One that is away would leave a run without alerts, and nobody would know.
            external.need_observer(name, theirs[name])
            continue
        binary = tools.find(name)
        if binary is None:
            notes.append(f"{name} is missing: the stack runs without it (`xiu doctor` says how to get it)")
        else:
            parts.append(make(str(binary)))
    return parts, notes


@dataclass(frozen=True)
class Layout:
    """A plan with ports: ready to start."""

    parts: tuple[Part, ...]
    addresses: Addresses
    files: dict[Path, str]


def lay_out(plan: Plan, ports: Mapping[str, int], folder: Folder, password: str) -> Layout:
    """Fill in the ports."""
    own = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    valkey_url = plan.externals.get("valkey") or f"valkey://127.0.0.1:{ports['valkey']}/0"
    postgres_url = plan.externals.get("postgres") or postgres.url(ports["postgres"], password)
    behind = {"valkey": valkey_url, "postgres": postgres_url, "control": own.get("control")}
    links: dict[str, str] = {}
    for link, target in LINKS.items():
        direct = behind[target]
        if direct is None:
            continue
        if link in plan.links:
            direct = external.through(direct, *plan.links[link])
        elif link in ports:
            direct = external.through(direct, "127.0.0.1", ports[link])
        links[link] = direct
    fronts = tuple(own[f"front-{k}"] for k in range(plan.fronts) if f"front-{k}" in own)
    metrics = tuple(own[name] for k in range(plan.fronts) if (name := f"front-{k}-metrics") in own)
    values = {
        "folder": str(folder.path),
        "valkey_url": valkey_url,
        "postgres_url": postgres_url,
        "topology": json.dumps({"fronts": list(fronts), "cells": [0] * len(fronts)}),
        **{f"{name.replace('-', '_')}_port": str(port) for name, port in ports.items()},
        **{f"{link.replace('-', '_')}_url": url for link, url in links.items()},
        **({"control_url": own["control"]} if "control" in own else {}),
    }
    addresses = Addresses(
        valkey_url=valkey_url,
        postgres_url=postgres_url,
        control_url=own.get("control"),
        front_urls=fronts,
        front_metrics_urls=metrics,
        play_url=own.get("play"),
        credit_metrics_urls={lane: own[f"credit-{lane}"] for lane in LANES if f"credit-{lane}" in own},
        links=links,
        toxiproxy_url=plan.externals.get("toxiproxy") or own.get("toxiproxy"),
        prometheus_url=plan.externals.get("prometheus") or own.get("prometheus"),
        alertmanager_url=plan.externals.get("alertmanager") or own.get("alertmanager"),
        stores_metrics_url=own.get("stores"),
        more={part.name: own[part.name] for part in plan.parts if part.webhook and part.name in own},
    )
    parts = tuple(part.render(values) for part in plan.parts)
    return Layout(parts, addresses, _files(plan, parts, ports, addresses, folder))


def _files(
    plan: Plan, parts: Sequence[Part], ports: Mapping[str, int], addresses: Addresses, folder: Folder
) -> dict[Path, str]:
    names = {part.name for part in parts}
    files: dict[Path, str] = {}
    if "toxiproxy" in names:
        stands = {
            "valkey": external.endpoint("valkey", addresses.valkey_url),
            "postgres": external.endpoint("postgres", addresses.postgres_url),
            "control": f"127.0.0.1:{ports['control']}" if "control" in ports else None,
        }
        proxies = {link: (ports[link], end) for link, target in LINKS.items() if (end := stands[target]) is not None}
        files[folder.config / "toxiproxy.json"] = config.toxiproxy(proxies)
    if "prometheus" in names:
        targets = {part.name: part.metrics for part in parts if part.metrics}
        where = addresses.alertmanager_url
        rules = sorted((tools.ROOT / "dashboards" / "rules").glob("*.yml"))
        ours = {folder.config / f"rules-{file.name}": file.read_text(encoding="utf-8") for file in rules}
        files |= {file: people.with_runbooks(text, plan.runbooks) for file, text in ours.items()}
        files[folder.config / "prometheus.yml"] = config.prometheus(
            targets,
            rules=list(ours),
            more_targets=folder.targets,
            alertmanager=urlsplit(where).netloc if where else None,
        )
    if "alertmanager" in names:
        webhooks = [part.webhook for part in parts if part.webhook]
        files[folder.config / "alertmanager.yml"] = config.alertmanager(webhooks, folder.secret / "admin", plan.told)
    return files
