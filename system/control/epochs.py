"""Epochs: who may write a stream. Owns the order: (1) take the number and abandon older leases, (2) raise the fence,
(3) store `granted`, (4) answer.

No number is raised twice, whatever became of the first raise. Source: docs/money.md, "Epoch". Locks, in this order:
instance, round, stream.
"""

from __future__ import annotations

import logging

from system.contract.api import EpochGranted
from system.contract.errors import Conflict, RoundOver, StoreUnknown, UnknownRound
from system.contract.ids import Lane
from system.control.fronts import hold_instance
from system.control.state import ControlContext
from system.ledger.access import Connection
from system.ledger.statements import statement
from system.winlog import StaleEpoch

RAISES_MAX = 2
"""Numbers tried for one request before the front gets the answer that the store is away."""

log = logging.getLogger("xiu.control")


async def grant_epoch(control: ControlContext, round_id: int, front: int, instance: int) -> EpochGranted:
    """A new epoch of the stream, its fence raised. Granted also while closing, not when closed.

    Raises Superseded, RoundOver, Conflict (a newer number was taken meanwhile), StoreUnknown, StoreRefused.
    """
    control.need_front(front)
    lane = await control.lane_of(round_id)
    known, failure = 0, StoreUnknown("no fence raised")
    async with control.epoch_turns[round_id, front]:
        for _ in range(RAISES_MAX):
            epoch, cell = await _take(control, lane, round_id, front, instance, known)
            try:
                await control.winlog.stream(cell, lane, round_id, front).raise_fence(epoch)
            except StaleEpoch as exc:
                known, failure = exc.known, StoreUnknown(str(exc))
            except StoreUnknown as exc:
                # It may be raised, now or later: this number is never used again.
                failure = exc
                log.warning(
                    "fence of epoch %d of round %d, front %d: no answer, taking the next", epoch, round_id, front,
                    extra={"event": "fence_unknown"},
                )  # fmt: skip
            else:
                await _grant(control, lane, round_id, front, instance, epoch)
                return EpochGranted(epoch=epoch)
    raise failure


async def _take(
    control: ControlContext, lane: Lane, round_id: int, front: int, instance: int, known: int
) -> tuple[int, int]:
    """(epoch, cell): the next number, committed; leases of older epochs abandoned, the confirmation cancelled."""
    params = {"round": round_id, "front": front, "known": known}
    async with control.pool.transaction("take an epoch") as conn:
        await hold_instance(conn, front, instance)
        await hold_round_open(conn, lane, round_id)
        row = await (await conn.execute(statement("control_epoch_take", lane), params)).fetchone()
        if row is None:
            raise UnknownRound(f"round {round_id} has no stream of front {front}")
        epoch, cell = int(row[0]), int(row[1])
        await conn.execute(statement("control_epoch_abandon", lane), params | {"epoch": epoch})
    return epoch, cell


async def _grant(control: ControlContext, lane: Lane, round_id: int, front: int, instance: int, epoch: int) -> None:
    params = {"round": round_id, "front": front, "epoch": epoch}
    async with control.pool.transaction("grant an epoch") as conn:
        await hold_instance(conn, front, instance)
        await hold_round_open(conn, lane, round_id)
        if await (await conn.execute(statement("control_epoch_grant", lane), params)).fetchone() is None:
            raise Conflict(f"round {round_id}, front {front}: a newer epoch than {epoch} was taken; ask again")
    view = control.view
    view.granted[round_id, front] = max(epoch, view.granted.get((round_id, front), 0))
    view.changed()
    control.meters.epochs.labels(lane).inc()
    log.info("epoch %d of round %d granted to front %d", epoch, round_id, front, extra={"event": "epoch_granted"})


async def hold_round_open(conn: Connection, lane: Lane, round_id: int) -> str:
    """Inside a transaction: the round's state, kept until the commit. Raises UnknownRound, RoundOver when closed."""
    row = await (await conn.execute(statement("control_round_share", lane), {"round": round_id})).fetchone()
    if row is None:
        raise UnknownRound(f"no round {round_id}")
    if row[0] == "closed":
        raise RoundOver(f"round {round_id} is closed")
    return str(row[0])
