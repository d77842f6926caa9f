"""Notices of large packets, by SMS, once they are credited: best effort, and never in the way of money.

Owns whom to tell, how many may wait, and that nothing here fails the worker: a notice without room is dropped and
counted, one without an answer is not sent again. A killed worker's notices are lost; a repeated record makes none.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque

import numpy as np

from system.contract.ids import Lane
from system.contract.parties import SmsMessage
from system.credit.post import Posted
from system.money import format_fen
from system.outside.caller import OutsideCaller, OutsideDenied, OutsideUnknown

WAITING_MAX = 1_000
SENDERS = 4
"""Messages under way at once."""
AGAIN_S = 1.0

log = logging.getLogger(__name__)


class Notices:
    """Of one lane. `from_fen`: a packet of so much or more is told."""

    def __init__(self, lane: Lane, sms: OutsideCaller, from_fen: int) -> None:
        self._lane, self._sms, self._from_fen = lane, sms, from_fen
        self._waiting: deque[tuple[int, int]] = deque()
        self._there = asyncio.Event()

    def offer(self, batch: Posted) -> None:
        """Takes the large packets of a batch that is known to be committed, as far as there is room. Never waits."""
        large = np.flatnonzero(batch.each_fen >= self._from_fen)
        taken = large[: WAITING_MAX - len(self._waiting)]
        if dropped := len(large) - len(taken):
            self._sms.dropped(self._lane, dropped)
        if len(taken):
            self._waiting.extend(zip(batch.uid[taken].tolist(), batch.each_fen[taken].tolist(), strict=True))
            self._there.set()

    async def send(self) -> None:
        """Sends what is offered, until cancelled."""
        await asyncio.gather(*(self._sender() for _ in range(SENDERS)))

    async def _sender(self) -> None:
        while True:
            try:
                await self._next()
            except Exception:
                # A bug of ours. Money does not depend on a notice, so the worker must not hear of it.
                log.exception("a notice broke", extra={"event": "notice_broke"})
                await asyncio.sleep(AGAIN_S)

    async def _next(self) -> None:
        if not self._waiting:
            self._there.clear()
            await self._there.wait()
            return
        uid, fen = self._waiting.popleft()
        message = SmsMessage(uid=uid, text=f"您抢到的红包已到账：{format_fen(fen)}")
        try:
            await self._sms.call(self._lane, "POST", "/v1/messages", message.model_dump())
        except (OutsideUnknown, OutsideDenied) as exc:
            log.info("notice not sent: %s", exc, extra={"event": "notice_not_sent"})
