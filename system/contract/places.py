"""The parts of a red-packet system by name. Owns the names, their roles, and which cell and lane each one belongs to.

A cell has its own fronts, Valkey, credit workers and links; PostgreSQL, control, play and toxiproxy serve all cells.
Cell 0 has plain names (`valkey`, `credit-live`, `front-valkey`), every further cell adds its number (`valkey-1`). Front
k belongs to cell k mod N. No other module writes a part's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from system.contract.ids import LANES, Lane
from system.contract.numbers import whole_number
from system.contract.routing import FRONTS_MAX

Role = Literal[
    "valkey", "postgres", "toxiproxy", "control", "front", "credit", "play", "alertmanager", "prometheus", "stores",
    "watchdog", "playbook", "doubles", "toxiproxy-edge", "other",
]  # fmt: skip
"""What a part does. `stores`: the exporter of the stores; `toxiproxy-edge`: the second toxiproxy, on links that only
drills aimed at them lead through it; `doubles`: stand-ins for those outside; `other`: a part that somebody handed in.
"""
CELLS_MAX = FRONTS_MAX
ALONE: tuple[Role, ...] = ("postgres", "toxiproxy", "control", "play")
"""Roles of the system with one part each, whatever the number of cells."""
EDGE: Role = "toxiproxy-edge"
BESIDE: tuple[Role, ...] = ("alertmanager", "prometheus", "watchdog", "playbook", "doubles", EDGE)
"""Roles with one part each that watch or disturb the system, or stand in for others; the system works without them."""


@dataclass(frozen=True, slots=True)
class Place:
    """One part of a running system: what it is, where it answers, what it may be asked to do."""

    name: str
    role: Role
    cell: int | None = None
    """None: it serves every cell"""
    lane: Lane | None = None
    """None: it serves both lanes"""
    url: str | None = None
    """HTTP, or the store's address; None: not known, or nobody speaks to it"""
    metrics_url: str | None = None
    """where its /metrics, /healthz, /readyz are; None: it has none"""
    owned: bool = True
    """started by this stack; False: somebody else's, never touched"""

    @property
    def number(self) -> int:
        """A front's number in the topology. Raises ValueError for any other part."""
        if self.role != "front":
            raise ValueError(f"{self.name} is no front")
        return int(self.name.removeprefix("front-"))


def suffix(cell: int) -> str:
    """The suffix of names of this cell: nothing in cell 0."""
    return f"-{cell}" if cell else ""


def cell_of_front(front: int, cells: int) -> int:
    """The cell of front k where there are `cells` of them."""
    return front % cells


def valkey(cell: int = 0) -> Place:
    """The Valkey that holds a cell's win log."""
    return Place(f"valkey{suffix(cell)}", "valkey", cell)


def front(number: int, cells: int = 1) -> Place:
    """A front by its number in the topology."""
    return Place(f"front-{number}", "front", cell_of_front(number, cells))


def credit(lane: Lane, cell: int = 0) -> Place:
    """The credit worker of a cell and lane."""
    return Place(f"credit-{lane}{suffix(cell)}", "credit", cell, lane)


def exporter(cell: int = 0) -> Place:
    """The exporter of a cell's Valkey; that of cell 0 also reads PostgreSQL."""
    return Place(f"stores{suffix(cell)}", "stores", cell)


def valkey_variable(cell: int = 0) -> str:
    """The environment variable with the address of a cell's Valkey, for processes that use those of several cells."""
    return f"XIU_VALKEY_URL{suffix(cell).replace('-', '_')}"


def alone(role: Role) -> Place:
    """The only part of a role."""
    return Place(role, role)


def system(fronts: int = 1, cells: int = 1) -> tuple[Place, ...]:
    """Every part of a system of this size, no address filled in: stores, links, then the system's own processes."""
    return (
        *(valkey(cell) for cell in range(cells)),
        alone("postgres"),
        alone("toxiproxy"),
        alone("control"),
        *(front(k, cells) for k in range(fronts)),
        *(credit(lane, cell) for cell in range(cells) for lane in LANES),
        alone("play"),
    )


def check_size(fronts: int, cells: int) -> None:
    """Raises ValueError for a system that cannot be built, in words with what was expected."""
    if not 1 <= fronts <= FRONTS_MAX:
        raise ValueError(f"{fronts} fronts; expected 1 to {FRONTS_MAX}")
    if not 1 <= cells <= CELLS_MAX:
        raise ValueError(f"{cells} cells; expected 1 to {CELLS_MAX}")
    if cells > fronts:
        raise ValueError(f"{cells} cells but {fronts} fronts: a cell without a front; expected a front for each cell")


_FRONT = re.compile(r"front-(\d{1,3})")
_OF_CELL = re.compile(rf"(valkey|stores|credit-(?:{'|'.join(LANES)}))(?:-([1-9]\d{{0,2}}))?")


def read_place(name: str, cells: int = 1) -> Place | None:
    """The part of this name in a system of any size; None where no system has such a part.

    `cells`: how many the system has, for a front's cell.
    """
    if (found := _FRONT.fullmatch(name)) and whole_number(found[1], FRONTS_MAX - 1) is not None:
        return front(int(found[1]), cells)
    if found := _OF_CELL.fullmatch(name):
        cell, kind = int(found[2] or 0), found[1]
        lanes = [lane for lane in LANES if kind == f"credit-{lane}"]
        return credit(lanes[0], cell) if lanes else valkey(cell) if kind == "valkey" else exporter(cell)
    known = next((role for role in (*ALONE, *BESIDE) if role == name), None)
    return alone(known) if known else None


def of_role(
    places: Iterable[Place], role: Role, *, lane: Lane | None = None, cell: int | None = None
) -> Iterator[Place]:
    """Those of a role that serve this lane and this cell; None: any."""
    for place in places:
        if place.role == role and _serves(place.lane, lane) and _serves(place.cell, cell):
            yield place


def _serves(what: object, asked: object) -> bool:
    return what is None or asked is None or what == asked
