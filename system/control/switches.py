"""Run-time switches: read, changed, remembered. Owns persistence and history; bounds stand in the contract."""

from __future__ import annotations

import logging

from system.contract.api import SwitchChange
from system.contract.switches import checked, defaults
from system.control.state import Control
from system.ledger.statements import statement

log = logging.getLogger("xiu.control")


async def change(control: Control, key: str, order: SwitchChange) -> dict[str, object]:
    """Sets a switch; {"key", "value", "before"}. Raises BadRequest (unknown key, out of bounds), StoreUnknown."""
    value = checked(key, order.value)
    params = {"key": key, "value": value}
    async with control.pool.transaction("set a switch") as conn:
        row = await (await conn.execute(statement("control_switch_lock", "live"), params)).fetchone()
        before = int(row[0]) if row else defaults()[key]
        await conn.execute(statement("control_switch_set", "live"), params)
        entry = {
            "key": key,
            "before": before,
            "after": value,
            "who": order.who,
            "why": order.why,
            "at_us": control.clock(),
        }
        await conn.execute(statement("control_switch_log", "live"), entry)
    log.info("switch %s: %d to %d, by %s", key, before, value, order.who, extra={"event": "switch_set"})
    await control.refresh()
    return {"key": key, "value": value, "before": before}


async def history(control: Control, limit: int) -> list[dict[str, object]]:
    """Changes, newest first."""
    rows = await control.pool.fetch(statement("control_switch_history", "live"), {"limit": limit}, "read switches")
    names = ("id", "key", "before", "after", "who", "why", "at_us")
    return [dict(zip(names, row, strict=True)) for row in rows]
