"""Transfers on a real PostgreSQL: once for a key, no floor broken, whatever is asked at once, killed or lost."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from system.contract.errors import Degraded, NotFound, Refused, RoundOver, StoreRefused, StoreUnknown
from system.ledger.access import Connection, Pool, connect
from system.ledger.accounts import Leg, user
from system.ledger.transfer import (
    AlreadyReversed,
    Insufficient,
    KeyReused,
    Order,
    Pending,
    TransferRecord,
    Transfers,
    transfer,
)
from system.ledger.translate import translated
from tests.support.books import SECRET
from tests.support.ledger_links import LOST_S, SilentLink
from tests.support.stores import wait_until


def gift(giver: int, taker: int, fen: int, key: str) -> Order:
    legs = (Leg(user(giver), "fen", -fen), Leg(user(taker), "fen", fen))
    return Order("gift", f"gift:{giver}:{key}", {"to": taker, "fen": fen}, legs)


def grant(uid: int, fen: int, key: str = "1") -> Order:
    return Order(
        "grant", f"grant:{uid}:{key}", {"fen": fen}, (Leg("platform:gala", "fen", -fen), Leg(user(uid), "fen", fen))
    )


def sql(dsn: str, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn, autocommit=True) as conn:
        return conn.execute(text.encode()).fetchall()


def held(dsn: str, account: str) -> int:
    rows = sql(dsn, f"SELECT amount FROM live.holding WHERE account = '{account}' AND currency = 'fen'")
    return int(rows[0][0]) if rows else 0


def sound(dsn: str) -> None:
    """S18: legs of a transfer add up to 0, a holding is the sum of its legs, nothing is under its floor."""
    assert sql(dsn, "SELECT transfer, currency FROM live.leg GROUP BY 1, 2 HAVING sum(amount) <> 0") == []
    assert (
        sql(
            dsn,
            "SELECT h.account FROM live.holding h WHERE h.amount <> coalesce((SELECT sum(amount) FROM live.leg l"
            " WHERE (l.account, l.currency) = (h.account, h.currency)), 0)",
        )
        == []
    )
    under = (
        "SELECT account FROM live.holding h WHERE h.amount + coalesce((SELECT sum(fen) FROM live.posting p"
        " WHERE h.currency = 'fen' AND h.account = 'user:' || p.uid), 0) < 0"
    )
    assert sql(dsn, under) == []


@asynccontextmanager
async def sender(
    dsn: str, *, size: int = 8, timeout_s: float = 30.0, patience_s: float = 30.0
) -> AsyncIterator[Transfers]:
    pool = Pool(dsn, "xiu_live", SECRET, size=size, timeout_s=timeout_s)
    try:
        yield Transfers(pool, "live", patience_s=patience_s)
    finally:
        await pool.close()


def play(dsn: str, body: Callable[[Transfers], Awaitable[None]]) -> None:
    async def go() -> None:
        async with sender(dsn) as transfers:
            await body(transfers)

    asyncio.run(go())
    sound(dsn)


def test_a_transfer_moves_once_and_its_key_says_so_again(ledger_dsn: str) -> None:
    async def body(transfers: Transfers) -> None:
        await transfers.send(grant(1, 100))
        done = await transfers.send(gift(1, 2, 30, "a"))
        assert (done.again, done.legs) == (False, (Leg("user:1", "fen", -30), Leg("user:2", "fen", 30)))
        again = await transfers.send(gift(1, 2, 30, "a"))
        assert again == TransferRecord(
            done.transfer, "gift", {"to": 2, "fen": 30}, None, done.at_us, done.legs, again=True
        )
        for other in (gift(1, 2, 31, "a"), gift(1, 3, 30, "a")):
            with pytest.raises(KeyReused):
                await transfers.send(other)
        await transfers.send(gift(2, 1, 30, "a"))

    play(ledger_dsn, body)
    assert (held(ledger_dsn, "user:1"), held(ledger_dsn, "user:2")) == (100, 0)


def test_nobody_spends_what_he_has_not(ledger_dsn: str) -> None:
    """A refusal is not remembered: the same key may be asked again once there is enough."""

    async def body(transfers: Transfers) -> None:
        await transfers.send(grant(1, 100))
        with pytest.raises(Insufficient, match="fen on user:1"):
            await transfers.send(gift(1, 2, 101, "a"))
        await transfers.send(grant(1, 1, "2"))
        assert not (await transfers.send(gift(1, 2, 101, "a"))).again

    play(ledger_dsn, body)
    assert held(ledger_dsn, "user:2") == 101


def test_what_credit_has_posted_can_be_spent_and_no_more(ledger_dsn: str) -> None:
    with psycopg.connect(ledger_dsn) as conn:
        for uid, round_id, fen in ((1, 1, 40), (1, 2, 2), (2, 1, 99)):
            conn.execute("INSERT INTO live.posting VALUES (%s, %s, 0, %s, 7, 0, 1, 1)", (uid, round_id, fen))

    async def body(transfers: Transfers) -> None:
        await transfers.send(gift(1, 3, 41, "a"))
        with pytest.raises(Insufficient):
            await transfers.send(gift(1, 3, 2, "b"))
        await transfers.send(gift(1, 3, 1, "c"))

    play(ledger_dsn, body)
    assert held(ledger_dsn, "user:1") == -42


def test_of_many_spendings_of_the_same_money_one_is_made(ledger_dsn: str) -> None:
    async def body(transfers: Transfers) -> None:
        await transfers.send(grant(1, 100))
        ends = await asyncio.gather(
            *(transfers.send(gift(1, 2 + k, 60, f"k{k}")) for k in range(16)), return_exceptions=True
        )
        assert [type(end) for end in ends].count(TransferRecord) == 1
        assert [type(end) for end in ends].count(Insufficient) == 15

    play(ledger_dsn, body)
    assert held(ledger_dsn, "user:1") == 40


def test_of_many_askings_with_one_key_all_get_the_one_result(ledger_dsn: str) -> None:
    async def body(transfers: Transfers) -> None:
        await transfers.send(grant(1, 100))
        ends = await asyncio.gather(*(transfers.send(gift(1, 2, 60, "a")) for _ in range(16)))
        assert len({end.transfer for end in ends}) == 1
        assert [end.again for end in ends].count(False) == 1

    play(ledger_dsn, body)
    assert held(ledger_dsn, "user:1") == 40


def test_gifts_that_cross_each_other_never_wait_for_each_other(postgres_dsn: str) -> None:
    """In a database of its own: what PostgreSQL counts, it counts of all that ever happened there."""
    rng = random.Random(3)

    async def body(transfers: Transfers) -> None:
        await asyncio.gather(*(transfers.send(grant(uid, 1000)) for uid in range(5)))
        pairs = [rng.sample(range(5), 2) for _ in range(200)]
        await asyncio.gather(
            *(transfers.send(gift(a, b, rng.randint(1, 9), f"k{k}")) for k, (a, b) in enumerate(pairs))
        )

    play(postgres_dsn, body)
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'xiu_live'"
    wait_until(lambda: sql(postgres_dsn, sessions) == [(0,)], 30, "the sessions' end, when all they counted is shown")
    assert sql(postgres_dsn, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]
    assert sql(postgres_dsn, "SELECT count(*), sum(amount) FROM live.holding") == [(5, 5000)]


def test_a_reversal_negates_once(ledger_dsn: str) -> None:
    def reversal(number: int, key: str) -> Order:
        return Order("reverse", f"reverse:{key}", {"transfer": number}, reverses=number)

    async def body(transfers: Transfers) -> None:
        await transfers.send(grant(1, 100))
        done = await transfers.send(gift(1, 2, 30, "a"))
        ends = await asyncio.gather(
            *(transfers.send(reversal(done.transfer, f"k{k}")) for k in range(6)), return_exceptions=True
        )
        (undone,) = [end for end in ends if isinstance(end, TransferRecord)]
        assert [type(end) for end in ends].count(AlreadyReversed) == 5
        assert undone.legs == (Leg("user:1", "fen", 30), Leg("user:2", "fen", -30))
        with pytest.raises(Refused, match="is a reversal itself"):
            await transfers.send(reversal(undone.transfer, "z"))
        with pytest.raises(NotFound):
            await transfers.send(reversal(10**9, "y"))
        spent = await transfers.send(gift(1, 2, 100, "b"))
        await transfers.send(gift(2, 3, 100, "c"))
        with pytest.raises(Insufficient):
            await transfers.send(reversal(spent.transfer, "x"))

    play(ledger_dsn, body)
    assert held(ledger_dsn, "user:3") == 100


@pytest.mark.parametrize("arrives", [True, False], ids=["its answer is lost", "it is lost"])
def test_a_commit_is_lost_and_the_transfer_is_made_once(ledger_dsn: str, arrives: bool) -> None:
    async def body() -> None:
        link = SilentLink(ledger_dsn, request_arrives=arrives)
        async with link.open(), sender(ledger_dsn) as direct, sender(link.url, size=1, timeout_s=LOST_S) as transfers:
            await direct.send(grant(1, 100))
            await transfers.find("nothing")
            link.armed = True
            sending = asyncio.create_task(transfers.send(gift(1, 2, 100, "a")))
            while not link.dead:
                assert not sending.done()
                await asyncio.sleep(0.01)
            link.armed = link.dead = False
            done = await sending
            assert done.again is arrives

    asyncio.run(body())
    sound(ledger_dsn)
    assert (held(ledger_dsn, "user:1"), held(ledger_dsn, "user:2")) == (0, 100)


def test_a_commit_that_stays_lost_is_pending_and_an_absent_ledger_is_not(ledger_dsn: str) -> None:
    async def body() -> None:
        link = SilentLink(ledger_dsn, request_arrives=True)
        async with link.open(), sender(ledger_dsn) as direct:
            await direct.send(grant(1, 100))
            async with sender(link.url, size=1, timeout_s=LOST_S, patience_s=0.5) as transfers:
                await transfers.find("nothing")
                link.armed = True
                with pytest.raises(Pending):
                    await transfers.send(gift(1, 2, 100, "a"))
                with pytest.raises(Degraded):
                    await transfers.send(gift(1, 2, 1, "b"))
            assert (await direct.send(gift(1, 2, 100, "a"))).again
            assert await direct.find("gift:1:b") is None

    asyncio.run(body())


def test_a_commit_still_on_its_way_is_waited_for(ledger_dsn: str) -> None:
    """The first attempt is alive on the server, uncommitted: sent again, the transfer waits for its end."""

    async def body(transfers: Transfers) -> None:
        await transfers.send(grant(1, 100))
        async with await connect(ledger_dsn, "xiu_live", SECRET) as late:
            await late.execute("BEGIN")
            await transfer(late, "live", gift(1, 2, 100, "a"))
            again = asyncio.create_task(transfers.send(gift(1, 2, 100, "a")))
            waits = b"SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'"
            while (await (await late.execute(waits)).fetchone()) != (1,):
                assert not again.done()
                await asyncio.sleep(0.01)
            await late.execute("COMMIT")
            assert (await again).again

    play(ledger_dsn, body)
    assert held(ledger_dsn, "user:2") == 100


def test_a_refusal_that_the_same_order_caused_is_its_result(ledger_dsn: str) -> None:
    """Two of the same at once: the second finds everything gone, by the first. It has what it asked for."""

    async def body(transfers: Transfers) -> None:
        await transfers.send(grant(1, 100))
        order = gift(1, 2, 100, "a")
        first = asyncio.Event()

        async def gone(conn: Connection) -> Order:
            await transfers.send(order)
            first.set()
            raise RoundOver("nothing is left")

        assert (await transfers.send(order, gone)).again
        assert first.is_set()

        async def over(conn: Connection) -> Order:
            raise RoundOver("nothing is left")

        with pytest.raises(RoundOver):
            await transfers.send(gift(1, 2, 1, "b"), over)

    play(ledger_dsn, body)


def test_sessions_killed_in_the_middle_leave_each_transfer_whole_or_not_at_all(ledger_dsn: str) -> None:
    rng = random.Random(11)
    order = [gift(*rng.sample(range(6), 2), rng.randint(1, 40), f"k{k}") for k in range(150)]
    told: dict[str, TransferRecord] = {}

    async def send(transfers: Transfers, one: Order) -> None:
        with contextlib.suppress(Insufficient, Pending, Degraded):
            told[one.key] = await transfers.send(one)

    async def kill(until_done: asyncio.Task[Any]) -> None:
        killing = (
            b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'xiu_live'"
            b" AND datname = current_database() ORDER BY random() LIMIT 1"
        )
        async with await psycopg.AsyncConnection.connect(ledger_dsn, autocommit=True) as conn:
            while not until_done.done():
                await conn.execute(killing)
                await asyncio.sleep(0.005)

    async def body(transfers: Transfers) -> None:
        for uid in range(6):
            await transfers.send(grant(uid, 200))

        async def all_of_them(hurried: Transfers) -> None:
            places = asyncio.Semaphore(8)

            async def one_of_them(one: Order) -> None:
                async with places:
                    await send(hurried, one)

            await asyncio.gather(*(one_of_them(one) for one in order))

        # Whoever is killed again and again gives up soon, and asks once more when nobody is killed any longer.
        async with sender(ledger_dsn, patience_s=2.0) as hurried:
            sending = asyncio.create_task(all_of_them(hurried))
            await kill(sending)
            await sending
        for one in order:
            await send(transfers, one)

    play(ledger_dsn, body)
    assert len(told) > 50
    stored = dict(sql(ledger_dsn, "SELECT key, transfer FROM live.transfer WHERE kind = 'gift'"))
    assert stored == {key: done.transfer for key, done in told.items()}


@pytest.mark.parametrize("role", ["xiu_live", "xiu_stress", "xiu_control"])
@pytest.mark.parametrize(
    "text",
    [
        "UPDATE live.transfer SET kind = 'other'",
        "DELETE FROM live.transfer",
        "UPDATE live.leg SET amount = 1",
        "DELETE FROM live.leg",
        "UPDATE live.posting SET fen = 1",
        "DELETE FROM live.posting",
        "DELETE FROM live.holding",
    ],
)
def test_what_moved_money_stays_as_it_is(ledger_dsn: str, role: Any, text: str) -> None:
    async def go() -> None:
        async with await connect(ledger_dsn, role, SECRET) as conn:
            with translated("test"):
                await conn.execute(text.encode())

    with pytest.raises((StoreRefused, StoreUnknown), match="permission denied"):
        asyncio.run(go())


def test_legs_that_do_not_add_up_write_nothing(ledger_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The statement that writes them checks them as well: a fault of ours in front of it costs nobody a fen."""
    monkeypatch.setattr("system.ledger.transfer.balanced", lambda legs: tuple(legs))
    order = Order("grant", "grant:1:1", {}, (Leg("platform:gala", "fen", -5), Leg("user:1", "fen", 6)))

    async def body(transfers: Transfers) -> None:
        with pytest.raises(Degraded):
            await transfers.send(order)

    play(ledger_dsn, body)
    assert sql(ledger_dsn, "SELECT count(*) FROM live.transfer") == [(0,)]
