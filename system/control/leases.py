"""Leases: ranges of packets, granted once per (stream, epoch, number). Owns `next_packet`. A lease is never taken back.

Source: docs/money.md, "Lease". Locks, in this order: instance, round. The stream is read without a lock, since its
epoch cannot change while the round is locked.
"""

from __future__ import annotations

from system.contract.api import LeaseGranted, LeaseRequest
from system.contract.errors import Conflict, UnknownRound
from system.contract.routing import share
from system.control.fronts import hold_instance
from system.control.programme import need_clock
from system.control.state import ControlContext
from system.ledger.statements import statement
from system.settings import ControlSettings


def lease_size(settings: ControlSettings, packets: int, release_ms: int, fronts: int) -> int:
    """Packets of one lease: so many seconds of the front's release rate, within the bounds.

    A small round is spread over all fronts: a front may not award more than its share, so a larger lease would only be
    missing at the other fronts.
    """
    least = min(settings.lease_packets_min, -(-packets // fronts))
    rate = int(packets * settings.lease_seconds * 1000 / (release_ms * fronts))
    return max(least, min(settings.lease_packets_max, rate))


async def grant_lease(control: ControlContext, round_id: int, front: int, order: LeaseRequest) -> LeaseGranted:
    """The lease of that number; the same again when asked again. lo == hi: no packet is left for this front.

    Raises Superseded, Conflict (another epoch than the granted, a number skipped, the round closing), StoreUnknown;
    ClockUncertain for a round of a programme.
    """
    control.need_front(front)
    lane = await control.lane_of(round_id)
    key = {"round": round_id, "front": front, "epoch": order.epoch, "number": order.number}
    async with control.pool.transaction("grant a lease") as conn:
        await hold_instance(conn, front, order.instance)
        need_clock(control, round_id, front, order.instance)
        row = await (await conn.execute(statement("control_lease_round", lane), key)).fetchone()
        if row is None:
            raise UnknownRound(f"no round {round_id}")
        state, packets, lo, release_ms = row
        if state != "armed":
            raise Conflict(f"round {round_id} is {state}: no more leases")
        stream = await (await conn.execute(statement("control_lease_stream", lane), key)).fetchone()
        if stream is None:
            raise UnknownRound(f"round {round_id} has no stream of front {front}")
        granted, newest, highest, there, leased, abandoned = stream
        if order.epoch != granted or newest != granted:
            raise Conflict(f"epoch {order.epoch} is not the granted one ({granted}, newest taken {newest})")
        if there:
            return LeaseGranted(number=order.number, lo=there[0], hi=there[1])
        if order.number != highest + 1:
            raise Conflict(f"lease {order.number}: expected {highest + 1}, the next of epoch {granted}")
        fronts = len(control.settings.topology.fronts)
        size = lease_size(control.settings, packets, release_ms, fronts)
        if not abandoned:
            # More than its share a front never awards: that would only be missing at the other fronts.
            size = min(size, max(0, share(packets, front, fronts) - leased))
        hi = min(packets, lo + size)
        if hi > lo:
            await conn.execute(statement("control_lease_take", lane), key | {"lo": lo, "hi": hi})
            used = bytes((hi - lo + 7) // 8)
            await conn.execute(statement("control_lease_insert", lane), key | {"lo": lo, "hi": hi, "used": used})
    control.meters.leases.labels(lane).inc(hi > lo)
    return LeaseGranted(number=order.number, lo=lo, hi=hi)
