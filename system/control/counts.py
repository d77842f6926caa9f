"""Counting: writes down what fronts report of taps, users and shown sponsors. Each report once, however often sent.

Takes the reports of superseded starts too: what they answered was answered.
"""

from __future__ import annotations

import base64
import binascii

from psycopg.types.json import Jsonb
from pyroaring import BitMap64

from system.contract.counts import CountedPart, CountsReport
from system.contract.errors import BadRequest
from system.contract.ids import LANES, Lane
from system.control.state import ControlContext
from system.ledger.access import Connection
from system.ledger.statements import statement

EMPTY = BitMap64().serialize()


async def write(control: ControlContext, front: int, report: CountsReport) -> None:
    """Raises BadRequest (users that are no bitmap), UnknownRound, StoreUnknown (send the same again), StoreRefused."""
    control.need_front(front)
    key = {"front": front, "instance": report.instance, "number": report.number}
    parts: dict[Lane, list[CountedPart]] = {lane: [] for lane in LANES}
    for part in report.parts:
        parts[await control.lane_of(part.round)].append(part)
    users = {id(part): users_of(part) for part in report.parts}
    more = {"until_us": report.until_us, "last": report.last, "rounds": list(report.rounds)}
    async with control.pool.transaction("write counts") as conn:
        if await (await conn.execute(statement("control_counting_take", "live"), {**key, **more})).fetchone() is None:
            return  # it is written already
        for lane, mine in parts.items():
            for part in mine:
                row = {
                    "round": part.round, "minute_us": part.minute_us, "taps": part.taps, "too_fast": part.too_fast,
                    "exposures": Jsonb({str(sponsor): count for sponsor, count in part.exposures.items()}),
                    "users": users[id(part)],
                }  # fmt: skip
                await conn.execute(statement("control_counted_insert", lane), {**key, **row})
    for lane, mine in parts.items():
        control.meters.participations.labels(lane).inc(sum(part.taps for part in mine))
        control.meters.exposures.labels(lane).inc(sum(sum(part.exposures.values()) for part in mine))


async def begin(conn: Connection, front: int, instance: int, now_us: int) -> None:
    """Inside the transaction that numbers a start: from now on it is known, also if it never reports."""
    params = {"front": front, "instance": instance, "now_us": now_us}
    await conn.execute(statement("control_counting_begin", "live"), params)


def users_of(part: CountedPart) -> bytes:
    """The bitmap of a part. Raises BadRequest where it is none."""
    if not part.users:
        return EMPTY
    try:
        raw = base64.b64decode(part.users, validate=True)
        if BitMap64.deserialize(raw).serialize() == raw:
            return raw
    except (binascii.Error, ValueError, MemoryError) as exc:
        raise BadRequest(f"users of round {part.round}: {exc}; expected a 64-bit roaring bitmap in base64") from exc
    raise BadRequest(f"users of round {part.round}: no bitmap; expected a 64-bit roaring bitmap in base64")
