"""Claims that come together, on a real ledger: one commit for many, not one part too many, no word that is not so."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import psycopg
import pytest

from system.contract.errors import Degraded
from system.ledger.access import Pool
from system.ledger.accounts import Leg
from system.ledger.migrate import migrate
from system.ledger.transfer import Order, Pending, Transfers, transfer
from system.play.fission import claims, figures, shares
from system.play.fission.claims import ClaimedPart
from system.play.fission.desk import ClaimDesk
from system.play.fission.links import ShareLink, verified
from system.play.fission.models import FissionFunding
from system.play.fission.refusals import OwnShare, ShareExhausted, ShareExpired
from system.play.fission.sweeps import sweep
from tests.support.deadline import until
from tests.support.fission import FUNDING, OWNER, broken, execute, expire, played
from tests.support.ledger_links import LOST_S, SilentLink
from tests.support.play import SECRET

FRIENDS = range(1000, 6000)


@asynccontextmanager
async def pools(dsn: str, count: int, timeout_s: float = 60.0) -> AsyncIterator[list[Pool]]:
    made = [Pool(dsn, "xiu_live", SECRET, timeout_s=timeout_s) for _ in range(count)]
    try:
        yield made
    finally:
        for pool in made:
            await pool.close()


@asynccontextmanager
async def desks(every: Sequence[Pool], patience_s: float = 180.0) -> AsyncIterator[list[ClaimDesk]]:
    """A desk on each pool, as so many processes have them."""
    made = [ClaimDesk(pool, "live", patience_s=patience_s) for pool in every]
    running = [asyncio.create_task(desk.run()) for desk in made]
    try:
        yield made
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def shared(dsn: str, pool: Pool, parts: int, fen: int = 10_000) -> ShareLink:
    """A share of so many parts."""
    await migrate(dsn, SECRET)
    played(dsn)
    order = FissionFunding.model_validate(FUNDING | {"share_fen": fen, "parts": parts})
    await shares.fund(pool, 1, order)
    view, _ = await shares.open_share(pool, "live", SECRET, OWNER, "1-0")
    assert view.link is not None
    return verified(SECRET, "live", view.link)


def commits() -> float:
    return float(figures.COMMITS.labels("live")._value.get())


def claimed() -> float:
    return float(figures.CLAIMS.labels("live", "claimed")._value.get())


async def told(desk: ClaimDesk, link: ShareLink, uid: int) -> ClaimedPart | type[Exception]:
    try:
        return await desk.claim(link, uid)
    except Exception as exc:
        return type(exc)


def test_five_thousand_at_once(postgres_dsn: str) -> None:
    """In two processes: as many parts as there are, not one more; the late ones without a lock, or the ledger."""

    async def body() -> None:
        async with pools(postgres_dsn, 2) as every, desks(every) as both:
            link = await shared(postgres_dsn, every[0], 300)
            before = commits()
            asked = [(both[uid % 2], uid) for uid in FRIENDS]
            answers = await asyncio.gather(*(told(desk, link, uid) for desk, uid in asked))
            parts = {uid: part for (_, uid), part in zip(asked, answers, strict=True) if isinstance(part, ClaimedPart)}
            assert Counter(type(answer) for answer in answers if not isinstance(answer, type)) == {ClaimedPart: 300}
            assert Counter(answer for answer in answers if isinstance(answer, type)) == {ShareExhausted: 4700}
            assert sum(part.fen for part in parts.values()) == 10_000
            assert commits() - before <= 6
            assert broken(postgres_dsn) == {}
            with psycopg.connect(postgres_dsn) as conn:
                conn.execute("LOCK TABLE live.share, live.claim, live.holding IN ACCESS EXCLUSIVE MODE")
                late = await asyncio.gather(*(told(desk, link, uid) for desk, uid in asked))
                assert await told(both[0], link, OWNER) is OwnShare
                conn.rollback()
            assert {uid: part for (_, uid), part in zip(asked, late, strict=True) if isinstance(part, ClaimedPart)} == {
                uid: part._replace(again=True) for uid, part in parts.items()
            }

    asyncio.run(body())


def test_one_user_many_times_at_once(postgres_dsn: str) -> None:
    async def body() -> None:
        async with pools(postgres_dsn, 2) as every, desks(every) as both:
            link, before = await shared(postgres_dsn, every[0], 4), (claimed(), commits())
            answers = await asyncio.gather(*(told(random.choice(both), link, 11) for _ in range(50)))
            assert len({part[:2] for part in answers if isinstance(part, ClaimedPart)}) == 1
            assert Counter(part.again for part in answers if isinstance(part, ClaimedPart)) == {False: 1, True: 49}
            assert (claimed(), commits()) == (before[0] + 1, before[1] + 1), "counted is what the ledger did"
            assert execute(postgres_dsn, "SELECT claimed FROM live.share") == [(1,)]
            assert broken(postgres_dsn) == {}

    asyncio.run(body())


def test_the_end_is_read_under_the_lock(postgres_dsn: str) -> None:
    """Who asked in time and got the lock too late gets nothing."""

    async def body() -> None:
        async with pools(postgres_dsn, 1) as every, desks(every) as (desk,):
            link = await shared(postgres_dsn, every[0], 4)
            with psycopg.connect(postgres_dsn) as conn:
                conn.execute("SELECT * FROM live.share FOR UPDATE")
                waiting = asyncio.create_task(told(desk, link, 11))

                async def waits() -> bool:
                    return bool(execute(postgres_dsn, "SELECT 1 FROM pg_locks WHERE NOT granted"))

                await until(waits, what="a claim at the share's lock")
                conn.execute("UPDATE live.share SET expires_us = opened_us + 1")
                conn.commit()
            assert await waiting is ShareExpired
            assert broken(postgres_dsn) == {}

    asyncio.run(body())


@pytest.mark.parametrize("arrives", [True, False], ids=["the COMMIT lands", "the COMMIT is lost"])
def test_an_answer_that_is_lost(postgres_dsn: str, arrives: bool) -> None:
    """All in it are told *pending*; asked again, each is told what is so."""

    async def body() -> None:
        async with pools(postgres_dsn, 1) as (sound,):
            link = await shared(postgres_dsn, sound, 8)
            relay = SilentLink(postgres_dsn, request_arrives=arrives)
            async with relay.open(), pools(relay.url, 1, timeout_s=LOST_S) as dying, desks(dying) as (desk,):
                relay.armed = True
                assert {await one for one in asyncio.as_completed([told(desk, link, k) for k in range(11, 16)])} == {
                    Pending
                }
            async with desks([sound]) as (desk,):
                again = [await told(desk, link, k) for k in range(11, 16)]
            assert [isinstance(part, ClaimedPart) and part.again for part in again] == [arrives] * 5
            assert broken(postgres_dsn) == {}

    asyncio.run(body())


def test_claims_and_sweeps_at_once(postgres_dsn: str) -> None:
    """Three processes sweep while users claim and the time runs out: every fen is in one place."""

    async def body() -> None:
        async with pools(postgres_dsn, 3) as every, desks(every) as each:
            link = await shared(postgres_dsn, every[0], 200)
            stop = False

            async def sweeping(pool: Pool) -> int:
                swept = 0
                while not stop:
                    swept += await sweep(pool, "live")
                return swept

            sweepers = [asyncio.create_task(sweeping(pool)) for pool in every]
            early = [asyncio.create_task(told(each[k % 3], link, 1000 + k)) for k in range(60)]
            await asyncio.gather(*early[:20])
            expire(postgres_dsn, "1-0")
            late = [asyncio.create_task(told(each[k % 3], link, 2000 + k)) for k in range(60)]
            answers = await asyncio.gather(*early, *late)

            async def settled() -> bool:
                return execute(postgres_dsn, "SELECT settled_us IS NOT NULL FROM live.share") == [(True,)]

            await until(settled, what="the share settled")
            stop = True
            assert sum(await asyncio.gather(*sweepers)) == 1
            assert set(answers[60:]) == {ShareExpired}
            parts = [part for part in answers if isinstance(part, ClaimedPart)]
            rows = execute(postgres_dsn, "SELECT count(*), sum(fen) FROM live.claim")
            assert rows == [(len(parts), sum(part.fen for part in parts))]
            assert broken(postgres_dsn) == {}

    asyncio.run(body())


def test_who_waited_too_long_is_told_that_nothing_happened(postgres_dsn: str) -> None:
    async def body() -> None:
        async with pools(postgres_dsn, 1) as (pool,):
            link = await shared(postgres_dsn, pool, 4)
            # A desk that nobody serves at: the turn never comes.
            desk = ClaimDesk(pool, "live", patience_s=0.05)
            assert set(await asyncio.gather(*(told(desk, link, 11) for _ in range(3)))) == {Degraded}
            with contextlib.closing(psycopg.connect(postgres_dsn)) as conn:
                conn.execute("SELECT * FROM live.share FOR UPDATE")
                async with desks([pool], patience_s=0.2) as (desk,):
                    # Its turn came, and the transaction is under way.
                    assert await told(desk, link, 12) is Pending
                conn.rollback()
            assert broken(postgres_dsn) == {}

    asyncio.run(body())


def test_a_silent_ledger_is_no_refusal_for_good(postgres_dsn: str) -> None:
    async def body() -> None:
        async with pools(postgres_dsn, 1) as (pool,):
            link = await shared(postgres_dsn, pool, 4)
            async with pools("postgresql://xiu@127.0.0.1:9/none", 1, timeout_s=1.0) as none, desks(none) as (desk,):
                assert await told(desk, link, 11) is Degraded
            async with desks([pool]) as (desk,):
                assert isinstance(await told(desk, link, 11), ClaimedPart)

    asyncio.run(body())


def test_a_claim_that_waits_for_its_user_has_the_time_at_which_it_moved(postgres_dsn: str) -> None:
    """A user's transfers have one order, by number and by time: the clock is read under all locks."""

    async def body() -> None:
        async with pools(postgres_dsn, 2) as every:
            link = await shared(postgres_dsn, every[0], parts=2)

            def gift(key: str) -> Order:
                return Order("gift", key, {}, (Leg("platform:gifts", "fen", -1), Leg("user:11", "fen", 1)))

            await Transfers(every[0], "live").send(gift("gift:1:a"))
            async with every[0].transaction() as busy:
                await busy.execute(b"SELECT 1 FROM live.holding WHERE account = 'user:11' FOR UPDATE")

                async def claim() -> None:
                    async with every[1].transaction() as conn:
                        await claims.take(conn, "live", link.award, [11, 12])

                waiting = asyncio.create_task(claim())
                held = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

                async def waits() -> bool:
                    return bool(execute(postgres_dsn, held))

                await until(waits, what="the claim at the user's lock")
                await transfer(busy, "live", gift("gift:1:b"))
            await waiting
            moved = execute(
                postgres_dsn,
                "SELECT at_us, kind FROM live.transfer JOIN live.leg USING (transfer)"
                " WHERE account = 'user:11' ORDER BY transfer",
            )
            assert [kind for _, kind in moved] == ["gift", "gift", "claim"]
            assert [at_us for at_us, _ in moved] == sorted(at_us for at_us, _ in moved)
            # Who was in time for a part is another question: the clock under the share's lock decides it.
            clocks = execute(
                postgres_dsn,
                "SELECT c.at_us <= t.at_us, c.at_us = i.at_us FROM live.claim c"
                " JOIN live.transfer t ON t.key = 'claim:' || c.award || ':' || c.uid"
                " JOIN live.interaction i ON i.key = t.key",
            )
            assert clocks == [(True, True)] * 2
        assert broken(postgres_dsn) == {}

    asyncio.run(body())
