"""The bank is asked about every order without an end, until it says *paid* or *refused* (docs/season.md).

Owns when it is asked, and what its word does: one transfer with the key `payout_end:N`, so an order has one end. A
time-out, a reset, an error and a word about something else decide nothing: the money stays where it is, and the same
order is asked about again. Any number of processes may ask: the bank carries an order out once, whoever names it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from aiohttp import web
from pydantic import ValidationError

from system.contract.errors import XiuError
from system.contract.ids import Lane
from system.contract.parties import BankOrder, BankWord
from system.ledger.access import Connection, Pool
from system.ledger.accounts import Leg, payout, user
from system.ledger.statements import statement
from system.ledger.transfer import KeyReused, Order, Pending, TransferRecord, Transfers
from system.outside.caller import OutsideCaller, OutsideDenied, OutsideUnknown
from system.play.payouts.bank import BELLS, CALLER
from system.play.payouts.figures import counted, waits
from system.play.route import POOLS, SETTINGS
from system.settings import PlaySettings

AT_ONCE = 16
"""Orders of one look."""
LOOK_S = 0.5
PAID_TO = "platform:bank"
"""What the bank has carried out: outside of this system."""
WHY_CHARS_MAX = 200

log = logging.getLogger("xiu.play")


class PayoutDesk:
    """Asks for one lane."""

    def __init__(self, pool: Pool, lane: Lane, bank: OutsideCaller, settings: PlaySettings) -> None:
        self._pool, self._lane, self._bank = pool, lane, bank
        self._pace = {
            "deadline_us": round(settings.bank_timeout_s * 1e6), "again_us": round(settings.payout_again_s * 1e6),
            "again_max_us": round(settings.payout_again_max_s * 1e6), "limit": AT_ONCE,
        }  # fmt: skip

    async def ask_some(self) -> int:
        """Asks about the next orders that are due; how many. Raises StoreUnknown, StoreRefused."""
        async with self._pool.transaction("payouts to ask about") as conn:
            rows = await (await conn.execute(statement("payouts_take", self._lane), self._pace)).fetchall()
        ends = await asyncio.gather(*(self._ask(*row) for row in rows), return_exceptions=True)
        for row, end in zip(rows, ends, strict=True):
            if isinstance(end, BaseException):
                log.warning("payout %d: %r; goes on", row[0], end, extra={"event": "payout_waits", "lane": self._lane})
        ((count, since_us),) = await self._pool.fetch(statement("payouts_waiting", self._lane), None, "payouts waiting")
        waits(self._lane, count, since_us)
        return len(rows)

    async def _ask(self, number: int, name: str, uid: int, fen: int) -> None:
        body = BankOrder(uid=uid, fen=fen).model_dump()
        try:
            answer = await self._bank.call(self._lane, "PUT", f"/v1/payouts/{name}", body)
            word = BankWord.model_validate(answer.body)
        except (OutsideUnknown, OutsideDenied, ValidationError) as exc:
            text = str(exc).splitlines()[0]
            log.info("payout %d: %s; asked again", number, text, extra={"event": "payout_unknown", "lane": self._lane})
            return
        if word.order != name or word.state == "processing":
            return
        await self._settle(number, uid, fen, word)

    async def _settle(self, number: int, uid: int, fen: int, word: BankWord) -> None:
        """Raises StoreUnknown, StoreRefused, Degraded, Pending: the bank says the same the next time."""
        kind, to = ("payout_paid", PAID_TO) if word.state == "paid" else ("payout_back", user(uid))
        legs = (Leg(payout(uid), "fen", -fen), Leg(to, "fen", fen))

        async def settled(conn: Connection, done: TransferRecord) -> None:
            # PostgreSQL's text has no NUL, and no bank's word may keep money where it is.
            why = word.why.replace("\0", "")[:WHY_CHARS_MAX]
            end = {"payout": number, "state": word.state, "why": why, "at_us": done.at_us}
            await conn.execute(statement("payout_settle", self._lane), end)

        made = Order(kind, f"payout_end:{number}", {"payout": number}, legs)
        try:
            done = await Transfers(self._pool, self._lane).send(made, after=settled)
        except KeyReused:
            log.error("payout %d: the bank now says %s", number, word.state, extra={"event": "payout_contradicted"})
            return
        if not done.again:
            counted(self._lane, word.state, fen)


async def ask_for_live(app: web.Application) -> None:
    """Until cancelled."""
    await _ask_on(app, "live")


async def ask_for_stress(app: web.Application) -> None:
    """Until cancelled. A task of its own: a slow double holds up nobody of the public."""
    await _ask_on(app, "stress")


async def _ask_on(app: web.Application, lane: Lane) -> None:
    desk = PayoutDesk(app[POOLS][lane], lane, app[CALLER], app[SETTINGS])
    bell = app[BELLS][lane]
    while True:
        bell.clear()
        try:
            if await desk.ask_some() == AT_ONCE:
                continue
        except (XiuError, Pending) as exc:
            log.info("payouts of lane %s: %s", lane, exc, extra={"event": "payouts_unread"})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await bell.wait()
