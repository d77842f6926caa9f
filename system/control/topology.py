"""The topology: which fronts and cells there are. Owns its versions; refuses a change while a round is not closed."""

from __future__ import annotations

import logging

from psycopg.types.json import Jsonb

from system.contract.errors import SettingsError
from system.contract.ids import LANES
from system.control.state import ControlContext
from system.ledger.statements import statement

log = logging.getLogger("xiu.control")


async def settle(control: ControlContext) -> None:
    """Stores the topology of the settings as a new version if it differs from the newest one.

    Addresses alone may change at any time, since users keep their front. Raises SettingsError when fronts or cells
    change while a round is not closed.
    """
    wanted = control.settings.topology
    fronts, cells = list(wanted.fronts), list(wanted.cells)
    async with control.pool.transaction("settle the topology") as conn:
        row = await (await conn.execute(statement("control_topology_read", "live"))).fetchone()
        if row is not None and (row[1], row[2]) == (fronts, cells):
            control.view.topology_version = row[0]
            return
        if row is not None and row[2] != cells:
            for lane in LANES:
                going = await (await conn.execute(statement("control_rounds_open", lane))).fetchone()
                if going and going[0]:
                    raise SettingsError(
                        f"XIU_TOPOLOGY has cells {cells}, but {going[0]} rounds of lane {lane} are not closed "
                        f"with cells {row[2]}; close them first"
                    )
        version = row[0] + 1 if row is not None else 1
        params = {"version": version, "fronts": Jsonb(fronts), "cells": Jsonb(cells)}
        await conn.execute(statement("control_topology_insert", "live"), params)
    control.view.topology_version = version
    log.info("topology version %d: %d fronts", version, len(fronts), extra={"event": "topology"})
