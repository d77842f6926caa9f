"""A front's stream: what the ledger holds of it, and the front's confirmation that it has settled.

Refuses confirmations before the close, of other epochs than the granted one, and of a smaller id than before. Source:
docs/money.md, "Epoch" (rebuild) and "Close" (1).
"""

from __future__ import annotations

import asyncio
import base64
import logging
from typing import Any

import numpy as np

from system.contract.api import ConfirmRequest, LedgerView
from system.contract.errors import Conflict, UnknownRound
from system.contract.ids import Lane
from system.contract.records import FLAG_STRESS, WIN_DTYPE
from system.control.fronts import hold_instance, refuse_older
from system.control.state import ControlContext
from system.ledger.access import read_again
from system.ledger.statements import statement

COLUMNS = ("packet", "uid", "fen", "sponsor", "time_us")
ROW_BYTES = 8 * len(COLUMNS)
LEDGER_TIMEOUT_S = 60.0

log = logging.getLogger("xiu.control")


async def ledger_view(control: ControlContext, round_id: int, front: int, instance: int) -> str:
    """A LedgerView as JSON text, from one snapshot of the ledger.

    Raises Superseded for an older instance: to it, postings of a newer one would look like a contradiction.
    """
    control.need_front(front)
    lane = await control.lane_of(round_id)
    row, blocks, held = await read_again(lambda: _snapshot(control, lane, round_id, front, instance))
    posted, suspended = (len(block) // ROW_BYTES for block in blocks)
    model = LedgerView(
        offset_epoch=row[0],
        offset_sequence=row[1],
        granted=row[2],
        state=row[3],
        posted=posted,
        suspended=suspended,
        held=held,
        records="",
    )
    records = await asyncio.to_thread(lambda: base64.b64encode(records_of(lane, b"".join(blocks))).decode())
    return model.model_dump_json().removesuffix('""}') + f'"{records}"}}'


async def _snapshot(
    control: ControlContext, lane: Lane, round_id: int, front: int, instance: int
) -> tuple[tuple[Any, ...], list[bytes], int]:
    """(row of control_stream_view, packed postings and suspense, how many of suspense have money), of one moment."""
    key = {"round": round_id, "front": front}
    async with control.pool.transaction("read a stream's ledger", timeout_s=LEDGER_TIMEOUT_S) as conn:
        await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        newest = await (await conn.execute(statement("control_instance", "live"), {"front": front})).fetchone()
        refuse_older(front, instance, int(newest[0]) if newest else 0)
        row = await (await conn.execute(statement("control_stream_view", lane), key)).fetchone()
        if row is None:
            raise UnknownRound(f"round {round_id} has no stream of front {front}")
        blocks, held = [], 0
        for name in ("control_stream_posting", "control_stream_suspense"):
            packed, *counts = await (await conn.execute(statement(name, lane), key, binary=True)).fetchone() or (b"",)
            blocks.append(bytes(packed or b""))
            held = int(counts[0]) if counts else 0
    return row, blocks, held


def records_of(lane: Lane, rows: bytes) -> bytes:
    """Rows of five big-endian numbers as WIN_DTYPE. A record in suspense keeps any bits it came with."""
    numbers = np.frombuffer(rows, dtype=">i8").reshape(-1, len(COLUMNS)).astype(np.int64).view(np.uint64)
    out = np.zeros(len(numbers), dtype=WIN_DTYPE)
    for at, name in enumerate(COLUMNS):
        out[name] = numbers[:, at]
    if lane == "stress":
        out["flags"] = FLAG_STRESS
    return out.tobytes()


async def confirm(control: ControlContext, round_id: int, front: int, body: ConfirmRequest) -> None:
    """Takes the front's confirmation: settled, awards no more, its stream ends at this id. Safe to repeat.

    Raises Superseded, Conflict (not closing yet, another epoch than the granted, a smaller id than before).
    """
    control.need_front(front)
    lane = await control.lane_of(round_id)
    key = {"round": round_id, "front": front}
    async with control.pool.transaction("confirm a stream") as conn:
        await hold_instance(conn, front, body.instance)
        row = await (await conn.execute(statement("control_round_share", lane), key)).fetchone()
        if row is None:
            raise UnknownRound(f"no round {round_id}")
        state = row[0]
        if state == "armed":
            raise Conflict(f"round {round_id} is not closing yet: nothing to confirm")
        stream = await (await conn.execute(statement("control_confirm_lock", lane), key)).fetchone()
        if stream is None:
            raise UnknownRound(f"round {round_id} has no stream of front {front}")
        granted, newest, epoch, sequence = stream
        if (epoch, sequence) == (body.epoch, body.sequence):
            return
        if state == "closed":
            raise Conflict(f"round {round_id} was closed with {epoch}-{sequence} confirmed")
        if body.epoch != granted or newest != granted:
            raise Conflict(f"epoch {body.epoch} is not the granted one ({granted}, newest taken {newest})")
        if epoch is not None and (epoch, sequence) > (body.epoch, body.sequence):
            raise Conflict(f"{epoch}-{sequence} was confirmed before; a stream does not get shorter")
        params = key | {"instance": body.instance, "epoch": body.epoch, "sequence": body.sequence}
        await conn.execute(statement("control_confirm", lane), params)
    log.info(
        "front %d confirmed %d-%d of round %d", front, body.epoch, body.sequence, round_id,
        extra={"event": "stream_confirmed"},
    )  # fmt: skip
    control.close_wanted.set()
