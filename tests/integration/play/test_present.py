"""A gift of money over HTTP, on a real ledger: from wallet to wallet, once for a key, between friends, counted in their
tie.
"""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest

from system.contract.people import traits_of
from system.ledger.access import Pool
from system.ledger.migrate import migrate
from system.play.present.giving import give
from system.play.present.models import PresentOrder
from tests.support.deadline import until
from tests.support.ledger_links import LOST_S, SilentLink
from tests.support.play import ADMIN, SECRET, Caller, befriend, fill, running, token


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


async def balances(play: Caller, *uids: int) -> list[int]:
    return [int((await play.call("/v1/wallet", token(uid)))[1]["balance_fen"]) for uid in uids]


async def given_fen(play: Caller) -> float:
    """As play counts it, of givers who live where user 5 does."""
    _, text = await play.call("/metrics")
    labels = f'{{area="{traits_of(5).area}",lane="live"}}'
    (line,) = [line for line in text.splitlines() if line.startswith(f"hongbao_presents_fen_total{labels}")]
    return float(line.rpartition(" ")[2])


def rows(dsn: str, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as conn:
        return conn.execute(text.encode()).fetchall()


CAKE = {"key": "cake", "to": 7, "fen": 25, "what": "birthday"}


def test_a_gift_is_given_once_and_is_a_gift_in_the_tie(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            fill(postgres_dsn)
            await befriend(postgres_dsn, 5, 7, 8)
            before = await given_fen(play)
            strength = (await play.call("/v1/relations?friend=7&explain=1", token(5)))[1]["relations"][0]
            told = await asyncio.gather(*(play.call("/v1/presents", token(5), CAKE) for _ in range(5)))
            assert {status for status, _ in told} == {200}
            assert len({view["transfer"] for _, view in told}) == 1
            assert [view["again"] for _, view in told].count(False) == 1
            assert {leg["account"]: leg["amount"] for leg in told[0][1]["legs"]} == {"user:5": -25, "user:7": 25}
            assert await balances(play, 5, 7) == [35, 25]
            assert await given_fen(play) - before == 25
            # The friend may give it on, under a key that is his own.
            assert (await play.call("/v1/presents", token(7), CAKE | {"to": 5, "fen": 5}))[0] == 200
            assert await balances(play, 5, 7) == [40, 20]
            (stronger,) = (await play.call("/v1/relations?friend=7&explain=1", token(5)))[1]["relations"]
            terms = {term["term"]: term for term in stronger["terms"]}
            assert terms["gift"]["value"] == pytest.approx(2, abs=1e-3)
            assert terms["gift"]["adds"] > 0
            assert stronger["score"] > strength["score"]
            lines = [(line["kind"], line["fen"], line["what"]) for line in await statement(play, 7)]
            assert lines == [("present", -5, "birthday"), ("present", 25, "birthday")]
            undo = {"by": "Li Lei", "approved_by": "Han Meimei", "why": "he meant another"}
            number = told[0][1]["transfer"]
            # Part of it was given on, and a balance never goes below 0.
            assert code(await play.call(f"/v1/transfers/{number}/reverse", ADMIN, undo)) == (409, "insufficient")
            assert (await play.call("/v1/presents", token(5), CAKE | {"key": "b", "fen": 10, "what": ""}))[0] == 200
            assert (await play.call(f"/v1/transfers/{number}/reverse", ADMIN, undo))[0] == 200
            assert await balances(play, 5, 7) == [55, 5]
            taken_back = (await play.call("/v1/presents", token(5), CAKE))[1]
            assert (taken_back["transfer"], taken_back["again"], taken_back["reversed"]) == (number, True, True)
            seen = (await play.call("/v1/presents", token(7)))[1]["presents"]
            assert [(one["uid"], one["fen"], one["what"], one["state"]) for one in seen] == [
                (5, 10, "", "given"), (5, -5, "birthday", "given"), (5, 25, "birthday", "reversed"),
            ]  # fmt: skip
            assert (await play.call("/v1/presents", token(8)))[1]["presents"] == []

    asyncio.run(body())
    assert rows(postgres_dsn, "SELECT key, from_uid, to_uid FROM live.interaction WHERE kind = 3 ORDER BY key") == [
        ("present:5:b", 5, 7), ("present:5:cake", 5, 7), ("present:7:cake", 7, 5),
    ]  # fmt: skip


async def statement(play: Caller, uid: int) -> list[dict[str, Any]]:
    return list((await play.call("/v1/wallet/statement", token(uid)))[1]["lines"])


def test_what_is_refused_leaves_nothing(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            fill(postgres_dsn)
            await befriend(postgres_dsn, 5, 7, 361)
            for uid, order, expected in (
                (5, CAKE | {"to": 5}, (409, "present_to_oneself")),
                (5, CAKE | {"to": 9}, (409, "not_friends")),
                (5, CAKE | {"fen": 61}, (409, "insufficient")),
                (7, CAKE | {"to": 5}, (409, "insufficient")),
                (361, CAKE | {"to": 5}, (403, "no_real_name")),
                (5, CAKE | {"fen": 0}, (400, "out_of_range")),
                (5, CAKE | {"to": 1 << 63}, (400, "out_of_range")),
                (5, CAKE | {"key": ""}, (400, "bad_request")),
                (5, CAKE | {"what": "two\nlines"}, (400, "bad_request")),
                (5, CAKE | {"x": 1}, (400, "bad_request")),
            ):
                assert code(await play.call("/v1/presents", token(uid), order)) == expected, order
            assert (await play.call("/v1/presents", token(5)))[1]["presents"] == []
            # Refusals are not remembered; another order under the key of one that was carried out is refused.
            assert (await play.call("/v1/presents", token(5), CAKE))[0] == 200
            assert code(await play.call("/v1/presents", token(5), CAKE | {"fen": 1})) == (409, "key_reused")
            assert code(await play.call("/v1/presents", token(5), CAKE | {"to": 361})) == (409, "key_reused")
            assert await balances(play, 5, 7, 361) == [35, 25, 0]

    asyncio.run(body())
    assert rows(postgres_dsn, "SELECT count(*) FROM live.interaction WHERE kind = 3") == [(1,)]


def test_of_many_gifts_at_once_of_the_same_money_one_is_given(postgres_dsn: str) -> None:
    """To and fro between the same two as well: none waits for another for ever."""

    async def body() -> None:
        async with running(postgres_dsn) as play:
            fill(postgres_dsn)
            await befriend(postgres_dsn, 5, 7)
            ends = await asyncio.gather(
                *(play.call("/v1/presents", token(5), CAKE | {"key": f"k{k}", "fen": 40}) for k in range(6))
            )
            assert sorted(status for status, _ in ends) == [200] + [409] * 5
            assert {code(end) for end in ends if end[0] != 200} == {(409, "insufficient")}
            both = [(5, 7, 1), (7, 5, 2)] * 6
            crossed = await asyncio.gather(
                *(
                    play.call("/v1/presents", token(uid), {"key": f"x{k}", "to": to, "fen": fen})
                    for k, (uid, to, fen) in enumerate(both)
                )
            )
            assert {status for status, _ in crossed} == {200}
            assert await balances(play, 5, 7) == [20 - 6 + 12, 40 + 6 - 12]

    asyncio.run(body())


@pytest.mark.parametrize("arrives", [True, False], ids=["its answer is lost", "it is lost"])
def test_a_gift_whose_commit_is_lost_is_given_once(postgres_dsn: str, arrives: bool) -> None:
    asyncio.run(migrate(postgres_dsn, SECRET))
    fill(postgres_dsn)
    asyncio.run(befriend(postgres_dsn, 5, 7))

    async def body() -> None:
        link = SilentLink(postgres_dsn, request_arrives=arrives)
        async with link.open():
            pool = Pool(link.url, "xiu_live", SECRET, size=1, timeout_s=LOST_S)
            await pool.fetch(b"SELECT 1")
            link.armed = True
            giving = asyncio.create_task(give(pool, "live", 5, PresentOrder(**CAKE)))

            async def dead() -> bool:
                return link.dead

            await until(dead, what="its COMMIT sent")
            link.armed = link.dead = False
            first = await giving
            while first.state == "pending":
                first = await give(pool, "live", 5, PresentOrder(**CAKE))
            assert {leg.account: leg.amount for leg in first.legs} == {"user:5": -25, "user:7": 25}
            await pool.close()

    asyncio.run(body())
    assert rows(postgres_dsn, "SELECT account, amount FROM live.holding ORDER BY account") == [
        ("user:5", -25), ("user:7", 25),
    ]  # fmt: skip
    assert rows(postgres_dsn, "SELECT counts[3] + counts[8] FROM live.tie WHERE (lo, hi) = (5, 7)") == [(1,)]
