"""What was paid in for shares and is in none, when the round's time for it is over: back to who paid, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from system.ledger.access import Pool
from system.ledger.accounts import Leg
from system.ledger.migrate import migrate
from system.ledger.transfer import Order, Transfers
from system.play.fission import claims, figures, refusals, shares
from system.play.fission.models import FissionFunding
from system.play.fission.returns import give_back
from system.play.fission.sweeps import sweep
from tests.support.deadline import until
from tests.support.fission import FUNDING, OWNER, broken, closed_long_ago, execute, expire, played
from tests.support.ledger_links import LOST_S, SilentLink
from tests.support.play import SECRET

OPEN_S = 100


@asynccontextmanager
async def funded(dsn: str, count: int = 1) -> AsyncIterator[list[Pool]]:
    """Round 1 with 100,000 fen of sponsor 7 and 50,000 of sponsor 9, not closed; so many processes' pools."""
    await migrate(dsn, SECRET)
    played(dsn)
    execute(dsn, """UPDATE live.round SET sponsors = sponsors || '[{"sponsor": 9, "name": "Nine", "classes": []}]'""")
    pools = [Pool(dsn, "xiu_live", SECRET) for _ in range(count)]
    try:
        for key, sponsor, fen in (("first", 7, 100_000), ("more", 9, 50_000)):
            await shares.fund(pools[0], 1, funding(key=key, sponsor=sponsor, fen=fen))
        yield pools
    finally:
        for pool in pools:
            await pool.close()
    assert broken(dsn) == {}


def funding(**changes: object) -> FissionFunding:
    return FissionFunding.model_validate(FUNDING | {"open_s": OPEN_S} | changes)


def returned() -> float:
    """What this process has counted, in fen."""
    return float(figures.RETURNED.labels("live")._value.get())


def back(dsn: str) -> dict[str, int]:
    rows = execute(
        dsn,
        "SELECT account, sum(amount)::bigint FROM live.leg JOIN live.transfer USING (transfer)"
        " WHERE kind = 'return' GROUP BY account",
    )
    return dict(rows)


def test_back_to_who_paid_once_all_shares_are_settled(postgres_dsn: str) -> None:
    async def body() -> None:
        async with funded(postgres_dsn) as (pool,):
            for award in ("1-0", "1-1"):
                await shares.open_share(pool, "live", SECRET, OWNER, award)
            async with pool.transaction() as conn:
                await claims.take(conn, "live", "1-0", [11, 12, 13, 14])
            assert await give_back(pool, "live") == 0, "the round is not closed"
            closed_long_ago(postgres_dsn, OPEN_S - 90)
            assert await give_back(pool, "live") == 0, "winners may open shares for a minute and a half yet"
            await shares.open_share(pool, "live", SECRET, OWNER, "1-2")
            closed_long_ago(postgres_dsn, OPEN_S)
            assert await give_back(pool, "live") == 0, "two shares are open"
            for award in ("1-1", "1-2"):
                expire(postgres_dsn, award)
            assert await sweep(pool, "live") == 2
            # One share was claimed whole; of the rest a third is sponsor 9's.
            counted = returned()
            assert await give_back(pool, "live") == 149_000
            assert returned() - counted == 149_000
            assert back(postgres_dsn) == {"fission:1": -149_000, "sponsor:7": 99_333, "sponsor:9": 49_667}
            assert await give_back(pool, "live") == 0, "once"
            books = await shares.books(pool, "live", 1)
            assert (books.paid_in_fen, books.left_fen, books.returned_fen) == (150_000, 0, 149_000)

    asyncio.run(body())


def test_who_comes_when_it_is_over(postgres_dsn: str) -> None:
    """No new share, no new money; who has a share is shown it, and a key that is done is told so."""

    async def body() -> None:
        async with funded(postgres_dsn) as (pool,):
            await shares.open_share(pool, "live", SECRET, OWNER, "1-0")
            closed_long_ago(postgres_dsn, OPEN_S)
            with pytest.raises(refusals.FissionOver):
                await shares.open_share(pool, "live", SECRET, OWNER, "1-1")
            with pytest.raises(refusals.FissionOver):
                await shares.fund(pool, 1, funding(key="late"))
            view, again = await shares.open_share(pool, "live", SECRET, OWNER, "1-0")
            assert (view.state, again) == ("open", True)
            assert (await shares.fund(pool, 1, funding())).again
            execute(postgres_dsn, "UPDATE live.round SET state = 'closing'")
            with pytest.raises(refusals.TermsDiffer):
                await shares.fund(pool, 1, funding(key="other", open_s=OPEN_S + 1))

    asyncio.run(body())


def test_many_processes_and_openers_at_once(postgres_dsn: str) -> None:
    """The time runs out while shares are opened: each is opened before the return, or refused."""

    async def body() -> None:
        async with funded(postgres_dsn, 3) as pools:
            closed_long_ago(postgres_dsn, OPEN_S)
            execute(postgres_dsn, "UPDATE live.round SET state = 'closing'")
            opening = [
                asyncio.create_task(shares.open_share(pools[k % 3], "live", SECRET, OWNER, f"1-{k % 3}"))
                for k in range(12)
            ]
            await asyncio.wait(opening, return_when=asyncio.FIRST_COMPLETED)
            execute(postgres_dsn, "UPDATE live.round SET state = 'closed'")
            returning = [asyncio.create_task(give_back(pool, "live")) for pool in pools for _ in range(3)]
            await asyncio.gather(*opening, return_exceptions=True)
            await asyncio.gather(*returning)
            for (award,) in execute(postgres_dsn, "SELECT award FROM live.share WHERE settled_us IS NULL"):
                expire(postgres_dsn, award)
            await sweep(pools[0], "live")
            fen = await asyncio.gather(*(give_back(pool, "live") for pool in pools for _ in range(3)))
            assert sum(fen) == 150_000, "in one piece, by one of them"
            assert sorted(fen)[-2] == 0
            assert len(execute(postgres_dsn, "SELECT 1 FROM live.transfer WHERE kind = 'return'")) == 1
            early = execute(
                postgres_dsn,
                "SELECT 1 FROM live.share, live.transfer t WHERE t.kind = 'return' AND opened_us > t.at_us",
            )
            assert early == []

    asyncio.run(body())


@pytest.mark.parametrize("arrives", [True, False], ids=["the COMMIT lands", "the COMMIT is lost"])
def test_an_answer_that_is_lost(postgres_dsn: str, arrives: bool) -> None:
    async def body() -> None:
        async with funded(postgres_dsn) as (sound,):
            closed_long_ago(postgres_dsn, OPEN_S)
            relay = SilentLink(postgres_dsn, request_arrives=arrives)
            async with relay.open():
                dying = Pool(relay.url, "xiu_live", SECRET, timeout_s=LOST_S)
                relay.armed = True
                with pytest.raises(Exception, match="return"):
                    await give_back(dying, "live")
                await dying.close()

            async def gone() -> bool:
                await give_back(sound, "live")
                return back(postgres_dsn).get("fission:1") == -150_000

            await until(gone, what="all of it returned")

    asyncio.run(body())


def test_a_share_that_an_operator_takes_back_later_returns_as_well(postgres_dsn: str) -> None:
    async def body() -> None:
        async with funded(postgres_dsn) as (pool,):
            await shares.open_share(pool, "live", SECRET, OWNER, "1-0")
            closed_long_ago(postgres_dsn, OPEN_S)
            ((number,),) = execute(postgres_dsn, "SELECT transfer FROM live.transfer WHERE kind = 'share'")
            await Transfers(pool, "live").send(Order("reverse", f"reverse:{number}", {}, reverses=number))
            expire(postgres_dsn, "1-0")
            assert await sweep(pool, "live") == 1
            assert await give_back(pool, "live") == 150_000
            # What comes late, by a hand, is the next return: nothing lies there for ever.
            legs = (Leg("sponsor:7", "fen", -30), Leg("fission:1", "fen", 30))
            await Transfers(pool, "live").send(Order("fission", "fission:1:by-hand", {}, legs))
            assert await give_back(pool, "live") == 30

    asyncio.run(body())
