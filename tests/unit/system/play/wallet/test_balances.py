"""Balances that are asked for together are read together, each by a statement that began after its question."""

from __future__ import annotations

import asyncio

import pytest

from system.contract.errors import Degraded, StoreUnknown
from system.ledger.standing import Answer
from system.play.wallet.balances import BATCH_MAX, BalanceDesk


class SlowLedger:
    """Answers statements one by one, when it is let; `asked` has the users of each."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def ask(self, parameter: bytes) -> Answer:
        uids = [int(uid) for uid in parameter.strip(b"{}").split(b",")]
        self.asked.append(uids)
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return [(b"%d" % uid, b"%d" % (10 * uid), b"%d" % uid) for uid in uids]


async def asked_for(desk: BalanceDesk, ledger: SlowLedger, *uids: int) -> list[asyncio.Task[tuple[int, int]]]:
    """Questions that wait at the desk."""
    tasks = [asyncio.create_task(desk.balance(uid)) for uid in uids]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


def test_who_comes_during_a_statement_is_in_the_next() -> None:
    async def body() -> None:
        ledger = SlowLedger()
        desk = BalanceDesk(ledger.ask, "live")
        first = await asked_for(desk, ledger, 1)
        later = await asked_for(desk, ledger, 1, 2, 2, 3)
        assert ledger.asked == [[1]], "the statement under way began before the later questions"
        ledger.go.set()
        assert await asyncio.gather(*first, *later) == [(10, 1), (10, 1), (20, 2), (20, 2), (30, 3)]
        assert ledger.asked == [[1], [1, 2, 3]]
        assert await desk.balance(4) == (40, 4), "and the desk serves on"

    asyncio.run(body())


def test_who_comes_alone_is_asked_for_at_once_however_short_ago_the_last_was() -> None:
    async def body() -> None:
        ledger = SlowLedger()
        ledger.go.set()
        desk = BalanceDesk(ledger.ask, "live")
        for uid in (1, 2, 3):
            waiting = await asked_for(desk, ledger, uid)
            assert ledger.asked[-1] == [uid], "two turns of the loop, and no timer"
            await asyncio.gather(*waiting)
        assert ledger.asked == [[1], [2], [3]]

    asyncio.run(body())


def test_a_statement_has_so_many_users_and_no_more() -> None:
    async def body() -> None:
        ledger = SlowLedger()
        ledger.go.set()
        desk = BalanceDesk(ledger.ask, "live")
        await asyncio.gather(*(desk.balance(uid) for uid in range(1, 2 * BATCH_MAX + 1)))
        assert sum(map(len, ledger.asked)) == 2 * BATCH_MAX
        assert max(map(len, ledger.asked)) == BATCH_MAX

    asyncio.run(body())


@pytest.mark.parametrize("error", [StoreUnknown("no answer"), ValueError("a bug")])
def test_all_who_wait_are_told_of_a_silent_ledger_and_the_desk_goes_on(error: Exception) -> None:
    async def body() -> None:
        ledger = SlowLedger()
        ledger.error = error
        desk = BalanceDesk(ledger.ask, "live")
        waiting = await asked_for(desk, ledger, 1, 2)
        ledger.go.set()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(each) for each in found] == [Degraded, Degraded]
        assert found[0] is not found[1]
        ledger.error = None
        assert await desk.balance(1) == (10, 1)

    asyncio.run(body())


def test_who_goes_away_takes_nothing_from_those_who_wait() -> None:
    async def body() -> None:
        ledger = SlowLedger()
        desk = BalanceDesk(ledger.ask, "live")
        gone, stays = await asked_for(desk, ledger, 1, 1)
        gone.cancel()
        await asyncio.sleep(0)
        ledger.go.set()
        assert await stays == (10, 1)

    asyncio.run(body())
