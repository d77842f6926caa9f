"""Balances of one lane in one process, gathered: one statement at a time answers all who came during the one before.

Owns who waits. A balance is as new as its question: it is read by a statement that began after it was asked for. With
few users each has a statement of his own, at once; with many the statements get longer and not more. A statement costs
every process on its way one to two hundred microseconds, each further user of it about ten.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from itertools import islice

from system.contract.errors import Degraded
from system.contract.ids import Lane
from system.ledger.standing import Answer
from system.play.reading import reading

BATCH_MAX = 256
"""Most users of one statement: a hundred microseconds of PostgreSQL each at most."""

log = logging.getLogger("xiu.play")

Balance = tuple[int, int]
"""Fen, and the number of postings that they came by."""


class BalanceDesk:
    """Takes questions from any number of requests at once."""

    def __init__(self, ask: Callable[[bytes], Awaitable[Answer]], lane: Lane) -> None:
        """`ask`: the statement `balances`, for an array of users. Raises StoreUnknown, StoreRefused."""
        self._ask, self._lane = ask, lane
        self._waiting: dict[int, asyncio.Future[Balance | Exception]] = {}
        self._serving: asyncio.Task[None] | None = None

    async def balance(self, uid: int) -> Balance:
        """The user's balance. Raises Degraded."""
        future = self._waiting.get(uid)
        if future is None:
            future = self._waiting[uid] = asyncio.get_running_loop().create_future()
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve(), name=f"balances {self._lane}")
        found = await asyncio.shield(future)
        if isinstance(found, Exception):
            # An error of its own for each who waits: a shared one would carry the traces of all of them.
            raise Degraded(str(found)) from found
        return found

    async def _serve(self) -> None:
        try:
            while self._waiting:
                asked = {uid: self._waiting.pop(uid) for uid in list(islice(self._waiting, BATCH_MAX))}
                try:
                    await self._answer(asked)
                finally:
                    for future in asked.values():
                        if not future.done():
                            future.set_result(Degraded("balances are not read just now; ask again"))
        finally:
            self._serving = None

    async def _answer(self, asked: dict[int, asyncio.Future[Balance | Exception]]) -> None:
        try:
            with reading("balances"):
                rows = await self._ask(b"{%s}" % ",".join(map(str, asked)).encode())
            found = [(int(uid), (int(fen), int(credits))) for uid, fen, credits in rows]
        except Degraded as exc:
            for future in asked.values():
                future.set_result(exc)
            return
        except Exception:
            log.exception("balances broke", extra={"event": "balances_broke"})
            return
        for uid, balance in found:
            asked[uid].set_result(balance)
