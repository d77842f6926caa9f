"""Payouts over HTTP, on a real ledger, with the bank's double: whatever the bank says, or does not say, each order has
one end, and the books close each time.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from harness.orchestrate.outside import OutsideCalls
from harness.runs.guarded import OutsideProof
from system.audit.close import audit
from system.contract.ids import TAG_HEADER, Lane
from system.contract.places import Place
from system.settings import PartyAddress
from system.tokens import sign_tag, tag_key
from tests.support.children import END_S
from tests.support.deadline import until
from tests.support.doubles import doubled
from tests.support.fission import broken, execute
from tests.support.play import ADMIN, FAR, SECRET, Caller, running, token
from tests.support.play_process import play_process, started_play
from tests.support.stores import LOOPBACK, ValkeyServer, free_port, wait_until

AGAIN = {"bank_timeout_s": 0.3, "payout_again_s": 0.05, "payout_again_max_s": 0.2}
"""A bank that does not answer is soon asked again."""
GONE = f"http://{LOOPBACK}:9"


def asks(url: str | None, double: str | None = None) -> dict[str, Any]:
    """Settings of a play whose bank is there; without a double of its own that is both."""
    return {"bank": PartyAddress(url, double or url), **AGAIN}


def fill(dsn: str, lane: Lane = "live") -> None:
    """User 5 has 60 fen."""
    execute(dsn, f"INSERT INTO {lane}.posting VALUES (5, 1, 0, 60, 7, 0, 1, 1)")


def tagged() -> dict[str, str]:
    return {TAG_HEADER: sign_tag(tag_key(SECRET), "payouts", FAR)}


async def order(play: Caller, key: str, fen: int, lane: Lane = "live") -> tuple[int, Any]:
    more = tagged() if lane == "stress" else {}
    return await play.call("/v1/payouts", token(5, lane), {"key": key, "fen": fen}, **more)


async def stands(play: Caller, lane: Lane = "live") -> tuple[int, dict[str, str]]:
    """(the user's balance, key → state of each payout)."""
    more = tagged() if lane == "stress" else {}
    wallet = (await play.call("/v1/wallet", token(5, lane), **more))[1]
    listed = (await play.call("/v1/payouts", token(5, lane), **more))[1]
    return wallet["balance_fen"], {each["key"]: each["state"] for each in listed["payouts"]}


async def comes_to(play: Caller, states: dict[str, str], lane: Lane = "live") -> None:
    async def there() -> bool:
        return (await stands(play, lane))[1] == states

    await until(there, f"payouts {states}")


async def figure(play: Caller, name: str, **labels: str) -> float:
    """Of play's own metrics; all processes of a test share them, so only differences count."""
    _, text = await play.call("/metrics")
    rows = [line for line in text.splitlines() if line.startswith(f"{name}{{")]
    return sum(float(row.rpartition(" ")[2]) for row in rows if all(f'{k}="{v}"' in row for k, v in labels.items()))


async def closes(dsn: str, valkey: ValkeyServer, lane: Lane = "live") -> None:
    """S18 holds, and nothing of the rules of transfers is broken."""
    report = await audit(dsn, valkey.url, SECRET, lane)
    s18 = next(finding for finding in report.findings if finding.code == "S18")
    assert (s18.valid, s18.first, s18.residue_fen) == (True, "", 0)
    assert broken(dsn, lane) == {}


@asynccontextmanager
async def paying(
    dsn: str, folder: Path, lane: Lane = "live", **mood: Any
) -> AsyncIterator[tuple[Caller, Any]]:  # fmt: skip
    """(play, the bank's double); user 5 has 60 fen."""
    async with doubled(folder / "doubles", **mood) as bank, running(dsn, **asks(bank.url)) as play:
        fill(dsn, lane)
        yield play, bank


def test_the_bank_says_yes_and_no(postgres_dsn: str, valkey_server: ValkeyServer, tmp_path: Path) -> None:
    async def body() -> None:
        async with paying(postgres_dsn, tmp_path) as (play, bank):
            before = {way: await figure(play, "hongbao_payouts_fen_total", lane="live", outcome=way)
                      for way in ("ordered", "paid", "refused")}  # fmt: skip
            status, made = await order(play, "a", 40)
            assert (status, made["state"], made["fen"]) == (200, "processing", 40)
            await comes_to(play, {"a": "paid"})
            assert (await stands(play))[0] == 20
            again = await order(play, "a", 40)
            assert (again[0], again[1]["state"], again[1]["payout"]) == (200, "paid", made["payout"])
            assert (await order(play, "a", 41))[1]["error"]["code"] == "key_reused"
            assert (await order(play, "b", 21))[1]["error"]["code"] == "insufficient"
            await bank.mood(refusals=1.0)
            assert (await order(play, "no", 15))[0] == 200
            await comes_to(play, {"a": "paid", "no": "refused"})
            assert (await stands(play))[0] == 20, "what the bank refused is back"
            _, seen = await play.call(f"/v1/payouts/{made['payout'] + 2}", token(5))
            assert (seen["state"], seen["why"]) == ("refused", "no such account")
            assert seen["settled_us"] >= seen["at_us"]
            assert (await play.call(f"/v1/payouts/{made['payout']}", token(6)))[0] == 404, "another's"
            assert (await bank.calls())["live"][1] == 40
            after = {way: await figure(play, "hongbao_payouts_fen_total", lane="live", outcome=way) for way in before}
            assert {way: after[way] - before[way] for way in after} == {"ordered": 55, "paid": 40, "refused": 15}
            _, page = await play.call("/v1/wallet/statement?limit=3", token(5))
            assert [(line["kind"], line["fen"]) for line in page["lines"]] == [
                ("payout_back", 15), ("payout", -15), ("payout", -40),
            ]  # fmt: skip
            # An order that the bank may have carried out is no operator's to take back.
            for number in (made["payout"], made["payout"] + 1):
                reversal = {"by": "Ann", "approved_by": "Bo", "why": "a wish"}
                _, refused = await play.call(f"/v1/transfers/{number}/reverse", ADMIN, reversal)
                assert refused["error"]["code"] == "final"
        await closes(postgres_dsn, valkey_server)

    asyncio.run(body())


@pytest.mark.parametrize(("refusals", "end", "balance"), [(0.0, "paid", 20), (1.0, "refused", 60)], ids=["yes", "no"])
def test_no_answer_in_time_decides_nothing_and_the_bank_carries_out_once(
    postgres_dsn: str, valkey_server: ValkeyServer, tmp_path: Path, refusals: float, end: str, balance: int
) -> None:
    async def body() -> None:
        # Each order is decided at once, and answered when nobody waits any more.
        async with paying(postgres_dsn, tmp_path, refusals=refusals, late=1.0, late_ms=700) as (play, bank):
            assert (await order(play, "a", 40))[0] == 200

            async def asked_twice() -> bool:
                return (await bank.calls())["live"][0] >= 2

            await until(asked_twice, "the bank is asked again")
            assert await stands(play) == (20, {"a": "processing"})
            assert await figure(play, "hongbao_payouts_waiting", lane="live") == 1
            assert await figure(play, "hongbao_outside_calls_total", lane="live", outcome="unknown") >= 1
            await closes(postgres_dsn, valkey_server)  # in the middle of it, too
            await bank.mood()
            await comes_to(play, {"a": end})
            assert (await stands(play))[0] == balance
            assert (await bank.calls())["live"][1] == (40 if end == "paid" else 0), "once, however often it was asked"

            async def nothing_waits() -> bool:
                return await figure(play, "hongbao_payouts_waiting", lane="live") == 0

            await until(nothing_waits, "the figure of what waits")
            assert await figure(play, "hongbao_payouts_oldest_age_seconds", lane="live") == 0
        await closes(postgres_dsn, valkey_server)

    asyncio.run(body())


def test_a_bank_that_errs_puts_off_and_contradicts_nobody(
    postgres_dsn: str, valkey_server: ValkeyServer, tmp_path: Path
) -> None:
    async def body() -> None:
        async with paying(postgres_dsn, tmp_path, errors=0.5, processing=0.5) as (play, bank):
            ends = await asyncio.gather(*(order(play, f"k{k}", 10) for k in range(8)))
            assert sorted(status for status, _ in ends) == [200] * 6 + [409] * 2, "60 fen are six times ten"
            await comes_to(play, {made["key"]: "paid" for status, made in ends if status == 200})
            assert (await bank.calls())["live"][1] == 60
        await closes(postgres_dsn, valkey_server)

    asyncio.run(body())


def test_a_bank_that_is_away_is_asked_again(postgres_dsn: str, valkey_server: ValkeyServer, tmp_path: Path) -> None:
    async def body() -> None:
        port = free_port()
        async with running(postgres_dsn, **asks(f"http://{LOOPBACK}:{port}/bank")) as play:
            fill(postgres_dsn)
            assert (await order(play, "a", 60))[0] == 200

            async def unknown() -> bool:
                return bool(execute(postgres_dsn, "SELECT 1 FROM live.payout WHERE asked >= 2"))

            await until(unknown, "asked again")
            assert await stands(play) == (0, {"a": "processing"})
            async with doubled(tmp_path, port=port):
                await comes_to(play, {"a": "paid"})
        await closes(postgres_dsn, valkey_server)

    asyncio.run(body())


def test_without_a_bank_nothing_is_taken(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn, bank=PartyAddress(GONE, None)) as play:
            fill(postgres_dsn, "stress")
            status, refused = await order(play, "a", 10, "stress")
            assert (status, refused["error"]["code"], refused["error"]["effect"]) == (503, "no_bank", "none")
            assert await stands(play, "stress") == (60, {})
            status, refused = await play.call("/v1/payouts", token(361), {"key": "a", "fen": 1})
            assert (status, refused["error"]["code"]) == (403, "no_real_name")
            # Ordered while there was a bank.
            fill(postgres_dsn)
            made = (await order(play, "a", 10))[1]
        async with running(postgres_dsn, bank=PartyAddress(None, None)) as play:
            status, again = await order(play, "a", 10)
            assert (status, again["payout"], again["state"]) == (200, made["payout"], "processing")
            assert (await order(play, "a", 11))[1]["error"]["code"] == "key_reused"
            assert (await order(play, "b", 10))[1]["error"]["code"] == "no_bank"

    asyncio.run(body())


@asynccontextmanager
async def real_bank(state: str = "paid", why: str = "") -> AsyncIterator[tuple[str, list[str]]]:
    """(address, orders it got) of a bank that is nobody's double, and says the same to everything."""
    orders: list[str] = []

    async def payout(request: web.Request) -> web.Response:
        orders.append(f"{request.headers['X-Xiu-Lane']} {request.match_info['order']}")
        return web.json_response({"order": request.match_info["order"], "state": state, "why": why})

    app = web.Application()
    app.router.add_put("/v1/payouts/{order}", payout)
    async with TestServer(app) as server:
        yield str(server.make_url("/")).rstrip("/"), orders


def test_whatever_a_bank_gives_for_a_reason_the_money_comes_back(
    postgres_dsn: str, valkey_server: ValkeyServer
) -> None:
    async def body() -> None:
        why = "no\0such account " + "很" * 500
        async with real_bank("refused", why) as (real, _), running(postgres_dsn, **asks(real, GONE)) as play:
            fill(postgres_dsn)
            made = (await order(play, "a", 10))[1]
            await comes_to(play, {"a": "refused"})
            assert (await stands(play))[0] == 60
            seen = (await play.call(f"/v1/payouts/{made['payout']}", token(5)))[1]
            assert seen["why"] == why.replace("\0", "")[:200]
        await closes(postgres_dsn, valkey_server)

    asyncio.run(body())


def test_the_stress_lane_reaches_the_double_alone(
    postgres_dsn: str, valkey_server: ValkeyServer, tmp_path: Path
) -> None:
    async def body() -> None:
        async with (
            real_bank() as (real, orders),
            doubled(tmp_path) as bank,
            running(postgres_dsn, **asks(real, bank.url)) as play,
        ):
            for lane in ("live", "stress"):
                fill(postgres_dsn, lane)
                assert (await order(play, "a", 10, lane))[0] == 200
            await comes_to(play, {"a": "paid"}, "live")
            await comes_to(play, {"a": "paid"}, "stress")
            assert [each.split()[0] for each in orders] == ["live"]
            assert {lane: fen for lane, (_, fen) in (await bank.calls()).items()} == {"live": 0, "stress": 10}
        for lane in ("live", "stress"):
            await closes(postgres_dsn, valkey_server, lane)

    asyncio.run(body())


def test_a_stress_order_that_would_reach_a_party_is_denied_and_counted(
    postgres_dsn: str, valkey_server: ValkeyServer
) -> None:
    async def body() -> None:
        async with real_bank() as (real, orders), running(postgres_dsn, **asks(GONE, real)) as play:
            fill(postgres_dsn, "stress")
            before = await figure(play, "hongbao_outside_calls_total", lane="stress", outcome="denied")
            assert (await order(play, "a", 10, "stress"))[0] == 200

            async def denied() -> bool:
                return await figure(play, "hongbao_outside_calls_total", lane="stress", outcome="denied") > before

            await until(denied, "denied")
            assert await stands(play, "stress") == (50, {"a": "processing"})
            assert orders == [], "not one order was sent"
        await closes(postgres_dsn, valkey_server, "stress")

    asyncio.run(body())


def test_a_live_order_that_a_double_answered_is_crossed_and_not_paid(
    postgres_dsn: str, valkey_server: ValkeyServer, tmp_path: Path
) -> None:
    async def body() -> None:
        # Somebody wrote the address of a double where the bank's belongs.
        async with doubled(tmp_path) as bank, running(postgres_dsn, **asks(bank.url, GONE)) as play:
            fill(postgres_dsn)
            before = await figure(play, "hongbao_outside_calls_total", lane="live", outcome="crossed")
            assert (await order(play, "a", 10))[0] == 200

            async def crossed() -> bool:
                return await figure(play, "hongbao_outside_calls_total", lane="live", outcome="crossed") > before

            await until(crossed, "crossed")
            assert await stands(play) == (50, {"a": "processing"})
        await closes(postgres_dsn, valkey_server)

    asyncio.run(body())


def asked(port: int, path: str, body: dict[str, Any] | None = None) -> bool:
    """Whether play answers user 5 with 200."""
    connection = HTTPConnection(LOOPBACK, port, timeout=30)
    headers = {"Authorization": f"Bearer {token(5)}", "Content-Type": "application/json"}
    try:
        connection.request("GET" if body is None else "POST", path, body and json.dumps(body), headers)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def test_killed_between_order_and_answer_another_play_and_another_bank_process_go_on(
    postgres_dsn: str, valkey_server: ValkeyServer, tmp_path: Path
) -> None:
    port = free_port()

    def bank(**mood: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "harness.doubles", "--port", str(port), "--folder", str(tmp_path / "bank")]
        return subprocess.Popen(command, env=os.environ | mood)

    def killed(process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGKILL)
        process.wait(END_S)

    url = f"http://{LOOPBACK}:{port}/bank"
    address = {"XIU_BANK_URL": url, "XIU_BANK_DOUBLE_URL": url}
    fill(postgres_dsn)
    first, running_bank = free_port(), bank(XIU_BANK_MOOD='{"errors": 0, "refusals": 0, "processing": 0, "late": 1}')
    play = started_play(tmp_path / "one", postgres_dsn, first, **address)
    try:
        wait_until(lambda: asked(first, "/readyz"), 60, "play ready")
        assert asked(first, "/v1/payouts", {"key": "a", "fen": 40})
        books = tmp_path / "bank" / "bank.jsonl"
        wait_until(lambda: books.exists() and books.read_text().endswith("\n"), 60, "the bank has decided")
        killed(play)
        killed(running_bank)
        assert execute(postgres_dsn, "SELECT state FROM live.payout") == [("processing",)]
        running_bank = bank()
        with play_process(tmp_path / "two", postgres_dsn, **address) as url:
            counts = OutsideCalls([Place("play", "play", metrics_url=url)])
            paid = "SELECT 1 FROM live.payout WHERE state = 'paid'"
            wait_until(lambda: bool(execute(postgres_dsn, paid)), 60, "paid")
            assert counts.proof() == OutsideProof(calls=0, denied=0, into_party=0, into_double=0), "none of stress"
        assert len(books.read_text().splitlines()) == 1, "carried out once"
    finally:
        killed(play)
        killed(running_bank)
    asyncio.run(closes(postgres_dsn, valkey_server))
