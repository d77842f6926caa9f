"""Run-time switches: read, changed and stored, for each lane. Owns their history; the bounds are in the contract."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from system.contract.api import SwitchChange
from system.contract.errors import StoreRefused, StoreUnknown
from system.contract.ids import LANES, Lane
from system.contract.switches import checked, defaults, is_red, lanes_of, need_cell
from system.control.state import ControlContext
from system.ledger.access import Connection
from system.ledger.statements import statement

log = logging.getLogger("xiu.control")


async def change(control: ControlContext, key: str, order: SwitchChange) -> dict[str, object]:
    """Sets a switch in the lane of the order, else in both: {"key", "value", "before"}; `lane` and `cell` if named;
    `befores` by lane where they differed (`before` is then the live lane's); `held` where it could not be stored yet.

    Raises BadRequest (unknown key, out of bounds, a lane where there is none), StoreUnknown, StoreRefused.
    """
    value = checked(key, order.value)
    lanes = lanes_of(key, order.lane)
    if order.cell is not None:
        need_cell(key, order.cell, max(control.settings.topology.cells) + 1)
    if not is_red(key, value):
        async with control.red_turn:
            return await _lift(control, key, await _write(control, key, value, order, lanes))
    before = control.view.switches["live"][key]
    try:
        # No lock: a change that stops something waits for nothing.
        return await _lift(control, key, await _write(control, key, value, order, lanes))
    except (StoreUnknown, StoreRefused) as exc:
        if not control.view.loaded:
            raise
        # Stopping never waits for the disk: also when the ledger cannot be written, fronts get the value at their next
        # sync.
        control.hold(key, order)
        log.warning("switch %s: %d holds, not written yet: %s", key, value, exc, extra={"event": "switch_held"})
        return {"key": key, "value": value, "before": before, "held": str(exc)}


async def _lift(control: ControlContext, key: str, document: dict[str, object]) -> dict[str, object]:
    """The stored value holds now; the held one does no more."""
    if control.red.pop(key, None) is not None:
        await control.catch_up()
    return document


async def write_held(control: ControlContext) -> None:
    """Stores the held values. Raises StoreUnknown, StoreRefused while that fails."""
    async with control.red_turn:
        for key, order in list(control.red.items()):
            await _write(control, key, order.value, order, LANES)
            control.red.pop(key, None)


async def _write(
    control: ControlContext, key: str, value: int, order: SwitchChange, lanes: tuple[Lane, ...]
) -> dict[str, object]:
    async with control.pool.transaction("set a switch") as conn:
        # Locked until the commit; both rows, always in one order, so that two changes cannot deadlock.
        rows = await (await conn.execute(statement("control_switch_lock", "live"), {"key": key})).fetchall()
        was: dict[Lane, int] = dict.fromkeys(LANES, defaults()[key]) | {lane: int(old) for lane, old in rows}
        befores = {lane: was[lane] for lane in lanes}
        if order.cell is not None:
            befores = await _write_cell(conn, key, value, order.cell, befores)
        for lane in lanes if order.cell is None else ():
            await conn.execute(statement("control_switch_set", "live"), {"key": key, "lane": lane, "value": value})
        one = len(set(befores.values())) == 1
        entry = {"key": key, "after": value, "who": order.who, "why": order.why, "at_us": control.clock()}
        for place, before in [(order.lane, befores[lanes[0]])] if one else list(befores.items()):
            changed = {**entry, "before": before, "lane": place, "cell": order.cell}
            await conn.execute(statement("control_switch_log", "live"), changed)
    log.info("switch %s (%s): %s to %d, by %s", key, order.lane or "both lanes", befores, value, order.who,
             extra={"event": "switch_set"})  # fmt: skip
    await control.catch_up()
    document: dict[str, object] = {"key": key, "value": value, "before": befores[lanes[0]]}
    document |= {} if order.cell is None else {"cell": order.cell}
    return document | ({"lane": order.lane} if order.lane else {}) | ({} if one else {"befores": befores})


async def _write_cell(
    conn: Connection, key: str, value: int, cell: int, followed: Mapping[Lane, int]
) -> dict[Lane, int]:
    """Sets the cell's own value in these lanes; a value that the lane has is none: the cell follows. Returns what held
    in the cell before, by lane. `followed`: the lanes' values, their rows locked.
    """
    at: dict[str, object] = {"key": key, "cell": cell}
    rows = await (await conn.execute(statement("control_switch_cell_lock", "live"), at)).fetchall()
    own = {lane: int(old) for lane, old in rows}
    for lane, lane_value in followed.items():
        do = "control_switch_cell_follow" if value == lane_value else "control_switch_cell_set"
        more = {} if value == lane_value else {"value": value}
        await conn.execute(statement(do, "live"), {**at, "lane": lane, **more})
    return {lane: own.get(lane, lane_value) for lane, lane_value in followed.items()}


async def history(control: ControlContext, limit: int) -> list[dict[str, object]]:
    """Changes, newest first; `lane` None: both; `cell` None: every one without a value of its own."""
    rows = await control.pool.fetch(statement("control_switch_history", "live"), {"limit": limit}, "read switches")
    names = ("id", "key", "lane", "cell", "before", "after", "who", "why", "at_us")
    return [dict(zip(names, row, strict=True)) for row in rows]
