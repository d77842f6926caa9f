"""A whole stack as a plan, laid out on made-up ports: nothing is started."""

from __future__ import annotations

from pathlib import Path

from harness.stack import table
from harness.stack.folder import Folder
from harness.stack.plan import Layout, Plan, lay_out
from harness.stack.table import Part
from system.contract.links import links_of

FOLDER = Folder(Path("/v/1"))


def everything(fronts: int = 2, cells: int = 1, **more: object) -> Plan:
    parts = (
        *(table.valkey("valkey-server", {"appendonly": "yes"}, cell) for cell in range(cells)),
        table.postgres(("postgres",), {"fsync": "on"}),
        table.toxiproxy("toxiproxy-server", tuple(link.id for link in links_of(cells))),
        *table.system(fronts, cells),
        table.alertmanager("alertmanager"),
        table.prometheus("prometheus"),
        *(table.stores(cell) for cell in range(cells)),
    )
    return Plan("all", fronts, parts, cells=cells, **more)  # type: ignore[arg-type]


def laid_out(what: Plan) -> Layout:
    return lay_out(what, {name: 11_000 + k for k, name in enumerate(what.port_names())}, FOLDER, "pw")


def part(layout: Layout, name: str) -> Part:
    return next(p for p in layout.parts if p.name == name)
