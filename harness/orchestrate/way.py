"""The generator's way to the fronts: straight, or through the second toxiproxy while a drill leads client→front there.

The proxy's own share of a round trip is measured beside, for the record: response times are judged as ever, from the
intended start and with that share in them.
"""

from __future__ import annotations

import socket
import statistics
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from harness.stack import Stack
from system.contract.links import TO_FRONTS

TRIPS = 25
ASK_S = 1.0
QUESTION = b"GET /healthz HTTP/1.1\r\nHost: way\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Way:
    """`ends`: a front's address → where it is fired at; empty: straight. `share_ms`: what the proxy adds to a round
    trip by itself; None: not measured.
    """

    ends: Mapping[str, str] = field(default_factory=dict)
    share_ms: float | None = None
    links: tuple[str, ...] = ()
    """Every link of the edge that is led through the proxy, prometheus→targets too."""

    def to(self, front_url: str) -> str:
        """Where the generator fires for this front."""
        return self.ends.get(front_url.rstrip("/"), front_url)

    @property
    def shares_ms(self) -> dict[str, float | None]:
        """As the record's environment has it: link → share."""
        return {link: self.share_ms if link == TO_FRONTS else None for link in self.links}

    @property
    def notes(self) -> tuple[str, ...]:
        """As the report tells it."""
        if not self.ends:
            return ()
        share = "not measured" if self.share_ms is None else f"{self.share_ms:.2f} ms of each round trip"
        return (f"{TO_FRONTS} goes through a second toxiproxy, whose own share is {share}",)


STRAIGHT = Way()


def way_of(stack: Stack) -> Way:
    """As the stack's links are led now."""
    links = stack.detours
    if TO_FRONTS not in links:
        return Way(links=links)
    addresses = stack.addresses
    urls = {place.name: place.url for place in addresses.places.of("front") if place.url}
    ends = {urls[name].rstrip("/"): way for name, way in addresses.edge[TO_FRONTS].items() if name in urls}
    return Way(ends, _share_ms(ends), links)


def _share_ms(ends: Mapping[str, str]) -> float | None:
    """Median by way of the proxy less median of the straight one, asked in turn; over all fronts."""
    straight, through = [], []
    for front, way in ends.items():
        for _ in range(TRIPS):
            straight.append(_trip_ms(front))
            through.append(_trip_ms(way))
    known = [[trip for trip in trips if trip is not None] for trips in (straight, through)]
    if any(len(trips) < TRIPS for trips in known):
        return None
    return round(max(0.0, statistics.median(known[1]) - statistics.median(known[0])), 3)


def _trip_ms(url: str) -> float | None:
    """One question on a connection that is open already; None: no answer."""
    at = urlsplit(url)
    with suppress(OSError), socket.create_connection((at.hostname or "127.0.0.1", at.port or 80), ASK_S) as wire:
        wire.settimeout(ASK_S)
        for _ in range(2):
            began = time.perf_counter()
            wire.sendall(QUESTION)
            if not wire.recv(4096):
                return None
        return (time.perf_counter() - began) * 1000
    return None
