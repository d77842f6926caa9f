"""The close: waits for every front's confirmation and for credit, then refunds and closes in one transaction.

Owns the last transaction of a round. Every step can be resumed: the state is in PostgreSQL, and a control that starts
goes on. Does not close while anything is in doubt, or when accounts and postings disagree: a person decides. Source:
docs/money.md, "Close".
"""

from __future__ import annotations

import logging
from enum import Enum
from typing import Any, NamedTuple

from system.contract.api import RoundPublic
from system.contract.errors import StoreRefused, StoreUnknown
from system.contract.ids import Position
from system.control.batches import write_batch
from system.control.state import ControlContext
from system.ledger.access import Connection
from system.ledger.statements import statement

CLOSE_TIMEOUT_S = 30.0
"""The last transaction sums every posting of the round."""

log = logging.getLogger("xiu.control")


class ClosingStream(NamedTuple):
    """A row of control_close_streams."""

    front: int
    cell: int
    instance: int | None
    confirmed_instance: int | None
    epoch: int
    granted: int
    confirmed_epoch: int | None
    confirmed_seq: int | None
    offset_epoch: int
    offset_seq: int
    stopped: str | None

    @property
    def offset(self) -> Position:
        return Position(self.offset_epoch, self.offset_seq)

    def unconfirmed(self) -> str:
        """What the front's confirmation still lacks, in words; empty when the newest instance has confirmed."""
        if self.instance is None:
            return f"front {self.front}: never started"
        if self.confirmed_instance == self.instance and self.confirmed_epoch == self.granted == self.epoch:
            return ""
        return f"front {self.front}: instance {self.instance} has not confirmed epoch {self.granted}"


class CloseOutcome(Enum):
    """The result of an attempt."""

    DONE = "closed, or not closing"
    WAITS = "waits for a front or for credit"
    PERSON = "needs a person: accounts disagree"


class Waiting(Exception):
    """The close cannot go on yet; `what` says why, one item each."""

    def __init__(self, what: list[str], outcome: CloseOutcome = CloseOutcome.WAITS) -> None:
        super().__init__("; ".join(what))
        self.what, self.outcome = tuple(what), outcome


async def try_close(control: ControlContext, public: RoundPublic) -> CloseOutcome:
    """One attempt. Sets what the close waits for in the view. Raises StoreUnknown, StoreRefused."""
    try:
        await _attempt(control, public)
    except Waiting as exc:
        if exc.outcome is CloseOutcome.PERSON and control.view.waiting.get(public.round) != exc.what:
            log.error("round %d cannot close: %s", public.round, exc, extra={"event": "close_held"})
        control.view.waiting[public.round] = exc.what
        return exc.outcome
    control.view.waiting.pop(public.round, None)
    await control.catch_up()
    log.info("round %d closed", public.round, extra={"event": "round_closed"})
    return CloseOutcome.DONE


async def _attempt(control: ControlContext, public: RoundPublic) -> None:
    key = {"round": public.round}
    rows = await control.pool.fetch(statement("control_close_streams", public.lane), key, "read streams")
    ends = await _ends(control, public, [ClosingStream(*row) for row in rows])
    async with control.pool.transaction("close a round", timeout_s=CLOSE_TIMEOUT_S) as conn:
        row = await (await conn.execute(statement("close_lock", public.lane), key)).fetchone()
        if row is None or row[0] != "closing":
            return
        found = await (await conn.execute(statement("control_close_streams", public.lane), key)).fetchall()
        streams = [ClosingStream(*item) for item in found]
        _check(streams, ends)
        await _refund(conn, public)
        await conn.execute(statement("control_close", public.lane), key | {"now_us": control.clock()})


async def _ends(
    control: ControlContext, public: RoundPublic, streams: list[ClosingStream]
) -> dict[tuple[int, int, int], Position]:
    """Where each stream ends, by the (front, epoch, sequence) confirmed. Raises Waiting.

    A front that appended nothing in its epoch confirms sequence 0. Then credit must have reached the entries of older
    epochs. Their last id is read under that epoch's fence, which proves that nothing was lost since the front looked. A
    lost tail shows as FENCED, and the front begins a new epoch.
    """
    ends: dict[tuple[int, int, int], Position] = {}
    waiting: list[str] = []
    for stream in streams:
        missing = stream.unconfirmed()
        if missing:
            waiting.append(missing + _reported(control, public.round, stream.front))
            continue
        assert stream.confirmed_epoch is not None
        assert stream.confirmed_seq is not None
        end = Position(stream.confirmed_epoch, stream.confirmed_seq)
        if end.sequence == 0 and stream.offset < end:
            log_of_front = control.winlog.stream(stream.cell, public.lane, public.round, stream.front)
            try:
                end = await log_of_front.last_id(stream.confirmed_epoch)
            except (StoreRefused, StoreUnknown) as exc:
                waiting.append(f"win log of front {stream.front}: {exc}")
                continue
        ends[stream.front, stream.confirmed_epoch, stream.confirmed_seq] = end
        if stream.offset < end:
            why = f", stopped: {stream.stopped}" if stream.stopped else ""
            waiting.append(f"credit of front {stream.front}: at {stream.offset}, confirmed {end}{why}")
    if waiting:
        raise Waiting(waiting)
    return ends


def _reported(control: ControlContext, round_id: int, front: int) -> str:
    seen = control.view.seen.get(front)
    if seen is None:
        return "; no sync since control started"
    age = (control.clock() - seen.at_us) / 1e6
    if age > 3:
        return f"; silent for {age:.0f} s"
    report = next((item for item in seen.streams if item.round == round_id), None)
    return f"; {report.pending} pending" if report and report.pending else ""


def _check(streams: list[ClosingStream], ends: dict[tuple[int, int, int], Position]) -> None:
    """Checks again with the round locked: what was confirmed is still granted, and credit has reached it. Raises
    Waiting.
    """
    waiting = [missing for stream in streams if (missing := stream.unconfirmed())]
    for stream in streams:
        end = ends.get((stream.front, stream.confirmed_epoch or 0, stream.confirmed_seq or 0))
        if end is None or stream.offset < end:
            waiting.append(f"front {stream.front}: confirmed again")
    if waiting or not streams:
        raise Waiting(waiting or ["no stream"])


async def _refund(conn: Connection, public: RoundPublic) -> None:
    """Refund per sponsor = budget − postings − suspense, double entry. Raises Waiting when accounts disagree."""
    budgets = {sponsor.sponsor: sponsor.budget_fen for sponsor in public.sponsors}
    rows = await (await conn.execute(statement("close_refunds", public.lane), {"round": public.round})).fetchall()
    held: dict[int, tuple[Any, ...]] = {row[0]: row for row in rows}
    legs: list[tuple[str, int]] = []
    total = 0
    wrong: list[str] = []
    for sponsor, budget in sorted(budgets.items()):
        _, on_account, posted, suspended = held.get(sponsor, (sponsor, 0, 0, 0))
        refund = budget - posted - suspended
        if refund != on_account or refund < 0:
            wrong.append(f"sponsor {sponsor}: {refund} fen left by postings, {on_account} on its budget account")
        total += refund
        legs += [(f"budget:{public.round}:{sponsor}", -refund), (f"sponsor:{sponsor}", refund)]
    if wrong:
        raise Waiting(wrong, CloseOutcome.PERSON)
    await write_batch(conn, public.lane, "refund", public.round, total, legs)
