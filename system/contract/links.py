"""The links of the system: who talks to whom, by id. Each store link runs through toxiproxy, also when
no fault is planned. A link whose client or whose upstream belongs to a cell is there once for each cell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from system.contract import places

Upstream = Literal["valkey", "postgres", "control", "doubles", "front", "targets"]
Client = Literal["front", "credit", "control", "play", "client", "prometheus"]
OF_A_CELL = ("front", "credit", "valkey")
"""Roles that each cell has for itself."""


@dataclass(frozen=True, slots=True)
class Link:
    """`id` is `client-server`; `always` says that the proxy stands in the path of every run."""

    id: str
    client: Client
    upstream: Upstream
    always: bool = True
    cell: int | None = None
    """None: it serves every cell"""

    @property
    def behind(self) -> str:
        """Name of the part that stands behind it, of links to one part."""
        return places.valkey(self.cell or 0).name if self.upstream == "valkey" else self.upstream


def _link(client: Client, upstream: Upstream, *, always: bool = True) -> Link:
    of_cell = always and not {client, upstream}.isdisjoint(OF_A_CELL)
    return Link(f"{client}-{upstream}", client, upstream, always, 0 if of_cell else None)


LINKS: tuple[Link, ...] = (
    _link("front", "valkey"),
    _link("credit", "valkey"),
    _link("control", "valkey"),
    _link("credit", "postgres"),
    _link("play", "postgres"),
    _link("control", "postgres"),
    _link("front", "control"),
    _link("play", "doubles"),
    _link("client", "front", always=False),
    _link("prometheus", "targets", always=False),
)
"""Of a system of one cell."""
EDGE: tuple[Link, ...] = tuple(link for link in LINKS if not link.always)
"""Links of the system's edge: one id for all their ends, each end with a proxy of its own in the second toxiproxy."""
TO_FRONTS, TO_TARGETS = (link.id for link in EDGE)
_BY_ID = {link.id: link for link in LINKS}
_NAME = re.compile(r"([a-z]+-[a-z]+)(?:-([1-9]\d{0,2}))?")


def links_of(cells: int = 1) -> tuple[Link, ...]:
    """Every link that is always in the path, in a system of so many cells."""
    always = [link for link in LINKS if link.always]
    return tuple(in_cell(link, cell) for cell in range(cells) for link in always if link.cell is not None or not cell)


def in_cell(link: Link, cell: int) -> Link:
    """The same link in another cell; itself where it serves all of them."""
    return link if link.cell is None else replace(link, id=f"{_plain(link.id)}{places.suffix(cell)}", cell=cell)


def link_between(client: Client, upstream: Upstream, cell: int = 0) -> Link:
    """The link of these two ends in a cell. Raises StopIteration where nobody speaks so."""
    return in_cell(next(link for link in LINKS if (link.client, link.upstream) == (client, upstream)), cell)


def proxy_of(link: str, part: str) -> str:
    """Name of the proxy of one end of a link of the edge."""
    return f"{link}.{part}"


def _plain(name: str) -> str:
    found = _NAME.fullmatch(name)
    return found[1] if found else name


def read_link(name: str) -> Link | None:
    """The link of this name in a system of any size; None where there is no such link."""
    found = _NAME.fullmatch(name)
    plain = _BY_ID.get(found[1]) if found else None
    if plain is None or found is None or not found[2]:
        return plain
    return None if plain.cell is None else in_cell(plain, int(found[2]))


def size_for(name: str) -> tuple[int, int]:
    """(fronts, cells) of the smallest system that has the part or link of this name."""
    place, link = places.read_place(name), read_link(name)
    if place is not None and place.role == "front":
        return place.number + 1, 1
    cell = (place.cell if place is not None else link.cell if link is not None else 0) or 0
    return cell + 1, cell + 1
