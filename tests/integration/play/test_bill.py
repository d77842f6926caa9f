"""AA over HTTP, on a real ledger: one asks, each pays his part once, and both have met."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest

from system.ledger.access import Pool
from system.ledger.migrate import migrate
from system.play.bill.asking import ask
from system.play.bill.models import BillOrder
from tests.support.deadline import until
from tests.support.ledger_links import LOST_S, SilentLink
from tests.support.play import ADMIN, SECRET, Caller, fill, running, token


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


async def balance(play: Caller, uid: int) -> int:
    return int((await play.call("/v1/wallet", token(uid)))[1]["balance_fen"])


def rows(dsn: str, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as conn:
        return conn.execute(text.encode()).fetchall()


def give(dsn: str, uid: int, fen: int) -> None:
    with psycopg.connect(dsn) as conn:
        conn.execute("INSERT INTO live.posting VALUES (%s, 1, %s, %s, 7, 0, 1, 2)", (uid, 1000 + uid, fen))


DINNER = {"key": "dinner", "fen": 100, "uids": [5, 8], "what": "hot pot"}


def test_each_pays_his_part_once_to_who_paid_the_bill(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            fill(postgres_dsn)
            give(postgres_dsn, 8, 40)
            status, bill = await play.call("/v1/bills", token(7), DINNER)
            assert (status, bill["state"], bill["own_fen"], bill["again"]) == (200, "made", 34, False)
            assert [(one["uid"], one["fen"], one["state"]) for one in bill["parts"]] == [
                (5, 33, "open"),
                (8, 33, "open"),
            ]
            again = (await play.call("/v1/bills", token(7), DINNER | {"uids": [8, 5]}))[1]
            assert again == bill | {"again": True}
            asked = (await play.call("/v1/bills", token(8)))[1]["parts"]
            assert [(one["bill"], one["uid"], one["fen"], one["what"]) for one in asked] == [
                (bill["bill"], 7, 33, "hot pot")
            ]
            path = f"/v1/bills/{bill['bill']}"
            paid = await asyncio.gather(*(play.call(f"{path}/pay", token(5), {"fen": 33}) for _ in range(5)))
            assert {status for status, _ in paid} == {200}
            assert len({view["transfer"] for _, view in paid}) == 1
            assert [view["again"] for _, view in paid].count(False) == 1
            assert (await balance(play, 5), await balance(play, 7)) == (27, 33)
            assert [one["state"] for one in (await play.call(path, token(8)))[1]["parts"]] == ["paid", "open"]
            assert (await play.call(f"{path}/pay", token(8), {"fen": 33}))[0] == 200
            assert (await balance(play, 8), await balance(play, 7)) == (7, 66)
            undo = {"by": "Li Lei", "approved_by": "Han Meimei", "why": "he was not there"}
            number = paid[0][1]["transfer"]
            assert (await play.call(f"/v1/transfers/{number}/reverse", ADMIN, undo))[0] == 200
            assert [one["state"] for one in (await play.call(path, token(7)))[1]["parts"]] == ["reversed", "paid"]
            assert await balance(play, 5) == 60
            # What an operator gave back is not paid by the old payment: no *done* for what moved nothing.
            assert code(await play.call(f"{path}/pay", token(5), {"fen": 33})) == (409, "part_reversed")
            assert await balance(play, 5) == 60
            line = (await play.call("/v1/wallet/statement?limit=1", token(8)))[1]["lines"][0]
            assert (line["kind"], line["fen"], line["what"]) == ("bill", -33, "hot pot")

    asyncio.run(body())
    assert rows(postgres_dsn, "SELECT key, from_uid, to_uid FROM live.interaction ORDER BY key") == [
        ("bill:1:5", 5, 7), ("bill:1:8", 8, 7),
    ]  # fmt: skip
    assert rows(postgres_dsn, "SELECT lo, hi FROM live.tie ORDER BY lo") == [(5, 7), (7, 8)]


def test_what_is_refused_leaves_nothing(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            fill(postgres_dsn)
            for order, expected in (
                (DINNER | {"uids": [5, 7]}, (409, "self_bill")),
                (DINNER | {"uids": [5, 5]}, (409, "asked_twice")),
                (DINNER | {"fen": 2}, (409, "bill_too_small")),
                (DINNER | {"uids": []}, (400, "bad_request")),
                (DINNER | {"uids": list(range(100, 151))}, (400, "bad_request")),
                (DINNER | {"uids": [1 << 63]}, (400, "out_of_range")),
                (DINNER | {"what": "two\nlines"}, (400, "bad_request")),
            ):
                assert code(await play.call("/v1/bills", token(7), order)) == expected, order
            assert code(await play.call("/v1/bills", token(361), DINNER)) == (403, "no_real_name")
            assert rows(postgres_dsn, "SELECT count(*) FROM live.bill") == [(0,)]
            bill = (await play.call("/v1/bills", token(7), DINNER | {"fen": 300}))[1]["bill"]
            assert code(await play.call("/v1/bills", token(7), DINNER)) == (409, "key_reused")
            path = f"/v1/bills/{bill}"
            for uid, path_, body, expected in (
                (5, f"{path}/pay", {"fen": 99}, (409, "other_amount")),
                (5, f"{path}/pay", {"fen": 100}, (409, "insufficient")),
                (5, f"{path}/pay", {}, (400, "bad_request")),
                (7, f"{path}/pay", {"fen": 100}, (404, "not_found")),
                (6, f"{path}/pay", {"fen": 100}, (404, "not_found")),
                (5, "/v1/bills/99/pay", {"fen": 100}, (404, "not_found")),
                (6, path, None, (404, "not_found")),
            ):
                assert code(await play.call(path_, token(uid), body)) == expected, (uid, path_)
            assert (await balance(play, 5), await balance(play, 7)) == (60, 0)

    asyncio.run(body())
    assert rows(postgres_dsn, "SELECT count(*) FROM live.interaction") == [(0,)]


@pytest.mark.parametrize("arrives", [True, False], ids=["its answer is lost", "it is lost"])
def test_a_bill_whose_commit_is_lost_is_made_once(postgres_dsn: str, arrives: bool) -> None:
    asyncio.run(migrate(postgres_dsn, SECRET))
    order = BillOrder(key="k", fen=100, uids=(5, 8))

    async def body() -> None:
        link = SilentLink(postgres_dsn, request_arrives=arrives)
        async with link.open():
            pool = Pool(link.url, "xiu_live", SECRET, size=1, timeout_s=LOST_S)
            await pool.fetch(b"SELECT 1")
            link.armed = True
            asking = asyncio.create_task(ask(pool, "live", 7, order, patience_s=60))

            async def dead() -> bool:
                return link.dead

            await until(dead, what="its COMMIT sent")
            link.armed = link.dead = False
            made = await asking
            assert (made.state, made.again) == ("made", arrives)
            link.armed = True
            unknown = await ask(pool, "live", 7, order.model_copy(update={"key": "k2"}), patience_s=0)
            assert (unknown.state, unknown.own_fen) == ("pending", 34)
            await pool.close()

    asyncio.run(body())
    made = (
        "SELECT b.uid, array_agg(p.uid) FROM live.bill b JOIN live.bill_part p USING (bill) WHERE key = 'k' GROUP BY 1"
    )
    assert rows(postgres_dsn, made) == [(7, [5, 8])]
