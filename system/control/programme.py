"""A programme: announced as a whole, then round after round armed, closed when sold out or over. Docs: docs/season.md.

Owns the announced rounds (number, seed and commitment from the first moment) and when each is made. Refuses packets to
a front whose clock is not known well enough. Everything else of a round is as of one made by hand.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Awaitable, Iterator, Sequence
from typing import Any

from psycopg.types.json import Jsonb
from pydantic import ValidationError

from system.contract.errors import Conflict, SeasonEnded, StoreUnknown
from system.contract.ids import LANES, Lane
from system.contract.programme import (
    CLOCK_UNCERTAIN_US_MAX,
    FrontArming,
    ProgrammeEntry,
    ProgrammeList,
    ProgrammeOrder,
    ProgrammeState,
    ProgrammeView,
)
from system.control.rounds import ask_close, insert_round, need_open_season, planned_window
from system.control.state import AnnouncedRound, ControlContext
from system.ledger.statements import statement
from system.lottery import commitment, make_round
from system.lottery.round import SEED_BYTES

SEEN_WITHIN_US = 3_000_000
"""What a front said longer ago says nothing about its clock now."""

log = logging.getLogger("xiu.control")


class ProgrammeLoaded(Conflict):
    """Another programme has that name."""

    code = "programme_loaded"


class ClockUncertain(Conflict):
    """The front's offset to control's clock is unknown, or may be wrong by more than 50 ms: it gets no packets."""

    code = "clock_uncertain"


async def load(control: ControlContext, order: ProgrammeOrder) -> ProgrammeView:
    """Announces a programme: every round has its number and its commitment from now on. The same order again changes
    nothing.

    Raises BadRequest (a round that is over), UnknownSeason, SeasonEnded, ProgrammeLoaded, HistogramError, StoreUnknown
    (ask again), StoreRefused.
    """
    control.need_view()
    now, lane = control.clock(), order.lane
    request = {"programme": order.programme, "request": Jsonb(order.model_dump(mode="json")), "now_us": now}
    async with control.pool.transaction("load a programme") as conn:
        fresh = await (await conn.execute(statement("control_programme_insert", lane), request)).fetchone()
        if fresh is None:
            row = await (await conn.execute(statement("control_programme_same", lane), request)).fetchone()
            if row is None or not _stands_for(row[0], order):
                raise ProgrammeLoaded(
                    f"a programme {order.programme} is loaded, and is not this one; give another name"
                )
        for place, item in enumerate(order.rounds if fresh is not None else ()):
            planned_window(item.order, now)  # not one that is over
            await need_open_season(conn, lane, item.order.season)
            row = await (await conn.execute(statement("control_round_id", lane))).fetchone()
            assert row is not None
            seed = os.urandom(SEED_BYTES)
            params = {
                "round": row[0], "programme": order.programme, "place": place,
                "item": Jsonb(item.model_dump(mode="json")), "seed": seed,
                "commitment": commitment(make_round(row[0], item.order.sponsors, seed)),
            }  # fmt: skip
            await conn.execute(statement("control_programme_round_insert", lane), params)
    if fresh is not None:
        log.info("programme %s announced", order.programme, extra={"event": "programme_announced", "lane": lane})
    if not await control.catch_up():
        raise StoreUnknown(f"programme {order.programme} is loaded, but could not be read back; look, or load it again")
    return (await _views(control, lane, order.programme))[0]


def due(control: ControlContext) -> Iterator[tuple[str, Awaitable[object]]]:
    """What is to be done now, each with its name: rounds to make, rounds to close."""
    now, view = control.clock(), control.view
    for number, planned in list(view.planned.items()):
        held = view.rounds.get(number)
        if held is None:
            if planned.arm_us <= now < planned.end_us:
                yield f"arm round {number}", arm(control, planned)
        elif held.public.state == "armed":
            if now >= held.public.end_us:
                yield f"end round {number}", ask_close(control, number)
            elif planned.item.closes == "sold_out" and held.next_packet >= held.public.packets:
                yield f"end round {number}", _close_sold_out(control, planned)


async def arm(control: ControlContext, planned: AnnouncedRound) -> None:
    """Makes the announced round, funded; fronts take it up at their next sync. Safe to repeat."""
    order = planned.item.order
    window = planned_window(order, control.clock())
    async with control.pool.transaction("arm a round") as conn:
        key = {"round": planned.round}
        if await (await conn.execute(statement("control_programme_lock", planned.lane), key)).fetchone() is None:
            return
        try:
            await need_open_season(conn, planned.lane, order.season)
        except SeasonEnded as exc:
            # Its money is announced: cards that have ended hold up no round.
            log.warning("round %d has no tickets: %s", planned.round, exc, extra={"event": "round_without_tickets"})
            order = order.model_copy(update={"season": None})
        await insert_round(control, conn, planned.round, order, planned.seed, window)
    log.info("round %d armed", planned.round, extra={"event": "round_armed", "programme": planned.programme})
    await control.catch_up()


async def _close_sold_out(control: ControlContext, planned: AnnouncedRound) -> None:
    """Closes before the end once every packet is paid or set aside, so that nobody is still waiting for an answer."""
    ((_, won, _),) = await _money(control, planned.lane, [planned.round])
    if won >= planned.item.order.packets:
        log.info("round %d is sold out", planned.round, extra={"event": "round_sold_out"})
        await ask_close(control, planned.round, before_end=True)


def why_refused(control: ControlContext, front: int, instance: int | None = None) -> str:
    """Why this front gets no packets of a programme's round, in words; empty if it does."""
    seen, now = control.view.seen.get(front), control.clock()
    if seen is None or now - seen.at_us > SEEN_WITHIN_US or instance not in (None, seen.instance):
        return "it has not said how well it knows control's clock"
    if seen.clock is None:
        return "its offset to control's clock is unknown"
    if seen.clock.uncertain_us > CLOCK_UNCERTAIN_US_MAX:
        return f"its offset to control's clock is uncertain by {seen.clock.uncertain_us / 1000:.1f} ms"
    return ""


def need_clock(control: ControlContext, round_id: int, front: int, instance: int) -> None:
    """For a round of a programme. Raises ClockUncertain."""
    if round_id in control.view.planned and (why := why_refused(control, front, instance)):
        expected = f"expected at most {CLOCK_UNCERTAIN_US_MAX // 1000} ms"
        raise ClockUncertain(f"front {front} gets no packets of round {round_id}: {why}; {expected}")


async def listed(control: ControlContext) -> ProgrammeList:
    """Every programme with the states of its rounds, both lanes."""
    control.need_view()
    found = [view for lane in LANES for view in await _views(control, lane)]
    return ProgrammeList(now_us=control.clock(), programmes=tuple(found))


async def _views(control: ControlContext, lane: Lane, only: str | None = None) -> list[ProgrammeView]:
    planned = [
        one for one in control.view.planned.values() if one.lane == lane and only in (None, one.programme)
    ]  # fmt: skip
    numbers = [one.round for one in planned if one.round in control.view.rounds]
    money = {row[0]: (int(row[1]), int(row[2])) for row in await _money(control, lane, numbers)}
    leased: dict[int, dict[int, int]] = {}
    if numbers:
        rows = await control.pool.fetch(statement("control_programme_leased", lane), {"rounds": numbers}, "read leases")
        for number, front, packets in rows:
            leased.setdefault(number, {})[front] = int(packets)
    grouped: dict[str, list[ProgrammeEntry]] = {}
    for one in planned:
        entry = _entry(control, one, money.get(one.round, (0, 0)), leased.get(one.round, {}))
        grouped.setdefault(one.programme, []).append(entry)
    return [ProgrammeView(programme=name, lane=lane, rounds=tuple(rounds)) for name, rounds in grouped.items()]


def _stands_for(stored: object, order: ProgrammeOrder) -> bool:
    """Is this the order that was stored? As models: an earlier version did not write what was optional since."""
    try:
        return ProgrammeOrder.model_validate_json(json.dumps(stored)) == order
    except ValidationError:
        return False


async def _money(control: ControlContext, lane: Lane, rounds: Sequence[int]) -> list[tuple[Any, ...]]:
    if not rounds:
        return []
    return await control.pool.fetch(statement("control_programme_money", lane), {"rounds": rounds}, "read wins")


def _entry(
    control: ControlContext, one: AnnouncedRound, money: tuple[int, int], leased: dict[int, int]
) -> ProgrammeEntry:
    held, order = control.view.rounds.get(one.round), one.item.order
    state = state_of(control, one, money[0])
    fronts = (
        () if held is None or state == "closed" else tuple(_arming(control, one.round, f, leased[f]) for f in leased)
    )
    return ProgrammeEntry(
        name=one.item.name,
        title=one.item.title,
        round=one.round,
        state=state,
        start_us=one.start_us,
        end_us=one.end_us,
        arm_us=one.arm_us,
        packets=order.packets,
        budget_fen=order.budget_fen,
        sponsors=order.sponsors,
        commitment=one.commitment,
        seed=held.public.seed if held is not None else None,
        won=money[0],
        refunded_fen=money[1],
        fronts=fronts,
        waiting_for=control.view.waiting.get(one.round, ()) if state == "closing" else (),
    )


def state_of(control: ControlContext, one: AnnouncedRound, won: int) -> ProgrammeState:
    """Where the round is in its life, by control's clock; the window is half open."""
    held, now = control.view.rounds.get(one.round), control.clock()
    if held is None:
        return "announced" if now < one.end_us else "missed"
    if held.public.state != "armed":
        return held.public.state
    if now < one.start_us:
        return "armed"
    if now >= one.end_us:
        return "closing"  # asked for within a moment
    return "sold_out" if won >= held.public.packets else "open"


def _arming(control: ControlContext, round_id: int, front: int, leased: int) -> FrontArming:
    seen = control.view.seen.get(front)
    reports = seen.streams if seen is not None else ()
    return FrontArming(
        front=front,
        ready=any(report.round == round_id and report.ready for report in reports),
        leased_packets=leased,
        uncertain_us=seen.clock.uncertain_us if seen is not None and seen.clock is not None else None,
        refused=why_refused(control, front),
    )
