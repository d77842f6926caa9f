"""The evening in short, played by control: each of its 45 sponsors gets a statement that closes to the fen, and says as
JSON, as CSV and as a page what a hand-written SQL sum says.
"""

from __future__ import annotations

import asyncio
import csv
import html
import io
import re
from typing import Any

import numpy as np
import psycopg
from psycopg.types.json import Jsonb

from harness.forecast.programme import Staging, programme_order
from plans.models import load_programme
from plans.models.home import HOME
from system.contract.api import SponsorSplit
from system.contract.programme import ProgrammeOrder
from system.lottery import amounts, make_round
from tests.support import play as plays
from tests.support.control import Api, running, settings_of
from tests.support.deadline import until
from tests.support.play import Caller
from tests.support.stores import ValkeyServer

EVENING = load_programme(HOME / "forecasts" / "evening.yaml")
IN_US = 120_000_000
"""The first round is still to be armed when the programme is loaded."""
WON, SHOWN_MORE = 300, 17
"""Packets won in each round; answers that named each of its sponsors besides."""
BACK, IN_PLAY = (1, 5_000), (44, 777)
"""Sponsor and fen of a pot that goes back, and of one that stands."""
NOBODY = 60_001
TOTALS = ("paid_in_fen", "credited_fen", "suspense_fen", "refunded_fen", "open_fen", "residue_fen", "plays_fen")
BY_HAND = """
    SELECT coalesce((SELECT -sum(e.fen) FROM live.entry e JOIN live.batch b USING (batch)
                     WHERE b.kind = 'fund' AND e.account = 'sponsor:' || s), 0)::bigint,
           coalesce((SELECT sum(fen) FROM live.posting WHERE sponsor = s), 0)::bigint,
           coalesce((SELECT sum(held_fen) FROM live.suspense WHERE held_sponsor = s), 0)::bigint,
           coalesce((SELECT sum(e.fen) FROM live.entry e JOIN live.batch b USING (batch)
                     WHERE b.kind = 'refund' AND e.account = 'sponsor:' || s), 0)::bigint,
           coalesce((SELECT sum(fen) FROM live.entry WHERE account ~ ('^budget:[0-9]+:' || s || '$')), 0)::bigint,
           0::bigint,
           coalesce((SELECT -sum(amount) FROM live.leg WHERE account = 'sponsor:' || s), 0)::bigint,
           coalesce((SELECT sum((exposures ->> s::text)::bigint) FROM live.participation), 0)::bigint
    FROM (SELECT %s::int AS s) one
"""
ACCOUNT_ROW = re.compile(r"<tr><th scope=row>([^<]+)<td class=n>([-0-9,.]+)")
TOTAL_ROW = re.compile(r"<tr><th scope=row>[^<]+<td>[^<]+<td class=n>([-0-9,.]+)")
LINE_ROW = re.compile(r"<tr>(?:<td>[^<]*){3}<td>([^<]+)<td class=n>([-0-9,.]+)<td class=n>([-0-9,.]+)<td class=n>")


def test_every_sponsor_of_the_evening(postgres_dsn: str, fresh_valkey: ValkeyServer) -> None:
    settings = settings_of(postgres_dsn, fresh_valkey.url)

    async def body() -> None:
        async with running(settings) as api:
            order = programme_order(EVENING, Staging(EVENING.scale), api.clock.now_us + IN_US)
            await api.ok(await api.admin("POST", "/v1/programmes", order.model_dump(mode="json")))
            instance = await api.register()
            for place in range(len(order.rounds)):
                await played(api, postgres_dsn, place, instance)
        async with plays.running(postgres_dsn) as play:
            await pots(play)
            sums = [await statement(play, postgres_dsn, sponsor.id) for sponsor in EVENING.sponsors]
            nobody = await statement(play, postgres_dsn, NOBODY)
        closes(order, sums, nobody)

    asyncio.run(body())


async def pots(play: Caller) -> None:
    """Two sponsors pay for a season each; the first one ends, and nobody has combined."""
    for season, (sponsor, fen) in enumerate((BACK, IN_PLAY), 1):
        order = {"season": season, "lane": "live", "cards": [1] * 5, "pot_fen": fen, "sponsor": sponsor}
        assert (await play.call("/v1/seasons", plays.ADMIN, order))[0] == 200
        if (sponsor, fen) == BACK:
            assert (await play.call(f"/v1/seasons/{season}/end", plays.ADMIN, {"lane": "live"}))[0] == 200

            async def paid() -> bool:
                told = (await play.call("/v1/seasons/1", plays.token(1)))[1]
                return bool(told["state"] == "paid")

            await until(paid, what="the pot is back")


async def played(api: Api, dsn: str, place: int, instance: int) -> None:
    """One round: armed, open, some of its packets won and paid, closed."""

    async def becomes(state: str) -> Any:
        async def there() -> bool:
            return bool((await entry())["state"] == state)

        await until(there, what=f"round {place} {state}")
        return await entry()

    async def entry() -> Any:
        return (await api.ok(await api.get("/v1/programmes")))["programmes"][0]["rounds"][place]

    announced = await entry()
    api.clock.now_us = announced["arm_us"]
    number = (await becomes("armed"))["round"]
    epoch = await api.epoch(number, instance)
    api.clock.now_us = announced["start_us"]
    await becomes("open")
    won(dsn, number)
    api.clock.now_us = announced["end_us"]
    await becomes("closing")

    async def confirmed() -> bool:
        return (await api.confirm(number, instance, epoch, 0))[0] == 200

    await until(confirmed, what="confirmed")
    await becomes("closed")


def won(dsn: str, number: int) -> None:
    """The first packets of a round are paid, as credit does it, and named to their winners, as fronts count it."""
    with psycopg.connect(dsn) as conn:
        row = conn.execute("SELECT sponsors, seed, start_us FROM live.round WHERE round = %s", (number,)).fetchone()
        assert row is not None
        splits, seed, at_us = row
        lottery = make_round(number, tuple(SponsorSplit.model_validate(one, strict=False) for one in splits), seed)
        sponsors, fen = (column.tolist() for column in amounts(lottery, np.arange(WON)))
        batch = conn.execute(
            "INSERT INTO live.batch (kind, round, postings, fen, committed_us) VALUES ('credit', %s, %s, %s, %s)"
            " RETURNING batch",
            (number, WON, sum(fen), at_us),
        ).fetchone()
        assert batch is not None
        cursor = conn.cursor()
        cursor.executemany(
            "INSERT INTO live.posting VALUES (%s, %s, %s, %s, %s, 0, %s, %s)",
            [(1000 + k, number, k, fen[k], sponsors[k], at_us + k, batch[0]) for k in range(WON)],
        )
        spent = {one: sum(f for s, f in zip(sponsors, fen, strict=True) if s == one) for one in set(sponsors)}
        cursor.executemany(
            "INSERT INTO live.entry VALUES (%s, %s, %s)",
            [(batch[0], f"budget:{number}:{sponsor}", -fen) for sponsor, fen in spent.items()],
        )
        shown = {str(one["sponsor"]): SHOWN_MORE + sponsors.count(one["sponsor"]) for one in splits}
        conn.execute(
            "INSERT INTO live.participation VALUES (%s, 0, 0, 1, 1, %s, 0, %s, '')",
            (number, sum(shown.values()), Jsonb(shown)),
        )


async def statement(play: Caller, dsn: str, sponsor: int) -> dict[str, int]:
    """A sponsor's totals and exposures: the same in each form, and by hand."""
    path = f"/v1/sponsors/{sponsor}/statement"
    status, told = await play.call(f"{path}?limit=200", plays.ADMIN)
    assert (status, told["next"]) == (200, None)
    with psycopg.connect(dsn) as conn:
        by_hand = conn.execute(BY_HAND, (sponsor,)).fetchone()
    assert (*(told["totals"][name] for name in TOTALS), told["exposures"]) == by_hand, sponsor
    rows = list(csv.DictReader(io.StringIO((await play.call(f"{path}?format=csv", plays.ADMIN))[1])))
    assert {row["account"]: int(row["fen"]) for row in rows if row["kind"] == "total"} == told["totals"]
    assert [int(row["credits"]) for row in rows if row["kind"] == "exposures"] == [told["exposures"]]
    of_lines = [row for row in rows if row["kind"] not in ("total", "exposures")][::-1]
    lines = [(line["account"], line["fen"], line["balance_fen"]) for line in told["lines"]]
    assert [(row["account"], int(row["fen"]), int(row["balance_fen"])) for row in of_lines] == lines
    page = (await play.call(f"{path}?format=html", plays.ADMIN))[1]
    assert [fen_of(text) for text in TOTAL_ROW.findall(page)] == [told["totals"][name] for name in TOTALS]
    assert {account: fen_of(text) for account, text in ACCOUNT_ROW.findall(page)} == told["balances"]
    assert [(account, fen_of(fen), fen_of(rest)) for account, fen, rest in LINE_ROW.findall(page)] == lines
    assert f"shown {told['exposures']:,} times" in page
    assert html.escape(told["name"]) in page
    return {**told["totals"], "exposures": told["exposures"], "lines": len(lines)}


def fen_of(yuan: str) -> int:
    """`-1,234.05` → -123405."""
    return int(yuan.replace(",", "").replace(".", ""))


def closes(order: ProgrammeOrder, sums: list[dict[str, int]], nobody: dict[str, int]) -> None:
    """Together they are the evening's money; who paid nothing has a statement of nothing."""
    assert len(sums) == 45
    budgets = [split.budget_fen for item in order.rounds for split in item.order.sponsors]
    assert sum(one["paid_in_fen"] for one in sums) == sum(budgets) == round(EVENING.budget_fen * EVENING.scale)
    by_sponsor = {sponsor.id: one for sponsor, one in zip(EVENING.sponsors, sums, strict=True)}
    assert {sponsor: one["plays_fen"] for sponsor, one in by_sponsor.items() if one["plays_fen"]} == dict([IN_PLAY])
    for one in sums:
        assert (one["open_fen"], one["residue_fen"]) == (0, 0)
        assert one["paid_in_fen"] == one["credited_fen"] + one["refunded_fen"] > 0
    assert sum(one["credited_fen"] > 0 for one in sums) > 40
    named = sum(len(item.order.sponsors) for item in order.rounds)
    assert sum(one["exposures"] for one in sums) == len(order.rounds) * WON + named * SHOWN_MORE
    assert set(nobody.values()) == {0}
