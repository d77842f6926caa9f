"""What control does without a request: opens the ledger, reads the view, continues closes, watches the balance.

Owns the loops. Each loop outlives an absent store, with growing pauses; an absent store never ends the process.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from system.contract.api import RoundPublic
from system.contract.errors import SettingsError, XiuError
from system.contract.ids import LANES
from system.contract.metrics import PROGRAMME_STATES, ROUND_STATES
from system.control import programme, topology
from system.control.closing import CloseOutcome, try_close
from system.control.state import ControlContext
from system.control.switches import write_held
from system.ledger.migrate import migrate
from system.ledger.statements import statement

VIEW_INTERVAL_S = 1.0
CLOSE_INTERVAL_S = 0.2
PROGRAMME_INTERVAL_S = 0.1
PERSON_INTERVAL_S = 5.0
"""A close that needs a person sums every posting at each attempt, so it is not tried more often than this."""
BALANCE_INTERVAL_S = 5.0
BALANCE_SHARE = 20
"""The watch over the balance pauses at least this many times as long as its query took."""
BACKOFF_MAX_S = 2.0

log = logging.getLogger("xiu.control")


async def open_ledger(control: ControlContext) -> None:
    """Migrates, settles the topology, reads the view; again and again until PostgreSQL is there.

    Raises SettingsError when the topology contradicts rounds that are not closed.
    """

    async def once() -> None:
        await migrate(control.settings.postgres_url, control.settings.secret)
        await topology.settle(control)
        await control.refresh()
        show(control)

    await _until_done("open the ledger", once)


async def _until_done(what: str, step: Callable[[], Awaitable[None]]) -> None:
    wait, last = 0.1, dict[str, str]()
    while not await attempt(what, step(), last):
        await asyncio.sleep(wait)
        wait = min(BACKOFF_MAX_S, wait * 2)


async def run(control: ControlContext) -> None:
    """Everything, until cancelled."""
    await open_ledger(control)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_forever("read the view", VIEW_INTERVAL_S, control, _view))
        tasks.create_task(_closes(control))
        tasks.create_task(_programmes(control))
        tasks.create_task(_forever("write a switch that was held", VIEW_INTERVAL_S, control, write_held))
        tasks.create_task(_forever("watch the balance", BALANCE_INTERVAL_S, control, _balance, BALANCE_SHARE))


async def _forever(
    what: str,
    interval_s: float,
    control: ControlContext,
    step: Callable[[ControlContext], Awaitable[None]],
    share: int = 0,
) -> None:
    last: dict[str, str] = {}
    while True:
        begun = time.monotonic()
        done = await attempt(what, step(control), last)
        took = time.monotonic() - begun
        await asyncio.sleep(max(interval_s, took * share) if done else interval_s)


async def attempt(what: str, step: Awaitable[object], last: dict[str, str] | None = None) -> bool:
    """One step that may meet an absent store, or break. Raises SettingsError alone; returns True if the step succeeded.

    Logged when the result changes: `last` keeps the last message of each step.
    """
    last = {} if last is None else last
    try:
        await step
    except SettingsError:
        raise
    except XiuError as exc:
        if last.get(what) != str(exc):
            last[what] = str(exc)
            log.warning("%s: %s", what, exc, extra={"event": "store_away"})
        return False
    except Exception as exc:
        # A bug of ours, or an unexpected answer: logged, and no reason for the other loops to end.
        if last.get(what) != repr(exc):
            last[what] = repr(exc)
            log.error("%s: broke", what, exc_info=exc, extra={"event": "step_broke"})
        return False
    if last.pop(what, None) is not None:
        log.info("%s: done again", what, extra={"event": "store_back"})
    return True


async def _view(control: ControlContext) -> None:
    await control.refresh()
    show(control)


def show(control: ControlContext) -> None:
    """The view as metrics."""
    view, meters, now = control.view, control.meters, control.clock()
    for lane in LANES:
        held = [item for item in view.rounds.values() if item.public.lane == lane]
        states, pace = dict.fromkeys(ROUND_STATES, 0), 0.0
        for item in held:
            public = item.public
            window = public.state == "armed" and public.start_us <= now < public.end_us
            states["open" if window else public.state] += 1
            pace += public.packets * 1000 / public.release_ms if window else 0.0
        for state, count in states.items():
            meters.rounds.labels(lane, state).set(count)
        going = [item for item in held if item.public.state != "closed"]
        meters.packets.labels(lane).set(sum(item.public.packets for item in going))
        meters.unleased.labels(lane).set(sum(item.public.packets - item.next_packet for item in going))
        meters.pace.labels(lane).set(pace)
        meters.budget.labels(lane).set(sum(item.public.budget_fen for item in going))
        waiting = (len(view.waiting.get(item.public.round, ())) for item in going)
        meters.waiting.labels(lane).set(sum(waiting))
        planned = dict.fromkeys(PROGRAMME_STATES, 0)
        for one in view.planned.values():
            if one.lane == lane:
                planned[programme.state_of(control, one, 0)] += 1
        for state, count in planned.items():
            meters.programme.labels(lane, state).set(count)
    for lane, table in view.switches.items():
        for key, value in table.items():
            meters.switch.labels(key, lane).set(value)


async def _closes(control: ControlContext) -> None:
    """Continues every round that is closing, also those that an earlier control began."""
    last: dict[str, str] = {}
    due: dict[int, float] = {}
    while True:
        await control.close_wanted.wait()
        control.close_wanted.clear()
        while closing := [held.public for held in control.view.rounds.values() if held.public.state == "closing"]:
            for public in closing:
                if time.monotonic() >= due.get(public.round, 0.0):
                    await attempt(f"close round {public.round}", _close_one(control, public, due), last)
            show(control)
            await asyncio.sleep(CLOSE_INTERVAL_S)


async def _programmes(control: ControlContext) -> None:
    """Makes and closes the rounds of programmes at their times; what breaks one holds up no other."""
    last: dict[str, str] = {}
    while True:
        for what, step in programme.due(control):
            await attempt(what, step, last)
        await asyncio.sleep(PROGRAMME_INTERVAL_S)


async def _close_one(control: ControlContext, public: RoundPublic, due: dict[int, float]) -> None:
    if await try_close(control, public) is CloseOutcome.PERSON:
        due[public.round] = time.monotonic() + PERSON_INTERVAL_S


async def _balance(control: ControlContext) -> None:
    for lane in LANES:
        try:
            rows = await control.pool.fetch(statement("control_imbalance", lane), None, "watch the balance")
            legs = await control.pool.fetch(statement("control_legs_apart", lane), None, "watch the transfers")
        except XiuError:
            # No data is never healthy: an old zero must not stand for a ledger that could not be read.
            control.meters.imbalance.clear()
            control.meters.transfers.clear()
            raise
        control.meters.imbalance.labels(lane).set(rows[0][0])
        control.meters.transfers.labels(lane).set(len(legs))
        for currency, apart in legs:
            told = {"event": "transfers_imbalance"}
            log.error("transfers of lane %s are %d of %s apart", lane, apart, currency, extra=told)
        if rows[0][0]:
            log.error("lane %s is out of balance by %d fen", lane, rows[0][0], extra={"event": "imbalance"})
