"""The money fund over HTTP, on a real ledger: bought from the balance, sold back, never more than there is."""

from __future__ import annotations

import asyncio
from typing import Any

from system.contract.people import traits_of
from tests.support.play import Caller, fill, running, token


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


async def stands(play: Caller, uid: int = 5) -> tuple[int, int]:
    """(balance, in the fund)."""
    wallet, fund = [(await play.call(path, token(uid)))[1] for path in ("/v1/wallet", "/v1/fund")]
    return wallet["balance_fen"], fund["fen"]


async def counted(play: Caller) -> dict[str, float]:
    """Way → fen, of users who live where user 5 does."""
    area = traits_of(5).area
    _, text = await play.call("/metrics")
    lines = [line for line in text.splitlines() if line.startswith("hongbao_fund_fen_total{")]
    found = {way: [x for x in lines if f'way="{way}"' in x and f'area="{area}"' in x and 'lane="live"' in x]
             for way in ("purchase", "sale")}  # fmt: skip
    return {way: float(rows[0].rpartition(" ")[2]) for way, rows in found.items()}


def test_what_is_bought_leaves_the_balance_once_and_comes_back(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            fill(postgres_dsn)
            before = await counted(play)
            assert await stands(play) == (60, 0)
            order = {"key": "a", "fen": 40}
            status, bought = await play.call("/v1/fund/purchase", token(5), order)
            assert (status, bought["state"]) == (200, "done")
            assert {leg["account"]: leg["amount"] for leg in bought["legs"]} == {"user:5": -40, "fund:5": 40}
            assert (await play.call("/v1/fund/purchase", token(5), order))[1] == bought | {"again": True}
            assert await stands(play) == (20, 40)
            for path, bad in (("purchase", {"key": "b", "fen": 21}), ("sale", {"key": "b", "fen": 41})):
                assert code(await play.call(f"/v1/fund/{path}", token(5), bad)) == (409, "insufficient"), path
            assert code(await play.call("/v1/fund/purchase", token(5), order | {"fen": 1})) == (409, "key_reused")
            assert code(await play.call("/v1/fund/purchase", token(361), order)) == (403, "no_real_name")
            # A sale has keys of its own.
            assert (await play.call("/v1/fund/sale", token(5), {"key": "a", "fen": 30}))[0] == 200
            assert await stands(play) == (50, 10)
            after = await counted(play)
            assert {way: after[way] - before[way] for way in after} == {"purchase": 40, "sale": 30}
            lines = (await play.call("/v1/wallet/statement?limit=2", token(5)))[1]["lines"]
            assert [(line["kind"], line["fen"]) for line in lines] == [("fund_sale", 30), ("fund_purchase", -40)]
            assert code(await play.call("/v1/fund/sale", token(5), {"key": "a", "fen": 0})) == (400, "out_of_range")
            for body in ({"key": "a"}, {"key": "", "fen": 1}, {"key": "a", "fen": 1, "x": 1}):
                assert code(await play.call("/v1/fund/sale", token(5), body)) == (400, "bad_request"), body

    asyncio.run(body())


def test_of_many_purchases_at_once_of_the_same_money_one_is_made(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            fill(postgres_dsn)
            orders = [("purchase", {"key": f"k{k}", "fen": 40}) for k in range(6)]
            ends = await asyncio.gather(*(play.call(f"/v1/fund/{way}", token(5), order) for way, order in orders))
            assert sorted(status for status, _ in ends) == [200] + [409] * 5
            assert [code(end) for end in ends if end[0] != 200] == [(409, "insufficient")] * 5
            assert await stands(play) == (20, 40)

    asyncio.run(body())
