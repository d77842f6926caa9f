"""What a stack consists of: decided once, from options and environment, and handed to the supervisor as data.

`lay_out` is pure: a plan and ports in, rendered parts, addresses and files out. Starts nothing.
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
from harness.errors import BadInput
from harness.stack import config, detour, external, people, postgres, spawn, stores, table, tools
from harness.stack.addresses import Addresses
from harness.stack.folder import Folder
from harness.stack.places import Directory
from harness.stack.table import Part, Selection
from system.contract import places
from system.contract.links import links_of
from system.contract.places import Place, check_size, read_place

SUPERVISOR_PORT, RUN_PORT = "supervisor", "run"
"""Ports that no part has: the supervisor's own, and the one on which a run, while it lasts, tells of itself."""


@dataclass(frozen=True)
class Plan:
    """The parts to start, unrendered, and those that belong to somebody else."""

    selection: Selection
    fronts: int
    parts: tuple[Part, ...]
    externals: dict[str, str] = field(default_factory=dict)
    links: dict[str, tuple[str, int]] = field(default_factory=dict)
    """proxies of an external toxiproxy, by link"""
    notes: tuple[str, ...] = ()
    receivers: dict[str, str] = field(default_factory=dict)
    """Ways to people, for alerts; see `people`."""
    runbooks: str = ""
    """What stands before a runbook's page."""
    cells: int = 1
    missing: tuple[str, ...] = ()
    """Tools that this machine has not, and without which the stack runs."""

    def port_names(self) -> tuple[str, ...]:
        """Every port the stack needs."""
        of_a_run = (RUN_PORT,) if any(part.name == "prometheus" for part in self.parts) else ()
        return (SUPERVISOR_PORT, *of_a_run, *(name for part in self.parts for name in part.ports))

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Plan:
        """Back from `to_json`."""
        parts = tuple(Part.from_json(p) for p in data["parts"])
        links = {link: (host, port) for link, (host, port) in data["links"].items()}
        texts = {"notes": tuple(data["notes"]), "missing": tuple(data.get("missing", ()))}
        return cls(**{**data, "parts": parts, "links": links, **texts})


def make_plan(
    selection: Selection,
    fronts: int,
    *,
    with_prometheus: bool,
    environment: Mapping[str, str],
    system: Sequence[Part] | None = None,
    more: Sequence[Part] = (),
    cells: int = 1,
) -> Plan:
    """Decide the parts; `more`: others beside the system, handed in.

    Raises EnvironmentNotReady for a tool that is missing or an external store that cannot be used, BadInput for a
    wrong address, and for a size that cannot be built.
    """
    _check_size(fronts, cells)
    hot_path()
    theirs = external.externals(environment, cells)
    parts: list[Part] = []
    missing: list[str] = []
    notes = [f"{part} is external ({external.variable(part)}): used as it is" for part in theirs]
    notes += external.not_used(environment, cells)
    notes += stores.check_stores(theirs, environment)
    parts += [
        table.valkey(str(tools.need("valkey-server")), config.VALKEY, cell)
        for cell in range(cells)
        if places.valkey(cell).name not in theirs
    ]
    if "postgres" not in theirs:
        command = postgres.as_ordinary_user((str(tools.need("postgres")),))
        parts.append(table.postgres(command, config.POSTGRES))
    links: dict[str, tuple[str, int]] = {}
    if selection == "all":
        if "toxiproxy" in theirs:
            have = external.proxies(theirs["toxiproxy"])
            wanted = [link.id for link in links_of(cells)]
            links = {link: have[link] for link in wanted if link in have}
            notes += [
                f"the external toxiproxy has no proxy {link}: that link is direct"
                for link in wanted
                if link not in have
            ]
        else:
            binary = str(tools.need("toxiproxy-server"))
            parts.append(table.toxiproxy(binary, tuple(link.id for link in links_of(cells))))
        parts += table.system(fronts, cells, pinned=fronts < max(2, len(spawn.cores()))) if system is None else system
        if with_prometheus:
            observers, missing = _observers(theirs)
            parts += observers
            notes += [
                f"{name} is missing: the stack runs without it (`xiu doctor` says how to get it)" for name in missing
            ]
            if "prometheus" in theirs or any(part.name == "prometheus" for part in observers):
                parts += [table.stores(cell) for cell in range(cells)]
        parts, notes = with_more(parts, notes, more, theirs)
        parts += detour.part(parts)
    started = {part.name for part in parts}
    parts = [dataclasses.replace(p, after=tuple(a for a in p.after if a in started)) for p in parts]
    receivers = people.people(environment)
    if receivers and selection == "all" and "alertmanager" not in started:
        notes.append("XIU_ALERT_… is set, and no Alertmanager of this stack's own runs: nobody is told of an alert")
    base = people.runbooks(environment, tools.ROOT / "docs")
    return Plan(selection, fronts, tuple(parts), theirs, links, tuple(notes), receivers, base, cells, tuple(missing))


def _check_size(fronts: int, cells: int) -> None:
    try:
        check_size(fronts, cells)
    except ValueError as exc:
        what, _, expected = str(exc).rpartition("; expected ")
        raise BadInput(what, expected=expected) from None


def with_more(
    parts: list[Part], notes: list[str], more: Sequence[Part], theirs: Mapping[str, str]
) -> tuple[list[Part], list[str]]:
    """The parts handed in beside the system; one that waits for alerts only where alerts are sent."""
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
    """Those of the stack's own, and the names of the tools that this machine has not."""
    parts, missing = [], []
    for name, make in (("alertmanager", table.alertmanager), ("prometheus", table.prometheus)):
        if name in theirs:
            # An external one that is away would leave a run without alerts, and nobody would know.
            external.need_observer(name, theirs[name])
            continue
        binary = tools.find(name)
        if binary is None:
            missing.append(name)
        else:
            parts.append(make(str(binary)))
    return parts, missing


@dataclass(frozen=True)
class Layout:
    """A plan with ports: ready to start."""

    parts: tuple[Part, ...]
    addresses: Addresses
    files: dict[Path, str]


def lay_out(plan: Plan, ports: Mapping[str, int], folder: Folder, password: str) -> Layout:
    """Fill in the ports."""
    own = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    urls = {**own, **_stores(plan, ports, password)}
    links = _links(plan, ports, urls)
    fronts = [place for place in map(read_place, own) if place is not None and place.role == "front"]
    values = {
        "folder": str(folder.path),
        "topology": json.dumps(
            {
                "fronts": [own[front.name] for front in fronts],
                "cells": [places.cell_of_front(front.number, plan.cells) for front in fronts],
            }
        ),
        **{f"{name.replace('-', '_')}_port": str(port) for name, port in ports.items()},
        **{f"{name.replace('-', '_')}_url": url for name, url in {**urls, **links}.items()},
    }
    parts = tuple(part.render(values) for part in plan.parts)
    addresses = Addresses(_directory(plan, parts, urls), links, detour.addresses(parts, ports))
    return Layout(parts, addresses, _files(plan, parts, ports, addresses, folder))


def _stores(plan: Plan, ports: Mapping[str, int], password: str) -> dict[str, str]:
    """Part → address, of stores and of what belongs to somebody."""
    logs = [places.valkey(cell).name for cell in range(plan.cells)]
    found = {name: f"valkey://127.0.0.1:{ports[name]}/0" for name in logs if name in ports}
    if "postgres" in ports:
        found["postgres"] = postgres.url(ports["postgres"], password)
    return found | plan.externals


def _links(plan: Plan, ports: Mapping[str, int], urls: Mapping[str, str]) -> dict[str, str]:
    """Link → the address its client uses: through its proxy, where there is one."""
    found = {}
    for link in links_of(plan.cells):
        direct = urls.get(link.behind)
        if direct is None:
            continue
        if link.id in plan.links:
            direct = external.through(direct, *plan.links[link.id])
        elif link.id in ports:
            direct = external.through(direct, "127.0.0.1", ports[link.id])
        found[link.id] = direct
    return found


def _directory(plan: Plan, parts: Sequence[Part], urls: Mapping[str, str]) -> Directory:
    """A row for each part, in the order of the table of names, then what stands beside the system."""
    started = {part.name: part for part in parts}
    known = [place.name for place in places.system(plan.fronts, plan.cells)]
    names = [name for name in known if name in started or name in plan.externals]
    names += [name for name in (*started, *plan.externals) if name not in names]
    rows = []
    for name in names:
        part, url = started.get(name), urls.get(name)
        metrics = None if part is None or part.metrics is None else f"http://{part.metrics}"
        row = read_place(name, plan.cells) or Place(name, "other")
        rows.append(dataclasses.replace(row, url=url, metrics_url=metrics, owned=part is not None))
    return Directory(tuple(rows))


def _files(
    plan: Plan, parts: Sequence[Part], ports: Mapping[str, int], addresses: Addresses, folder: Folder
) -> dict[Path, str]:
    names = {part.name for part in parts}
    files: dict[Path, str] = {}
    if "toxiproxy" in names:
        proxies = {
            link.id: (ports[link.id], external.endpoint(link.behind, end.url))
            for link in links_of(plan.cells)
            if (end := addresses.places.find(link.behind)) is not None and end.url is not None
        }
        files[folder.config / "toxiproxy.json"] = config.toxiproxy(proxies)
    files |= detour.files(folder, addresses)
    if "prometheus" in names:
        where = addresses.alertmanager_url
        rules = sorted((tools.ROOT / "dashboards" / "rules").glob("*.yml"))
        ours = {folder.config / f"rules-{file.name}": file.read_text(encoding="utf-8") for file in rules}
        files |= {file: people.with_runbooks(text, plan.runbooks) for file, text in ours.items()}
        for file, through in detour.prometheus_files(folder, addresses):
            files[file] = config.prometheus(
                addresses.places,
                rules=list(ours),
                more_targets=folder.targets,
                alertmanager=urlsplit(where).netloc if where else None,
                through=through,
                run=f"127.0.0.1:{ports[RUN_PORT]}",
            )
    if "alertmanager" in names:
        webhooks = [part.webhook for part in parts if part.webhook]
        files[folder.config / "alertmanager.yml"] = config.alertmanager(
            webhooks, folder.secret / "admin", plan.receivers
        )
    return files
