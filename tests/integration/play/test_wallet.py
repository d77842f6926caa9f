"""Play on a real ledger: balances, pages, what became of an award; lanes apart, tokens checked, an absent ledger."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from system.play.plays import routes
from system.tokens import sign_tag, tag_key
from tests.support.deadline import until
from tests.support.play import ADMIN, FAR, SECRET, fill, running, token
from tests.support.sessions import dropped
from tests.support.stores import PostgresServer


def test_balance_and_what_became_of_an_award(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            fill(postgres_dsn)
            with psycopg.connect(postgres_dsn) as conn:  # another user's packet: his record lies there, without money
                conn.execute("INSERT INTO live.suspense VALUES (2, 1, 0, 1, 2, 0, 2, 6, 30, 7, 400, 0, 0, 'used')")
            status, wallet = await play.call("/v1/wallet", token(5))
            assert (status, wallet["balance_fen"], wallet["credits"], wallet["processing"]) == (200, 60, 3, None)
            rows = [
                (5, "1-1", ("credited", 20, False)),
                (5, "1-7", ("processing", None, True)),
                (5, "2-1", ("not_awarded", None, False)),
                (6, "1-3", ("held", None, False)),
                (6, "1-1", ("not_awarded", None, False)),
                (6, "1-2", ("not_awarded", None, False)),
                (5, "1-3", ("not_awarded", None, False)),
            ]
            for uid, award, expected in rows:
                _, wallet = await play.call(f"/v1/wallet?award={award}", token(uid))
                view = wallet["award"]
                assert (view["state"], view["fen"], wallet["processing"]) == expected, (uid, award)
            for nobody_s in ("99-1", "1-8", "1-10", "2-3000"):
                assert (await play.call(f"/v1/wallet?award={nobody_s}", token(5)))[0] == 404, nobody_s
            assert (await play.call("/v1/wallet?award=x", token(5)))[0] == 400
            assert (await play.call("/v1/wallet", token(77)))[1]["balance_fen"] == 0
            assert [(await play.call("/v1/wallet", token(uid)))[1]["real_name"] for uid in (5, 361)] == [True, False]

    asyncio.run(body())


def test_statement_pages_newest_first(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            fill(postgres_dsn)
            _, first = await play.call("/v1/wallet/statement?limit=2", token(5))
            assert [(line["award"], line["fen"], line["credited_us"]) for line in first["lines"]] == [
                ("1-2", 30, 20),
                ("1-1", 20, 20),
            ]
            _, second = await play.call(f"/v1/wallet/statement?limit=2&after={first['next']}", token(5))
            assert [line["award"] for line in second["lines"]] == ["1-0"]
            assert second["next"] is None
            for query in ("limit=0", "limit=x", "after=y", "after=1-99999999999", "after=MTAwLTE="):
                assert (await play.call(f"/v1/wallet/statement?{query}", token(5)))[0] == 400, query

    asyncio.run(body())


def test_lanes_are_apart(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            fill(postgres_dsn, "stress")
            tag = sign_tag(tag_key(SECRET), "run-1", FAR)
            _, wallet = await play.call("/v1/wallet", token(5, "stress"), X_Xiu_Tag=tag)
            assert (wallet["lane"], wallet["balance_fen"]) == ("stress", 60)
            assert (await play.call("/v1/wallet", token(5)))[1]["balance_fen"] == 0
            assert (await play.call("/v1/wallet", token(5), X_Xiu_Tag=tag))[0] == 401, "a live token with a tag"
            assert (await play.call("/v1/wallet", token(5, "stress")))[0] == 401, "a stress token without a tag"

    asyncio.run(body())


@pytest.mark.parametrize(
    ("bearer", "tag", "status", "code"),
    [
        pytest.param("", None, 401, "bad_token", id="no token"),
        pytest.param("5.1.x", None, 401, "bad_token", id="forged"),
        pytest.param(token(5, expires_s=1), None, 401, "bad_token", id="expired"),
        pytest.param("töken", None, 401, "bad_token", id="not ascii"),
        pytest.param(token(5), "run.1.x", 403, "bad_tag", id="forged tag"),
        pytest.param(token(5, "stress"), sign_tag(tag_key(SECRET), "r", 1), 403, "bad_tag", id="expired tag"),
    ],
)
def test_refused(postgres_dsn: str, bearer: str, tag: str | None, status: int, code: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            headers = {} if tag is None else {"X_Xiu_Tag": tag}
            got, answer = await play.call("/v1/wallet", bearer, **headers)
            assert (got, answer["error"]["code"], answer["error"]["effect"]) == (status, code, "none")

    asyncio.run(body())


def test_operators_read_sponsors_and_many_wallets(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            fill(postgres_dsn)
            assert (await play.call("/v1/sponsors/7/statement", token(5)))[0] == 401
            _, page = await play.call("/v1/sponsors/7/statement?limit=2", ADMIN)
            assert page["balances"] == {"budget:1:7": 940, "sponsor:7": -1000}
            assert [(line["account"], line["fen"]) for line in page["lines"]] == [("budget:1:7", -60)]
            _, page = await play.call(f"/v1/sponsors/7/statement?limit=2&after={page['next']}", ADMIN)
            assert {line["kind"] for line in page["lines"]} == {"fund"}
            assert (len(page["lines"]), page["next"]) == (2, None)
            _, answer = await play.call("/v1/wallets/bulk", ADMIN, {"uids": [5, 6, 7]})
            assert [(win["uid"], win["packet"], win["fen"]) for win in answer["wins"]] == [
                (5, 0, 10),
                (5, 1, 20),
                (5, 2, 30),
            ]
            assert (await play.call("/v1/wallets/bulk", ADMIN, {"uids": [5], "round": 2}))[1]["wins"] == []
            assert (await play.call("/v1/wallets/bulk", token(5), {"uids": [5]}))[0] == 401
            for bad in ({"uids": []}, {"uids": [-1]}, {"uids": [1], "extra": 1}, {"uids": ["5"]}):
                assert (await play.call("/v1/wallets/bulk", ADMIN, bad))[0] == 400, bad

    asyncio.run(body())


def test_sums_beyond_the_largest_number_of_the_ledger_are_shown(postgres_dsn: str) -> None:
    """Many amounts, each as large as a bigint holds: their sum is no reason to fail for good."""
    largest = 4_294_967_295 * 2_147_483_647

    async def body() -> None:
        async with running(postgres_dsn) as play:
            fill(postgres_dsn)
            with psycopg.connect(postgres_dsn) as conn:
                for packet in (3, 4, 5):
                    legs = "(1, 'sponsor:9', %s), (1, 'budget:1:9', %s)"
                    conn.execute(f"INSERT INTO live.entry VALUES {legs}", (-largest, largest))
                    conn.execute("INSERT INTO live.posting VALUES (7, 1, %s, %s, 9, 0, 1, 2)", (packet, largest))
            status, page = await play.call("/v1/sponsors/9/statement", ADMIN)
            assert (status, page["balances"]) == (200, {"budget:1:9": 3 * largest, "sponsor:9": -3 * largest})
            status, wallet = await play.call("/v1/wallet", token(7))
            assert (status, wallet["balance_fen"]) == (200, 3 * largest)

    asyncio.run(body())


def test_no_reader_hears_that_sessions_were_dropped(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            fill(postgres_dsn)
            for path, bearer in (("/v1/wallet", token(5)), ("/v1/sponsors/7/statement", ADMIN)):
                together = await asyncio.gather(*(play.call(path, bearer) for _ in range(8)))
                assert {status for status, _ in together} == {200}
                assert await asyncio.to_thread(dropped, postgres_dsn) > 0
                again = await asyncio.gather(*(play.call(path, bearer) for _ in range(10)))
                assert {status for status, _ in again} == {200}, path

    asyncio.run(body())


@pytest.mark.parametrize(
    ("number", "in_path", "in_query"),
    [
        *((text, (400, "out_of_range"), (400, "out_of_range")) for text in ("9" * 5_000, "-1")),
        *(
            (text, (404, "not_found"), (400, "bad_request"))
            for text in ("+1", "1_0", "010", "%EF%BC%91", "1%00", "1%20")
        ),
    ],
)
def test_a_number_in_another_form_is_refused_and_not_repeated(
    postgres_dsn: str, number: str, in_path: tuple[int, str], in_query: tuple[int, str]
) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            bad = (400, "bad_request")
            for path, bearer, expected in (
                (f"/v1/wallet/statement?limit={number}", token(5), in_query),
                (f"/v1/wallet/statement?after={number}-1", token(5), bad),
                (f"/v1/wallet?award=1-{number}", token(5), bad),
                (f"/v1/sponsors/{number}/statement", ADMIN, in_path),
                (f"/v1/sponsors/7/statement?after={number}", ADMIN, bad),
            ):
                status, answer = await play.call(path, bearer)
                assert (status, answer["error"]["code"]) == expected, path
                assert answer["error"]["effect"] == "none"
                assert len(answer["error"]["message"]) < 300

    asyncio.run(body())


def test_description_names_every_route_and_needs_no_network(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            _, document = await play.call("/openapi.json")
            assert set(document["paths"]) == {route.path for route in routes()}
            assert set(document["paths"]) >= {
                "/v1/wallet",
                "/v1/wallet/statement",
                "/v1/sponsors/{sponsor}/statement",
                "/v1/wallets/bulk",
                "/v1/wallet/spend",
                "/v1/transfers/{transfer}/reverse",
            }
            assert "Wallet" in document["components"]["schemas"]
            _, page = await play.call("/docs")
            assert "GET /v1/wallet" in page
            assert "http://" not in page
            assert "https://" not in page
            _, metrics = await play.call("/metrics")
            assert 'hongbao_http_requests_total{route="/docs",status="2xx"} 1.0' in metrics
            assert (await play.call("/nowhere"))[1]["error"]["code"] == "not_found"
            assert (await play.call("/v1/wallet", body={}))[1]["error"]["code"] == "method_not_allowed"

    asyncio.run(body())


def test_an_absent_ledger_is_said_and_outlived(own_postgres: PostgresServer) -> None:
    dsn = own_postgres.create_database("ledger")

    async def body() -> None:
        async with running(dsn) as play:
            fill(dsn)
            own_postgres.stop()
            try:
                status, answer = await play.call("/v1/wallet", token(5))
                assert (status, answer["error"]["code"], answer["error"]["effect"]) == (503, "degraded", "none")
                assert "127.0.0.1" not in answer["error"]["message"], "where the ledger lives is nobody's business"
                assert (await play.call("/healthz"))[0] == 200

                async def away() -> bool:
                    return (await play.call("/readyz"))[0] == 503

                await until(away, what="not ready")
            finally:
                own_postgres.start()

            async def back() -> bool:
                return (await play.call("/v1/wallet", token(5)))[0] == 200

            await until(back, what="ledger back")

    asyncio.run(body())
