"""The edge's links led through the second toxiproxy for a while: client→front, prometheus→targets.

The proxy rests until somebody leads a link through it: in every other run it would cost latency and prove nothing. What
Prometheus scrapes is its configuration's doing, exchanged and read again, and looked at until it is so; the generator
asks where to fire (`Addresses.edge`). Who leads a link there leads it back: `chaos/detour.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from harness.errors import BadInput, EnvironmentNotReady
from harness.stack import config, table, tools
from harness.stack.addresses import Addresses
from harness.stack.folder import Folder, write_private
from harness.stack.keeper import Keeper
from harness.stack.table import Part
from system.contract.links import EDGE, TO_FRONTS, TO_TARGETS, proxy_of
from system.contract.places import EDGE as PART
from system.contract.places import Role, read_place

ASK_S, TAKEN_S, POLL_S = 2.0, 30.0, 0.1
"""Prometheus takes new targets over every five seconds."""
DIRECT, THROUGH = "prometheus.yml", "prometheus-edge.yml"


def ends(parts: Sequence[Part]) -> dict[str, tuple[str, ...]]:
    """Link of the edge → the parts at its end; a link without any is left out."""
    named = {part.name: part for part in parts}
    found = {TO_FRONTS: tuple(name for name in named if _role(name) == "front")}
    if "prometheus" in named:
        # Itself it asks without leaving its process.
        scraped = (part.name for part in parts if part.metrics is not None and part.name != "prometheus")
        found[TO_TARGETS] = tuple(scraped)
    return {link: names for link, names in found.items() if names}


def _role(name: str) -> Role | None:
    place = read_place(name)
    return None if place is None else place.role


def part(parts: Sequence[Part]) -> list[Part]:
    """The second toxiproxy of a stack of these parts; none where it has no edge, or no toxiproxy is installed."""
    binary = tools.find("toxiproxy-server")
    proxies = tuple(proxy_of(link, name) for link, names in ends(parts).items() for name in names)
    return [table.edge(str(binary), proxies)] if binary is not None and proxies else []


def addresses(parts: Sequence[Part], ports: Mapping[str, int]) -> dict[str, dict[str, str]]:
    """See `Addresses.edge`."""
    found = {
        link: {name: f"http://127.0.0.1:{ports[one]}" for name in names if (one := proxy_of(link, name)) in ports}
        for link, names in ends(parts).items()
    }
    return {link: ways for link, ways in found.items() if ways}


def files(folder: Folder, at: Addresses) -> dict[Path, str]:
    """The second toxiproxy's configuration."""
    proxies = {}
    for link, ways in at.edge.items():
        for name, way in ways.items():
            place = at.places.place(name)
            direct = place.url if link == TO_FRONTS else place.metrics_url
            proxies[proxy_of(link, name)] = urlsplit(way).port or 0, urlsplit(direct or "").netloc
    return {folder.config / f"{PART}.json": config.toxiproxy(proxies)} if proxies else {}


def prometheus_files(folder: Folder, at: Addresses) -> Iterator[tuple[Path, Mapping[str, str]]]:
    """Prometheus's configuration and, where it can be led through the proxy, the one for that: file, part → way."""
    yield folder.config / DIRECT, {}
    if TO_TARGETS in at.edge:
        yield folder.config / THROUGH, at.edge[TO_TARGETS]


class Laid(Protocol):
    """What of a `Layout` is asked for."""

    @property
    def addresses(self) -> Addresses: ...

    @property
    def files(self) -> dict[Path, str]: ...


class Detour:
    """The supervisor's: which links are led through the proxy now. One change at a time."""

    def __init__(self, layout: Laid, keepers: Mapping[str, Keeper], write_down: Callable[[], None]) -> None:
        self.links: tuple[str, ...] = ()
        self._at, self._files = layout.addresses, layout.files
        self._keepers, self._write_down = keepers, write_down
        self._one = asyncio.Lock()

    async def lead(self, links: Iterable[str]) -> None:
        """Exactly these. Raises BadInput, EnvironmentNotReady: then what is led there is not known to all, and is told
        as led; the same again may help.
        """
        wanted = tuple(dict.fromkeys(links))
        for link in wanted:
            if link not in self._at.edge:
                known = ", ".join(self._at.edge) or f"one of a stack that has {', '.join(one.id for one in EDGE)}"
                raise BadInput(f"{link} cannot be led through a proxy here", expected=known)
        async with self._one:
            keeper = self._keepers.get(PART)
            if keeper is None:
                return
            self.links = tuple(dict.fromkeys((*self.links, *wanted)))
            if wanted:
                await keeper.wake()
            if TO_TARGETS in self.links:
                await self._lead_prometheus(through=TO_TARGETS in wanted)
            if not wanted:
                await keeper.rest()
            self.links = wanted
            self._write_down()

    async def _lead_prometheus(self, *, through: bool) -> None:
        url, keeper = self._at.prometheus_url, self._keepers["prometheus"]
        file = next(path for path in self._files if path.name == DIRECT)
        text = self._files[file.with_name(THROUGH) if through else file]
        try:
            if file.read_text(encoding="utf-8") != text:
                write_private(file, text)
        except OSError as exc:
            raise EnvironmentNotReady(f"{file} cannot be written: {exc.strerror or exc}") from exc
        if url is not None and keeper.pid is not None:
            await asyncio.to_thread(self._reload, url, through=through)

    def _reload(self, url: str, *, through: bool) -> None:
        """Reads its configuration again, and scrapes every target as that says. Raises EnvironmentNotReady."""
        import requests

        from harness import loopback  # by the few stacks in which something is led that way

        ways = {urlsplit(way).netloc for way in self._at.edge[TO_TARGETS].values()}
        names, until = set(self._at.edge[TO_TARGETS]), time.monotonic() + TAKEN_S
        if not _as_meant(url, names, ways, through=through):
            try:
                with loopback.session(ASK_S) as session:
                    session.post(f"{url}/-/reload").raise_for_status()
            except requests.RequestException as exc:
                raise EnvironmentNotReady(f"prometheus: its configuration was not read again: {exc}") from exc
        while not _as_meant(url, names, ways, through=through):
            if time.monotonic() > until:
                raise EnvironmentNotReady(f"prometheus: its targets are not as configured within {TAKEN_S:g} s")
            time.sleep(POLL_S)


def _as_meant(url: str, names: set[str], ways: set[str], *, through: bool) -> bool:
    """Has every target been scraped the way that is meant, and none is any more in the other?"""
    import requests

    from harness import loopback

    try:
        rows: list[dict[str, Any]] = loopback.get(f"{url}/api/v1/targets?state=active", ASK_S).json()["data"][
            "activeTargets"
        ]
        mine = [row for row in rows if row["labels"].get("part") in names]
        led = {urlsplit(row["scrapeUrl"]).netloc in ways for row in mine}
        return led == {through} and all(row["health"] != "unknown" for row in mine) and len(mine) >= len(names)
    except (requests.RequestException, ValueError, KeyError, TypeError):
        return False
