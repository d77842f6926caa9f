"""Sets an entry aside by hand: the stopped stream goes on behind it, and what can be read of the entry is held in
suspense.

Owns that one transaction. Refuses any entry but the one at which credit stopped, and streams that are not stopped.
Source: docs/money.md, "Credit".
"""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

import numpy as np
from pydantic import Field

from system.contract.api import Model
from system.contract.errors import Conflict, UnknownRound
from system.contract.fields import Text, Whole
from system.contract.ids import Lane, Position
from system.contract.records import WIN_DTYPE
from system.control.batches import write_batch
from system.control.state import ControlContext
from system.ledger.access import Connection
from system.ledger.statements import statement
from system.lottery import Round, award, make_round
from system.winlog import follows
from system.winlog.codec import HEADER_BYTES, RECORD_BYTES

log = logging.getLogger("xiu.control")


class SetAside(Model):
    """Body of `POST /v1/rounds/{round}/set-aside`."""

    front: Whole
    epoch: int = Field(ge=1, lt=1 << 63)
    sequence: int = Field(ge=1, lt=1 << 63)
    why: Text = Field(default="set aside by hand", max_length=500)


class Moved(Model):
    """The result for the entry's records. `held`: money set aside; the rest was not free or could not be read."""

    entry: str
    found: bool
    records: int
    held: int
    held_fen: int


class Claim(NamedTuple):
    """A record of the entry, as it can be read."""

    place: int
    packet: int
    uid: int
    fen: int
    sponsor: int
    time_us: int


def readable(entry: bytes) -> list[Claim]:
    """Whole records of an entry, whatever its checksum says."""
    count = max(0, len(entry) - HEADER_BYTES) // RECORD_BYTES
    if not count:
        return []
    rows = np.frombuffer(entry, dtype=WIN_DTYPE, offset=HEADER_BYTES, count=count)
    return [
        Claim(place, int(r["packet"]), _signed(r["uid"]), int(r["fen"]), int(r["sponsor"]), _signed(r["time_us"]))
        for place, r in enumerate(rows)
    ]


def _signed(value: Any) -> int:
    """A 64-bit number as the ledger's bigint keeps it."""
    number = int(value)
    return number - (1 << 64) if number >= 1 << 63 else number


async def move(control: ControlContext, round_id: int, order: SetAside) -> Moved:
    """Sets the entry aside. Raises Conflict when the stream is not stopped there, UnknownRound, StoreUnknown."""
    control.need_front(order.front)
    held = await control.find(round_id)
    public = held.public
    key: dict[str, Any] = {"round": round_id, "front": order.front}
    at = Position(order.epoch, order.sequence)
    cell = control.settings.topology.cells[order.front]
    stream = control.winlog.stream(cell, public.lane, round_id, order.front)
    async with control.pool.transaction("set an entry aside") as conn:
        row = await (await conn.execute(statement("control_aside_lock", public.lane), key)).fetchone()
        if row is None:
            raise UnknownRound(f"round {round_id} has no stream of front {order.front}")
        before, stopped = Position(row[0], row[1]), row[2]
        if stopped is None:
            raise Conflict(f"round {round_id}, front {order.front}: credit is not stopped, at {before}")
        behind = await stream.read_after(before, 1)
        if not follows(before, at) or (behind and behind[0].at < at):
            first = f"; the first entry behind it is {behind[0].at}" if behind else ""
            raise Conflict(f"entry {at} does not come next: credit stopped at {before}{first}")
        state = await (await conn.execute(statement("control_aside_round", public.lane), key)).fetchone()
        if state is None or state[0] == "closed":
            raise Conflict(f"round {round_id} is closed")
        found = bool(behind and behind[0].at == at)
        claims = readable(behind[0].entry) if found else []
        lottery = make_round(round_id, public.sponsors, bytes.fromhex(held.seed))
        rows = [await _hold(conn, public.lane, key, lottery, claim) for claim in claims]
        moved = await _write(conn, public.lane, key, (before, at), claims, rows, f"{order.why} ({stopped})")
    log.warning(
        "entry %s of round %d, front %d set aside, %d fen held", at, round_id, order.front, moved,
        extra={"event": "set_aside"},
    )  # fmt: skip
    held_rows = sum(1 for _, fen in rows if fen)
    return Moved(entry=str(at), found=found, records=len(claims), held=held_rows, held_fen=moved)


async def _hold(conn: Connection, lane: Lane, key: dict[str, Any], lottery: Round, claim: Claim) -> tuple[int, int]:
    """(sponsor, fen) held for a record: its packet lies in this front's lease and is free, so its bit is set now."""
    if claim.packet >= lottery.packets:
        return 0, 0
    params = key | {"packet": claim.packet}
    lease = await (await conn.execute(statement("control_aside_lease", lane), params)).fetchone()
    if lease is None:
        return 0, 0
    lo, used = int(lease[0]), bytearray(lease[1])
    place, bit = (claim.packet - lo) >> 3, 1 << ((claim.packet - lo) & 7)
    if used[place] & bit:
        return 0, 0
    used[place] |= bit
    await conn.execute(statement("control_aside_used", lane), params | {"lo": lo, "used": bytes(used)})
    return award(lottery, claim.packet)


async def _write(
    conn: Connection,
    lane: Lane,
    key: dict[str, Any],
    span: tuple[Position, Position],
    claims: list[Claim],
    held: list[tuple[int, int]],
    reason: str,
) -> int:
    """Batch, legs, suspense rows and the new offset; the fen held."""
    before, at = span
    by_sponsor: dict[int, int] = {}
    for sponsor, fen in held:
        if fen:
            by_sponsor[sponsor] = by_sponsor.get(sponsor, 0) + fen
    total = sum(by_sponsor.values())
    legs = [(f"budget:{key['round']}:{sponsor}", -fen) for sponsor, fen in sorted(by_sponsor.items())]
    batch = await write_batch(
        conn, lane, "set_aside", key["round"], total, legs, elsewhere_fen=total, stream=(key["front"], before, at)
    )
    for claim, (sponsor, fen) in zip(claims, held, strict=True):
        if not fen:
            continue
        row = claim._asdict() | {"held_sponsor": sponsor, "held_fen": fen, "reason": reason, "batch": batch}
        await conn.execute(statement("control_aside_insert", lane), key | row | {"epoch": at.epoch, "seq": at.sequence})
    params = key | {"epoch": at.epoch, "seq": at.sequence, "old_epoch": before.epoch, "old_seq": before.sequence}
    await conn.execute(statement("control_aside_offset", lane), params)
    return total
