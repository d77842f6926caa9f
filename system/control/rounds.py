"""Rounds: made with their seed, commitment, streams and money; shown; asked to close. A seed is never taken from
outside.

Source: docs/money.md, "Amounts"; docs/lottery.md (commitment).
"""

from __future__ import annotations

import logging
import os

from psycopg.types.json import Jsonb

from system.contract.api import RoundMoney, RoundOrder, RoundPublic
from system.contract.errors import BadRequest, NotOver, SeasonEnded, StoreUnknown, UnknownRound, UnknownSeason
from system.contract.ids import Lane
from system.control.batches import write_batch
from system.control.state import ControlContext
from system.ledger.access import Connection
from system.ledger.statements import statement
from system.lottery import commitment, make_round
from system.lottery.round import SEED_BYTES

RELEASE_PERCENT = 95

log = logging.getLogger("xiu.control")


def planned_window(order: RoundOrder, now_us: int) -> tuple[int, int, int]:
    """(start_us, end_us, release_ms) of an order. Raises BadRequest for a window that is over."""
    start = order.start_us if order.start_us is not None else now_us + (order.starts_in_ms or 0) * 1000
    end = start + order.duration_ms * 1000
    if end <= now_us:
        raise BadRequest(f"the window ends at {end} µs, before now ({now_us})")
    if end >= 1 << 62:
        raise BadRequest(f"the window ends at {end} µs; expected microseconds since 1970")
    release = order.release_ms or max(1, order.duration_ms * RELEASE_PERCENT // 100)
    return start, end, release


async def create(control: ControlContext, order: RoundOrder) -> RoundPublic:
    """A round, armed: its seed from the operating system, its budget funded by the sponsors, a stream for every front.

    Raises BadRequest, UnknownSeason, SeasonEnded, HistogramError, StoreUnknown (the round may exist), StoreRefused.
    """
    view = control.need_view()
    window = planned_window(order, control.clock())
    async with control.pool.transaction("create a round") as conn:
        row = await (await conn.execute(statement("control_round_id", order.lane))).fetchone()
        assert row is not None
        number = int(row[0])
        await insert_round(control, conn, number, order, os.urandom(SEED_BYTES), window)
    log.info(
        "round %d of lane %s made, %d packets", number, order.lane, order.packets, extra={"event": "round_made"}
    )  # fmt: skip
    if not await control.catch_up():
        raise StoreUnknown(f"round {number} is made, but could not be read back; look before you order it again")
    return view.round(number).public


async def insert_round(
    control: ControlContext, conn: Connection, number: int, order: RoundOrder, seed: bytes, window: tuple[int, int, int]
) -> None:
    """Inside the caller's transaction: the round with its streams, and its money moved from the sponsors.

    `window`: start and end in µs since 1970, the release in ms. Raises UnknownSeason, SeasonEnded,
    HistogramError.
    """
    lane, (start, end, release) = order.lane, window
    params = {
        "round": number,
        "packets": order.packets,
        "budget_fen": order.budget_fen,
        "start_us": start,
        "end_us": end,
        "release_ms": release,
        "sponsors": Jsonb([sponsor.model_dump(mode="json") for sponsor in order.sponsors]),
        "seed": seed,
        "commitment": commitment(make_round(number, order.sponsors, seed)),
        "created_us": control.clock(),
        "season": order.season,
    }
    await need_open_season(conn, lane, order.season)
    await conn.execute(statement("control_round_insert", lane), params)
    for front, cell in enumerate(control.settings.topology.cells):
        await conn.execute(statement("control_stream_insert", lane), {"round": number, "front": front, "cell": cell})
    legs = [
        leg
        for sponsor in order.sponsors
        for leg in (
            (f"sponsor:{sponsor.sponsor}", -sponsor.budget_fen),
            (f"budget:{number}:{sponsor.sponsor}", sponsor.budget_fen),
        )
    ]
    await write_batch(conn, lane, "fund", number, order.budget_fen, legs)


async def need_open_season(conn: Connection, lane: Lane, season: int | None) -> None:
    """Whose tickets losing taps are to carry; it stays open until the commit. Raises UnknownSeason, SeasonEnded."""
    if season is None:
        return
    row = await (await conn.execute(statement("control_season", lane), {"season": season})).fetchone()
    if row is None:
        raise UnknownSeason(f"no season {season} in lane {lane}")
    if row[0] != "open":
        raise SeasonEnded(f"season {season} has ended")


async def ask_close(control: ControlContext, round_id: int, before_end: bool = False) -> RoundPublic:
    """The round is closing from now on; the close goes on in the background. Safe to repeat.

    `before_end`: at any time; the window stays as it was published. Raises NotOver without it, UnknownRound.
    """
    held = await control.find(round_id)
    public = held.public
    if public.state == "armed":
        now = control.clock()
        if now < public.end_us and not before_end:
            left_us = public.end_us - now
            says = f"round {round_id} ends in {left_us / 1e6:.1f} s; close it then, or say before_end"
            raise NotOver(says, -(-left_us // 1000))
        async with control.pool.transaction("ask for a close") as conn:
            await conn.execute(statement("control_closing", public.lane), {"round": round_id})
        early = ", before its end" if now < public.end_us else ""
        log.info("round %d is closing%s", round_id, early, extra={"event": "round_closing"})
        if not await control.catch_up():
            return public.model_copy(update={"state": "closing"})
    control.close_wanted.set()
    return control.view.round(round_id).public


async def money(control: ControlContext, round_id: int) -> RoundMoney:
    """Where the round's money is, in one snapshot."""
    lane = await control.lane_of(round_id)
    rows = await control.pool.fetch(statement("control_money", lane), {"round": round_id}, "read a round's money")
    if not rows:
        raise UnknownRound(f"no round {round_id}")
    state, budget, leased, posted_fen, postings, held_fen, suspended, refunded = rows[0]
    return RoundMoney(
        round=round_id,
        state=state,
        budget_fen=budget,
        credited_fen=posted_fen,
        suspense_fen=held_fen,
        refunded_fen=refunded,
        postings=postings,
        suspended=suspended,
        leased_packets=leased,
        waiting_for=control.view.waiting.get(round_id, ()) if state == "closing" else (),
    )
