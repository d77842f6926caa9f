"""The life of one stream: epoch, rebuild, appends in order, tail, close. Source: docs/money.md, Award to Close.

Owns everything that is sent to the win log. Sends nothing twice but the same bytes under the same id, and never takes
FENCED, CONFLICT or silence for *not awarded*.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, NoReturn, Protocol, TypeVar

from system.contract.api import ConfirmRequest, EpochRequest, LeaseRequest, LedgerView, StreamReport
from system.contract.errors import Conflict, NotFound, StoreRefused, StoreUnknown, Superseded, XiuError
from system.contract.ids import START, Position, StreamName
from system.front.link import ControlApi
from system.front.metrics import FrontMetrics
from system.front.rebuild import Ledger, WinContradiction, ledger_of, rebuild
from system.front.rounds import AwardRound
from system.front.seam import SettledWin
from system.settings import FrontSettings
from system.winlog import DamagedEntry, Fenced, Header, Stored, Verdict, encode
from system.winlog import Win as Record

log = logging.getLogger(__name__)
_T = TypeVar("_T")

APPEND_NORMAL_S: Final = 0.1
"""An append that is unanswered for longer stops further awards."""
TAIL_INTERVAL_S: Final = 1.0
PAUSE_S: Final = 0.05
PAUSE_MAX_S: Final = 1.0


class AppendLog(Protocol):
    """What is needed of a win log; see `system.winlog.WinLog`."""

    async def append(self, entry: bytes, epoch: int, sequence: int) -> Verdict: ...

    async def read_under_fence(self, epoch: int) -> list[Stored]: ...

    async def last_id(self, epoch: int) -> Position: ...


class NewEpoch(Exception):
    """This epoch is over: ask for the next one and rebuild. Internal to this module."""


async def first_of(*parts: Coroutine[Any, Any, None]) -> None:
    """Runs all until the first ends; the others are cancelled and awaited; raises what the first raised."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if task in done and not task.cancelled() and (error := task.exception()) is not None:
            raise error


class StreamKeeper:
    """Keeps one round's stream for one front, from the first epoch to the closed ledger."""

    def __init__(
        self,
        round_: AwardRound,
        win_log: AppendLog,
        control: ControlApi,
        instance: int,
        settings: FrontSettings,
        metrics: FrontMetrics,
    ) -> None:
        self.round = round_
        self.epoch = 0
        self.sequence = 0
        self.confirmed: Position | None = None
        self._log = win_log
        self._control = control
        self._instance = instance
        self._settings = settings
        self._metrics = metrics
        self.known = asyncio.Event()
        """Set once memory holds every win: before that, a winner of an earlier start could get a loss."""
        self._acknowledged = START
        self._pause_s = PAUSE_S
        self._extra = {"round": round_.round_id, "lane": round_.lane}

    def report(self) -> StreamReport:
        """For the next sync."""
        return StreamReport(
            round=self.round.round_id,
            epoch=self.epoch,
            sequence=self._acknowledged.sequence if self._acknowledged.epoch == self.epoch else 0,
            ready=self.round.ready,
            pending=len(self.round.pending),
        )

    async def run(self) -> None:
        """Until the round is closed. Raises Superseded."""
        if not self.round.over.is_set():
            await first_of(self._lives(), self._over())
        await self._finish()

    async def _over(self) -> None:
        await self.round.over.wait()

    async def _lives(self) -> None:
        while True:
            try:
                await self._life()
            except NewEpoch as why:
                log.warning("epoch over: %s", why, extra={"event": "epoch_over", "epoch": self.epoch, **self._extra})
            except (WinContradiction, DamagedEntry) as why:
                # Only a person may choose: the round is blocked, and reports it, until this front starts anew.
                self.round.suspend()
                self.round.blocked = str(why)
                log.error("a person must decide: %s", why, extra={"event": "round_blocked", **self._extra})
                await asyncio.Event().wait()
            self.round.suspend()
            await self._breathe()

    async def _breathe(self) -> None:
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(2 * self._pause_s, PAUSE_MAX_S)

    async def _asked(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Asks until there is an answer. Raises Superseded; after every other answer control is asked again."""
        pause_s = PAUSE_S
        while True:
            try:
                return await call()
            except Superseded:
                raise
            except (StoreUnknown, StoreRefused, Conflict, NotFound) as exc:
                log.info("asking again: %s", exc, extra={"event": "asked_again", **self._extra})
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, PAUSE_MAX_S)

    async def _life(self) -> None:
        """One epoch. Ends by NewEpoch, Superseded, or a finding that needs a person."""
        round_id = self.round.round_id
        granted = await self._asked(lambda: self._control.epoch(round_id, EpochRequest(instance=self._instance)))
        self.epoch, self.sequence, self.confirmed = granted.epoch, 0, None
        await self._rebuild()
        self.round.arm(self.epoch)
        self._pause_s = PAUSE_S
        log.info("round ready", extra={"event": "round_ready", "epoch": self.epoch, **self._extra})
        await first_of(self._append_loop(), self._tail_loop(), self._lease_loop(), self._close_loop())

    # Rebuild

    async def _rebuild(self) -> None:
        stored = await self._read()
        ledger = ledger_of(await self._ledger())
        round_ = self.round
        name = StreamName(round_.lane, round_.round_id, round_.front)
        found = rebuild((round_.settled, round_.pending), round_.origins, stored, ledger, name, round_.amount)
        self._acknowledged = found.end
        self._count(round_.adopt(found))
        self.known.set()
        if found.missing:
            extra = {"event": "appended_again", "epoch": self.epoch, "wins": len(found.missing), **self._extra}
            log.warning("%d wins appended again", len(found.missing), extra=extra)
        for lease, uids in found.batches():
            await self._append(lease, uids)

    async def _read(self) -> list[Stored]:
        while True:
            try:
                return await self._log.read_under_fence(self.epoch)
            except Fenced as exc:
                raise NewEpoch(str(exc)) from exc
            except (StoreUnknown, StoreRefused) as exc:
                log.info("reading again: %s", exc, extra={"event": "read_again", **self._extra})
            await asyncio.sleep(self._settings.append_retry_s)

    async def _ledger(self) -> LedgerView:
        return await self._asked(lambda: self._control.ledger(self.round.round_id, self._instance))

    # Appends

    async def _append_loop(self) -> None:
        while True:
            await self.round.work.wait()
            while (batch := self.round.next_batch()) is not None:
                await self._append(*batch)

    async def _append(self, lease: int, uids: list[int]) -> None:
        """One entry, sent until there is a result; then its users are settled. Raises NewEpoch."""
        round_ = self.round
        self.sequence += 1
        header = Header(round_.lane, round_.round_id, round_.front, self.epoch, self.sequence, lease)
        wins = [(uid, round_.pending.get(uid) or round_.settled[uid]) for uid in uids]
        entry = encode(header, [Record(w.packet, w.fen, uid, w.time_us, w.sponsor, round_.flags) for uid, w in wins])
        slow = asyncio.get_running_loop().call_later(APPEND_NORMAL_S, round_.hold)
        try:
            verdict = await self._send(entry)
            while verdict is None:
                await asyncio.sleep(self._settings.append_retry_s)
                verdict = await self._send(entry)
        finally:
            slow.cancel()
        if verdict is not Verdict.OK:
            round_.suspend()  # at once: not one more award under an epoch that is over
            raise NewEpoch(f"append {header.position}: {verdict}")
        self._acknowledged = header.position
        self._count([uid for uid in uids if round_.settle(uid) is not None])
        round_.release()

    async def _send(self, entry: bytes) -> Verdict | None:
        """One attempt; None when the result is unknown, or the store could not take it."""
        began = time.monotonic()
        verdict: Verdict | None = None
        try:
            verdict = await self._log.append(entry, self.epoch, self.sequence)
        except (StoreUnknown, StoreRefused) as exc:
            log.info("sending again: %s", exc, extra={"event": "append_again", **self._extra})
        label = verdict.value.lower() if verdict else "unknown"
        self._metrics.append_done(self.round.lane, label, time.monotonic() - began)
        return verdict

    def _count(self, uids: list[int]) -> None:
        settled = self.round.settled
        self._metrics.awarded(self.round.lane, len(uids), sum(settled[uid].fen for uid in uids))

    # Beside the appends

    async def _tail_loop(self) -> None:
        """Finds a lost tail, or a fence that fell, also without traffic."""
        while True:
            await asyncio.sleep(TAIL_INTERVAL_S)
            known = self._acknowledged
            try:
                last = await self._log.last_id(self.epoch)
            except Fenced as exc:
                self.round.suspend()
                raise NewEpoch(str(exc)) from exc
            except (StoreUnknown, StoreRefused) as exc:
                log.info("no tail: %s", exc, extra={"event": "tail_unknown", **self._extra})
                continue
            if last < known or last > Position(self.epoch, self.sequence):
                self.round.suspend()
                raise NewEpoch(f"the stream ends at {last}; expected {known} or later, up to {self.sequence}")

    async def _lease_loop(self) -> None:
        round_, book = self.round, self.round.leases
        while True:
            number = book.wanted()
            if number is None or round_.closing.is_set():
                await round_.lease_work.wait()
                round_.lease_work.clear()
                continue
            body = LeaseRequest(instance=self._instance, epoch=self.epoch, number=number)
            granted = await self._asked(lambda body=body: self._control.lease(round_.round_id, body))  # type: ignore[misc]
            if book.accept(self.epoch, granted.number, granted.lo, granted.hi):
                round_.refresh()

    async def _close_loop(self) -> NoReturn:
        """After the end: settles, then confirms. Only a newer epoch cancels the confirmation."""
        await self.round.closing.wait()
        await self.round.idle()
        at = Position(self.epoch, self.sequence)
        body = ConfirmRequest(instance=self._instance, epoch=at.epoch, sequence=at.sequence)
        await self._asked(lambda: self._control.confirm(self.round.round_id, body))
        self.confirmed = at
        log.info("close confirmed at %s", at, extra={"event": "close_confirmed", **self._extra})
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def _finish(self) -> None:
        """The closed ledger decides."""
        round_ = self.round
        kept: dict[int, SettledWin] = {}
        if round_.pending:
            kept = (await self._closed_ledger()).kept(round_.amount)
        before = set(round_.settled)
        round_.finish(kept)
        self.known.set()
        self._count([uid for uid in round_.settled if uid not in before])
        log.info("round closed", extra={"event": "round_closed", **self._extra})

    async def _closed_ledger(self) -> Ledger:
        while True:
            try:
                return ledger_of(await self._ledger())
            except XiuError as exc:
                if isinstance(exc, Superseded):
                    raise
                log.error("closed ledger: %s", exc, extra={"event": "ledger_unreadable", **self._extra})
                await asyncio.sleep(PAUSE_MAX_S)
