"""A round credited, closed and audited on real stores, with a hand in between that changes what it likes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry

from system.audit.close import audit
from system.contract.audit import INVARIANTS, AuditReport, Finding
from system.credit.metrics import CreditMetrics
from system.credit.switches import Switches
from system.credit.worker import Worker
from tests.support.books import SECRET, Books

Hand = Callable[[Books], Awaitable[None] | None]


async def credit(books: Books) -> None:
    worker = Worker(
        books.settings(),
        books.store,
        CreditMetrics(CollectorRegistry(), books.lane),
        Switches("http://127.0.0.1:9", "k", "live"),
    )
    await worker.once()
    await worker._drop()


async def gala(books: Books, close: bool = True) -> None:
    """Round 1 with two fronts: users 1000 to 1009 at front 0 (entries of 2), 1020 to 1024 at front 1 (one entry)."""
    books.add_round()
    for front in (0, 1):
        await books.epoch(1, front, 1)
    first, second = books.lease(1, 0, 1, 1, 20), books.lease(1, 1, 1, 1, 20)
    wins = [books.win(1, packet, 1000 + packet) for packet in first[:10]]
    for at in range(0, 10, 2):
        await books.append(1, 0, 1, wins[at : at + 2])
    await books.append(1, 1, 1, [books.win(1, packet, 1000 + packet) for packet in second[:5]])
    await credit(books)
    if close:
        books.close_round(1)


def close_books(books: Books, hand: Hand | None = None, *, close: bool = True) -> AuditReport:
    async def go() -> AuditReport:
        await books.open()
        try:
            await gala(books, close)
            done = hand(books) if hand else None
            if done is not None:
                await done
            return await audit(books.postgres_url, books.valkey_url, SECRET, books.lane)
        finally:
            await books.close()

    return asyncio.run(go())


def findings(report: AuditReport) -> dict[str, Finding]:
    assert [finding.code for finding in report.findings] == list(INVARIANTS)
    return {finding.code: finding for finding in report.findings}
