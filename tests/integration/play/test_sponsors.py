"""A sponsor's statement on a real ledger: it closes to the fen, and says what a hand-written SQL sum says."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Any

import psycopg
import pytest

from system.play.sponsors import reading
from tests.support.deadline import until
from tests.support.play import ADMIN, fill, running, token


def played(dsn: str) -> None:
    """Round 1 of `fill`, some of it in suspense and the rest refunded; a play took 30,000 fen and gave 5,000 back."""
    fill(dsn)
    with psycopg.connect(dsn) as conn:
        conn.execute(
            'UPDATE live.round SET sponsors = \'[{"sponsor": 7, "name": "七 <Seven>", "classes": [[100, 10]]}]\''
        )
        for number, (kind, at_us, legs) in enumerate(
            (
                ("set_aside", 30, {"budget:1:7": -40}),
                ("refund", 40, {"budget:1:7": -900, "sponsor:7": 900}),
            ),
            start=3,
        ):
            conn.execute(
                "INSERT INTO live.batch (kind, round, postings, fen, committed_us) VALUES (%s, 1, 0, 0, %s)",
                (kind, at_us),
            )
            for account, fen in legs.items():
                conn.execute("INSERT INTO live.entry VALUES (%s, %s, %s)", (number, account, fen))
        conn.execute("INSERT INTO live.entry VALUES (1, 'sponsor:17', -5), (1, 'budget:1:17', 5)")
        for number, shown in ((1, '{"7": 3, "17": 5}'), (2, '{"7": 4}')):
            conn.execute("INSERT INTO live.participation VALUES (1, 0, 0, 1, %s, 9, 0, %s, '')", (number, shown))
        for kind, at_us, fen in (("fund", 25, -30_000), ("refund", 45, 5_000)):
            row = conn.execute(
                "INSERT INTO live.transfer (kind, key, request, at_us) VALUES (%s, %s, '{}', %s) RETURNING transfer",
                (kind, f"{kind}:fission:1", at_us),
            ).fetchone()
            assert row is not None
            conn.execute(
                "INSERT INTO live.leg VALUES (%s, 'sponsor:7', 'fen', %s), (%s, 'fission:1', 'fen', %s)",
                (row[0], fen, row[0], -fen),
            )


def by_hand(dsn: str) -> Any:
    """(paid in, credited, suspense, refunded, into plays), each summed from the table where it belongs."""
    with psycopg.connect(dsn) as conn:
        return conn.execute(
            """SELECT
              (SELECT -sum(e.fen) FROM live.entry e, live.batch b
               WHERE b.batch = e.batch AND b.kind = 'fund' AND e.account = 'sponsor:7')::bigint,
              (SELECT sum(fen) FROM live.posting WHERE sponsor = 7)::bigint,
              (SELECT sum(held_fen) FROM live.suspense WHERE held_sponsor = 7)::bigint,
              (SELECT sum(e.fen) FROM live.entry e, live.batch b
               WHERE b.batch = e.batch AND b.kind = 'refund' AND e.account = 'sponsor:7')::bigint,
              (SELECT -sum(amount) FROM live.leg WHERE account = 'sponsor:7')::bigint"""
        ).fetchone()


def test_a_statement_closes_to_the_fen_and_is_the_sum_by_hand(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            played(postgres_dsn)
            status, told = await play.call("/v1/sponsors/7/statement", ADMIN)
            totals = told["totals"]
            assert (status, told["name"], told["next"]) == (200, "七 <Seven>", None)
            names = ("paid_in_fen", "credited_fen", "suspense_fen", "refunded_fen", "plays_fen")
            assert tuple(totals[name] for name in names) == by_hand(postgres_dsn) == (1000, 60, 40, 900, 25_000)
            assert (totals["open_fen"], totals["residue_fen"]) == (0, 0)
            assert told["exposures"] == 7
            assert told["balances"] == {"budget:1:7": 0, "sponsor:7": -25_100}
            for account, fen in told["balances"].items():
                lines = [line for line in told["lines"] if line["account"] == account]
                assert sum(line["fen"] for line in lines) == lines[0]["balance_fen"] == fen, account
            # One page or many: the same lines, and none of a neighbour's.
            paged, after = [], ""
            while True:
                _, page = await play.call(f"/v1/sponsors/7/statement?limit=2{after}", ADMIN)
                paged += page["lines"]
                if page["next"] is None:
                    break
                after = f"&after={page['next']}"
            assert paged == told["lines"]
            assert [(line["kind"], line["batch"], line["transfer"]) for line in paged][:2] == [
                ("refund", None, 2), ("refund", 4, None),
            ]  # fmt: skip

    asyncio.run(body())


def test_what_credit_holds_is_no_credit(postgres_dsn: str) -> None:
    """A record with a wrong amount: its packet's money is held by the batch that posts the others."""

    async def body() -> None:
        async with running(postgres_dsn) as play:
            played(postgres_dsn)
            with psycopg.connect(postgres_dsn) as conn:
                conn.execute("UPDATE live.batch SET kind = 'credit' WHERE kind = 'set_aside'")
            totals = (await play.call("/v1/sponsors/7/statement", ADMIN))[1]["totals"]
            assert (totals["credited_fen"], totals["suspense_fen"], totals["residue_fen"]) == (60, 40, 0)

    asyncio.run(body())


def test_a_statement_is_of_one_moment(postgres_dsn: str) -> None:
    """A play pays back while the statement is read: it is in all of it, or in nothing of it."""

    async def body() -> None:
        async with running(postgres_dsn, timeout_s=30.0) as play:
            played(postgres_dsn)
            with psycopg.connect(postgres_dsn) as gate, psycopg.connect(postgres_dsn) as other:
                gate.execute("LOCK TABLE live.participation IN ACCESS EXCLUSIVE MODE")
                asked = asyncio.create_task(play.call("/v1/sponsors/7/statement", ADMIN))

                async def reading() -> bool:
                    ((count,),) = other.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchall()
                    other.commit()
                    return bool(count)

                await until(reading, what="the lines are read, and what was shown is not")
                other.execute(
                    "WITH t AS (INSERT INTO live.transfer (kind, key, request, at_us) VALUES ('refund', 'x', '{}', 50)"
                    " RETURNING transfer) INSERT INTO live.leg SELECT transfer, account, 'fen', fen FROM t,"
                    " (VALUES ('sponsor:7', 100), ('fission:1', -100)) AS l(account, fen)"
                )
                other.commit()
                gate.rollback()
                _, told = await asked
            totals, balance = told["totals"], told["balances"]["sponsor:7"]
            lines = sum(line["fen"] for line in told["lines"] if line["account"] == "sponsor:7")
            assert lines == balance == totals["refunded_fen"] - totals["paid_in_fen"] - totals["plays_fen"]

    asyncio.run(body())


def test_the_same_as_csv_and_as_a_page(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            played(postgres_dsn)
            with monkeypatch.context() as patch:
                patch.setattr(reading, "WHOLE_LINES_MAX", 3)
                for form in ("csv", "html"):
                    status, said = await play.call(f"/v1/sponsors/7/statement?format={form}", ADMIN)
                    assert (status, said["error"]["code"]) == (409, "statement_too_long"), "all of it or nothing"
            _, told = await play.call("/v1/sponsors/7/statement", ADMIN)
            status, text = await play.call("/v1/sponsors/7/statement?format=csv", ADMIN)
            rows = list(csv.DictReader(io.StringIO(text)))
            lines = [row for row in rows if row["kind"] not in ("total", "exposures")]
            assert (status, len(lines)) == (200, len(told["lines"]))
            assert [int(row["fen"]) for row in lines] == [line["fen"] for line in reversed(told["lines"])]
            assert {row["account"]: int(row["fen"]) for row in rows if row["kind"] == "total"} == told["totals"]
            assert [int(row["credits"]) for row in rows if row["kind"] == "exposures"] == [told["exposures"]] == [7]
            status, page = await play.call("/v1/sponsors/7/statement?format=html", ADMIN)
            assert status == 200
            assert "七 &lt;Seven&gt;" in page
            assert "<Seven>" not in page
            for shown in ("10.00", "0.60", "0.40", "9.00", "-251.00", "250.00"):
                assert f"<td class=n>{shown}" in page, shown

    asyncio.run(body())


@pytest.mark.parametrize(
    ("path", "bearer", "status"),
    [
        pytest.param("/v1/sponsors/7/statement?format=pdf", ADMIN, 400, id="no such format"),
        pytest.param("/v1/sponsors/7/statement?format=csv", token(5), 401, id="a user"),
        pytest.param("/v1/sponsors/7/statement?after=1-2-3", ADMIN, 400, id="no such place"),
        pytest.param("/v1/sponsors/7/statement?after=1-0", ADMIN, 400, id="half a place"),
        pytest.param("/v1/sponsors/70000/statement?format=html", ADMIN, 400, id="a number out of range"),
        pytest.param("/v1/sponsors/9/statement?format=csv", ADMIN, 200, id="one that paid nothing: an empty statement"),
    ],
)
def test_refused(postgres_dsn: str, path: str, bearer: str, status: int) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            assert (await play.call(path, bearer))[0] == status

    asyncio.run(body())
