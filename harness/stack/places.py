"""The directory of a running system: one row for each part, with its name, role, address and owner.

Rows come from the layout of a stack, or from what is known of a system elsewhere. Opens no connection.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from harness.errors import BadInput, closest
from system.contract import places
from system.contract.ids import Lane
from system.contract.places import Place, Role, of_role


@dataclass(frozen=True, slots=True)
class Directory:
    """Rows in a fixed order; each name stands once."""

    rows: tuple[Place, ...] = ()

    def __iter__(self) -> Iterator[Place]:
        return iter(self.rows)

    def find(self, name: str) -> Place | None:
        """The part of this name, None where this system has none."""
        return next((place for place in self.rows if place.name == name), None)

    def place(self, name: str) -> Place:
        """The part of this name. Raises BadInput with the names there are."""
        found = self.find(name)
        if found is None:
            raise no_place(name, [place.name for place in self.rows])
        return found

    def of(self, role: Role, *, lane: Lane | None = None, cell: int | None = None) -> tuple[Place, ...]:
        """Those of a role that serve this lane and this cell; None: any."""
        return tuple(of_role(self.rows, role, lane=lane, cell=cell))

    def url(self, role: Role) -> str | None:
        """Address of the first part of a role; None where there is none, or it is not known."""
        return next((place.url for place in self.of(role)), None)

    @property
    def cells(self) -> int:
        """How many cells the system has, at least one."""
        return max((place.cell + 1 for place in self.rows if place.cell is not None), default=1)

    def switch_readers(self, role: str, lane: Lane, cell: int | None = None) -> tuple[Place, ...]:
        """The processes of a role (`front`, `credit`) that read switches for a lane and show them on /metrics; of one
        `cell`, or of all.
        """
        mine = (place for place in self.rows if place.role == role and place.lane in (None, lane))
        return tuple(place for place in mine if cell is None or place.cell in (None, cell))

    def to_json(self) -> list[dict[str, Any]]:
        """As plain JSON data."""
        return [dataclasses.asdict(place) for place in self.rows]

    @classmethod
    def from_json(cls, data: Iterable[Mapping[str, Any]]) -> Directory:
        """Back from `to_json`."""
        return cls(tuple(Place(**row) for row in data))


def no_place(name: str, known: Iterable[str]) -> BadInput:
    """The one sentence about a part that does not exist."""
    names = list(known)
    return BadInput(
        f"this stack has no part {name}", expected="one of " + ", ".join(names), did_you_mean=closest(name, names)
    )


def ready_url(place: Place) -> str | None:
    """Where a part is asked whether it is ready, as `harness.stack.probes` reads it; None: it cannot be asked."""
    if place.url is None:
        return None
    match place.role:
        case "valkey":
            return place.url.replace("redis://", "valkey://", 1)
        case "postgres":
            return place.url.replace("postgresql://", "postgres://", 1)
        case "toxiproxy":
            return f"{place.url}/version"
        case "prometheus" | "alertmanager":
            return f"{place.url}/-/ready"
        case _:
            return f"{place.url}/readyz"


def by_hand(
    stores: Mapping[str, str],
    fronts: Iterable[str] = (),
    front_metrics: Iterable[str] = (),
    credit: Mapping[str, str] = {},
    others: Mapping[Role, str | None] = {},
    *,
    owned: bool = True,
) -> Directory:
    """A directory of one cell from single addresses: of a system elsewhere, or of a part of a stack.

    `stores`: valkey, postgres; `credit`: lane → address; `others`: role → address, left out where it is None.
    """
    rows = [dataclasses.replace(_named(name), url=url) for name, url in stores.items()]
    pairs = enumerate(zip_longest(fronts, front_metrics))
    rows += [dataclasses.replace(places.front(k), url=url, metrics_url=metrics) for k, (url, metrics) in pairs]
    rows += [dataclasses.replace(_named(f"credit-{lane}"), url=url, metrics_url=url) for lane, url in credit.items()]
    rows += [
        dataclasses.replace(_named(role), url=url, metrics_url=url) for role, url in others.items() if url is not None
    ]
    return Directory(tuple(dataclasses.replace(row, owned=owned) for row in rows))


def _named(name: str) -> Place:
    return places.read_place(name) or Place(name, "other")
