"""Run-time switches: read, changed, remembered, for each lane. Owns their history; bounds stand in the contract."""

from __future__ import annotations

import logging

from system.contract.api import SwitchChange
from system.contract.ids import LANES, Lane
from system.contract.switches import checked, defaults, lanes_of
from system.control.state import Control
from system.ledger.statements import statement

log = logging.getLogger("xiu.control")


async def change(control: Control, key: str, order: SwitchChange) -> dict[str, object]:
    """Sets a switch in the lane of the order, else in both: {"key", "value", "before"}; `lane` if one was named;
    `befores` by lane where they differed (`before` is then the live lane's).

    Raises BadRequest (unknown key, out of bounds, a lane where there is none), StoreUnknown.
    """
    value = checked(key, order.value)
    lanes = lanes_of(key, order.lane)
    async with control.pool.transaction("set a switch") as conn:
        # Held until the commit; both rows, always in one order, so that two changes never wait for each other.
        rows = await (await conn.execute(statement("control_switch_lock", "live"), {"key": key})).fetchall()
        was: dict[Lane, int] = dict.fromkeys(LANES, defaults()[key]) | {lane: int(old) for lane, old in rows}
        befores = {lane: was[lane] for lane in lanes}
        for lane in lanes:
            await conn.execute(statement("control_switch_set", "live"), {"key": key, "lane": lane, "value": value})
        one = len(set(befores.values())) == 1
        entry = {"key": key, "after": value, "who": order.who, "why": order.why, "at_us": control.clock()}
        for place, before in [(order.lane, befores[lanes[0]])] if one else list(befores.items()):
            changed = {**entry, "before": before, "lane": place}
            await conn.execute(statement("control_switch_log", "live"), changed)
    log.info("switch %s (%s): %s to %d, by %s", key, order.lane or "both lanes", befores, value, order.who,
             extra={"event": "switch_set"})  # fmt: skip
    await control.catch_up()
    told: dict[str, object] = {"key": key, "value": value, "before": befores[lanes[0]]}
    return told | ({"lane": order.lane} if order.lane else {}) | ({} if one else {"befores": befores})


async def history(control: Control, limit: int) -> list[dict[str, object]]:
    """Changes, newest first; `lane` None: both."""
    rows = await control.pool.fetch(statement("control_switch_history", "live"), {"limit": limit}, "read switches")
    names = ("id", "key", "lane", "before", "after", "who", "why", "at_us")
    return [dict(zip(names, row, strict=True)) for row in rows]
