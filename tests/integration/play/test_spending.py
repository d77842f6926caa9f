"""Spending and reversals over HTTP, on a real ledger: once for a key, never more than there is, two names."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import psycopg
import pytest
from pydantic import ValidationError

from system.play.wallet.models import Spending
from system.settings import PartyAddress
from tests.support.play import ADMIN, Caller, befriend, fill, running, token
from tests.support.stores import LOOPBACK


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    status, body = answer
    return status, body["error"]["code"]


async def balance(play: Caller, uid: int) -> int:
    return int((await play.call("/v1/wallet", token(uid)))[1]["balance_fen"])


def test_spending_takes_it_off_the_balance_once(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            fill(postgres_dsn)
            order = {"key": "tea-1", "fen": 25, "what": "a pot of tea"}
            status, first = await play.call("/v1/wallet/spend", token(5), order)
            assert (status, first["state"], first["key"], first["again"]) == (200, "done", "tea-1", False)
            assert {leg["account"]: leg["amount"] for leg in first["legs"]} == {"user:5": -25, "platform:spent": 25}
            status, again = await play.call("/v1/wallet/spend", token(5), order)
            assert (status, again) == (200, first | {"again": True})
            assert await balance(play, 5) == 35
            assert code(await play.call("/v1/wallet/spend", token(5), order | {"fen": 26})) == (409, "key_reused")
            # Keys are a user's own: nobody reads, or blocks, another's.
            assert code(await play.call("/v1/wallet/spend", token(6), order)) == (409, "insufficient")
            assert code(await play.call("/v1/wallet/spend", token(5), {"key": "b", "fen": 36})) == (409, "insufficient")
            assert (await play.call("/v1/wallet/spend", token(5), {"key": "b", "fen": 35}))[0] == 200
            assert await balance(play, 5) == 0

    asyncio.run(body())


def test_what_is_still_on_its_way_is_not_spent_and_says_so(postgres_dsn: str) -> None:
    """The award is named by who was shown it; what is enough without it is spent."""

    async def body() -> None:
        async with running(postgres_dsn) as play:
            fill(postgres_dsn)
            for award, fen, expected in (
                ("1-6", 61, "processing"), ("1-0", 61, "insufficient"), ("2-0", 61, "insufficient"),
                ("1-9", 61, "insufficient"), ("99-0", 61, "insufficient"), (None, 61, "insufficient"),
            ):  # fmt: skip
                order = {"key": "a", "fen": fen, "award": award}
                assert code(await play.call("/v1/wallet/spend", token(5), order)) == (409, expected), award
            assert code(await play.call("/v1/wallet/spend", token(5), order | {"award": "1"})) == (400, "bad_request")
            assert await balance(play, 5) == 60
            order = {"key": "a", "fen": 60, "award": "1-6"}
            status, spent = await play.call("/v1/wallet/spend", token(5), order)
            assert (status, spent["again"]) == (200, False)
            # It is no part of what was ordered.
            assert (await play.call("/v1/wallet/spend", token(5), {"key": "a", "fen": 60}))[1]["again"]

    asyncio.run(body())


def test_whatever_takes_money_off_the_balance_says_that_it_is_on_its_way(postgres_dsn: str) -> None:
    async def body() -> None:
        bank = PartyAddress(f"http://{LOOPBACK}:9", None)
        async with running(postgres_dsn, bank=bank) as play:
            fill(postgres_dsn)
            await befriend(postgres_dsn, 5, 7)
            dinner = {"key": "dinner", "fen": 122, "uids": [5]}
            bill = (await play.call("/v1/bills", token(7), dinner))[1]["bill"]
            for path, order in (
                ("/v1/fund/purchase", {"key": "a", "fen": 61}), ("/v1/presents", {"key": "a", "fen": 61, "to": 7}),
                ("/v1/payouts", {"key": "a", "fen": 61}), (f"/v1/bills/{bill}/pay", {"fen": 61}),
            ):  # fmt: skip
                for award, expected in (("1-6", "processing"), ("1-9", "insufficient"), (None, "insufficient")):
                    answer = await play.call(path, token(5), order | {"award": award})
                    assert code(answer) == (409, expected), (path, award)
                assert code(await play.call(path, token(5), order | {"award": "1"})) == (400, "bad_request")
            sale = {"key": "a", "fen": 1, "award": "1-6"}
            assert code(await play.call("/v1/fund/sale", token(5), sale)) == (400, "bad_request"), "it counts on none"
            assert await balance(play, 5) == 60

    asyncio.run(body())


def test_two_spendings_at_once_of_the_same_money(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            fill(postgres_dsn)
            ends = await asyncio.gather(
                *(play.call("/v1/wallet/spend", token(5), {"key": f"k{k}", "fen": 40}) for k in range(8))
            )
            assert sorted(status for status, _ in ends) == [200] + [409] * 7
            assert [code(end) for end in ends if end[0] != 200] == [(409, "insufficient")] * 7
            assert await balance(play, 5) == 20

    asyncio.run(body())


@pytest.mark.parametrize(
    "body",
    [
        {"key": "", "fen": 1}, {"key": "a b", "fen": 1}, {"key": "x" * 65, "fen": 1}, {"key": "a\n", "fen": 1},
        {"key": "a", "fen": 0}, {"key": "a", "fen": -5}, {"key": "a", "fen": 1.0}, {"key": "a", "fen": 1 << 41},
        {"key": "a", "fen": 1, "what": "two\nlines"}, {"key": "a"}, {"fen": 1}, {"key": "a", "fen": 1, "uid": 6},
    ],
    ids=str,
)  # fmt: skip
def test_an_order_that_cannot_be(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Spending.model_validate_json(json.dumps(body))


def test_a_reversal_needs_two_people_and_happens_once(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            fill(postgres_dsn)
            _, spent = await play.call("/v1/wallet/spend", token(5), {"key": "a", "fen": 60})
            path = f"/v1/transfers/{spent['transfer']}/reverse"
            order = {"by": "Li Lei", "approved_by": "Han Meimei", "why": "paid twice at the till"}
            assert code(await play.call(path, token(5), order)) == (401, "bad_token")
            alone = order | {"approved_by": "li  LEI"}
            assert code(await play.call(path, ADMIN, alone)) == (409, "one_person")
            assert code(await play.call(path, ADMIN, order | {"lane": "stress"})) == (404, "not_found")
            assert code(await play.call("/v1/transfers/999/reverse", ADMIN, order)) == (404, "not_found")
            status, undone = await play.call(path, ADMIN, order)
            assert (status, undone["state"]) == (200, "done")
            assert await balance(play, 5) == 60
            assert (await play.call(path, ADMIN, order))[1] == undone | {"again": True}
            for other in ({"why": "another"}, {"by": "Wei Hua"}, {"by": "Han Meimei", "approved_by": "Li Lei"}):
                assert code(await play.call(path, ADMIN, order | other)) == (409, "already_reversed"), other
            again = f"/v1/transfers/{undone['transfer']}/reverse"
            assert code(await play.call(again, ADMIN, order)) == (409, "not_reversible")
            with psycopg.connect(postgres_dsn) as conn:
                ((request,),) = conn.execute("SELECT request FROM live.transfer WHERE reverses IS NOT NULL").fetchall()
            assert request == order

    asyncio.run(body())


def test_the_statement_tells_all_that_moved_the_money_while_more_is_moved(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            fill(postgres_dsn)
            spent = []
            for k, what in enumerate(("tea", "rice", "")):
                order = {"key": f"k{k}", "fen": 5 + k, "what": what}
                spent.append((await play.call("/v1/wallet/spend", token(5), order))[1]["transfer"])
            undone = {"by": "Li Lei", "approved_by": "Han Meimei", "why": "for the operators' eyes"}
            back = (await play.call(f"/v1/transfers/{spent[0]}/reverse", ADMIN, undone))[1]["transfer"]
            _, first = await play.call("/v1/wallet/statement?limit=3", token(5))
            assert [(line["kind"], line["fen"], line["transfer"], line["what"]) for line in first["lines"]] == [
                ("reverse", 5, back, ""), ("spend", -7, spent[2], ""), ("spend", -6, spent[1], "rice"),
            ]  # fmt: skip
            assert all(line["award"] is None and line["credited_us"] > 0 for line in first["lines"])
            await play.call("/v1/wallet/spend", token(5), {"key": "new", "fen": 1})
            _, second = await play.call(f"/v1/wallet/statement?limit=3&after={first['next']}", token(5))
            assert [(line["kind"], line["fen"]) for line in second["lines"]] == [
                ("spend", -5), ("credit", 30), ("credit", 20),
            ]  # fmt: skip
            _, last = await play.call(f"/v1/wallet/statement?limit=1&after={second['next']}", token(5))
            assert ([line["award"] for line in last["lines"]], last["next"]) == (["1-0"], None)
            everything = (await play.call("/v1/wallet/statement", token(5)))[1]["lines"]
            assert sum(line["fen"] for line in everything) == await balance(play, 5)
            assert (await play.call("/v1/wallet/statement", token(6)))[1]["lines"] == []

    asyncio.run(body())


def test_who_has_no_real_name_keeps_his_money_where_it_is(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            fill(postgres_dsn)
            with psycopg.connect(postgres_dsn) as conn:
                conn.execute("UPDATE live.posting SET uid = 361")
            order = {"key": "a", "fen": 1}
            assert code(await play.call("/v1/wallet/spend", token(361), order)) == (403, "no_real_name")
            assert await balance(play, 361) == 60

    asyncio.run(body())
