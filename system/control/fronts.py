"""Fronts: their starts (instances) and their syncs. Owns which start of a front is the newest.

Every call of an older instance is answered *superseded*. Source: docs/money.md, "Who owns what".
"""

from __future__ import annotations

import logging

from system.contract.api import Registered, StreamReport
from system.contract.errors import Conflict, Superseded
from system.contract.programme import ClockReading
from system.control import counts
from system.control.state import ControlContext, FrontReport
from system.ledger.access import Connection
from system.ledger.statements import statement

log = logging.getLogger("xiu.control")


async def register(control: ControlContext, front: int) -> Registered:
    """The number of this start. Every older one is superseded from the commit on."""
    control.need_front(front)
    params = {"front": front, "now_us": control.clock()}
    async with control.pool.transaction("register a front") as conn:
        row = await (await conn.execute(statement("control_register", "live"), params)).fetchone()
        assert row is not None
        instance = int(row[0])
        await counts.begin(conn, front, instance, params["now_us"])
    # A late answer to an older registration must not overwrite a newer one in the view.
    control.view.instances[front] = max(instance, control.view.instances.get(front, 0))
    log.info("front %d registered, instance %d", front, instance, extra={"event": "front_registered"})
    return Registered(instance=instance)


async def sync(
    control: ControlContext,
    front: int,
    instance: int,
    streams: tuple[StreamReport, ...],
    lanes: bool = False,
    clock: ClockReading | None = None,
) -> str:
    """A SyncAnswer as JSON text, from memory alone, with `lanes` if asked. `clock`: what the front knows of control's.
    Raises Superseded for an older instance.
    """
    control.need_front(front)
    view = control.need_view()
    if instance > view.instances.get(front, 0):
        await control.refresh()
    newest = view.instances.get(front, 0)
    refuse_older(front, instance, newest)
    now = control.clock()
    view.seen[front] = FrontReport(instance, now, streams, clock)
    return f'{{"now_us":{now}{view.sync_tail(front, now, lanes, control.settings.topology.cells[front])}'


def refuse_older(front: int, instance: int, newest: int) -> None:
    """Raises Superseded for an older instance, Conflict for one that never registered."""
    if instance < newest:
        raise Superseded(f"front {front}: instance {newest} is newer than {instance}")
    if instance > newest:
        raise Conflict(f"front {front}: instance {instance} never registered, the newest is {newest}")


async def hold_instance(conn: Connection, front: int, instance: int) -> None:
    """Inside a transaction: the newest instance is `instance`, and stays it until the commit.

    First lock of every transaction for a front. Raises Superseded, Conflict.
    """
    row = await (await conn.execute(statement("control_instance_lock", "live"), {"front": front})).fetchone()
    refuse_older(front, instance, int(row[0]) if row else 0)
