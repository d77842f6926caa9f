"""S14 and S15 on a real ledger: a season that was played closes; whatever a hand changed is found and named."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from system.audit import season
from system.audit.close import audit
from system.audit.judging import Judge
from system.audit.snapshot import Snapshot
from system.contract.audit import OF_PLAYS, Finding
from system.ledger.access import open_url
from system.ledger.statements import statement
from tests.support.cards import PlayedSeason
from tests.support.play import SECRET
from tests.support.stores import ValkeyServer

HANDS = [
    ("S14", "UPDATE live.card SET kind = kind % 5 + 1 WHERE n = 7", "card 7 is of kind"),
    ("S14", "DELETE FROM live.card WHERE n = 3", "card 4 stands where card 3 was expected"),
    ("S14", "UPDATE live.card_counter SET next = next + 1", "its counter says 32"),
    ("S14", "UPDATE live.season SET seed = sha256('x') WHERE season = 3", "not those committed to"),
    ("S14", "UPDATE live.season SET cards = '{9,8,7,6,6}'", "not those committed to"),
    ("S14", "UPDATE live.holding SET amount = amount + 1 WHERE account = 'user:1' AND currency = 'card:1'", "kind 1: "),
    ("S14", "UPDATE live.holding SET amount = amount + 1 WHERE account = 'issue:3' AND currency = 'card:2'", "kind 2:"),
    (
        "S14", "UPDATE live.leg SET account = 'user:99' WHERE account = 'issue:3' AND amount = -1",
        "does not move that card from the issuer",
    ),
    (
        "S14",
        "UPDATE live.transfer SET at_us = (SELECT ended_us + 1 FROM live.season) WHERE key = 'gift:1:a'",
        "gift:1:a: a card moved after the season's end",
    ),
    ("S15", "UPDATE live.season SET pot_fen = 1001", "but paid 999, rounding 1, back 0, left 0: 1 fen off"),
    ("S15", "UPDATE live.season SET each_fen = 334", "3 blessings of 334 fen were frozen"),
    ("S15", "DELETE FROM live.pot_share WHERE uid = 2", "user:2 has combined, and is not in the list"),
    ("S15", "UPDATE live.pot_share SET fen = 334 WHERE uid = 2", "user:2 stands in the frozen list as nobody should"),
    (
        "S15", "UPDATE live.leg SET account = 'user:9' WHERE account = 'user:2' AND transfer ="
        " (SELECT transfer FROM live.transfer WHERE key = 'pot:3:0')",
        "user:9 was paid what the frozen list does not say",
    ),
    (
        "S15",
        "UPDATE live.transfer SET at_us = (SELECT ended_us + 1 FROM live.season) WHERE key = 'combine:3:3'",
        "user:3 has combined after the end",
    ),
    (
        "S15", "DELETE FROM live.leg l USING live.transfer t WHERE t.transfer = l.transfer AND t.key = 'combine:3:2'"
        " AND l.currency = 'card:4'", "combine:3:2 is not one card of each kind",
    ),
    (
        "S15", "UPDATE live.holding SET amount = 1 WHERE account = 'user:2' AND currency = 'blessing'",
        "1 blessings held, 3 combined, 3 paid",
    ),
]  # fmt: skip


async def _judged(conn: psycopg.AsyncConnection[tuple[object, ...]]) -> dict[str, Finding]:
    judges = {code: Judge(code) for code in OF_PLAYS}
    tables = await (await conn.execute(statement("audit_tables", "live"))).fetchall()
    await season.judge(judges, Snapshot(conn, "live", frozenset(str(name) for (name,) in tables)).rows)
    return {code: judges[code].finding() for code in ("S14", "S15")}


def test_a_played_season_closes_and_every_hand_is_seen(postgres_dsn: str, valkey_server: ValkeyServer) -> None:
    async def body() -> None:
        played = PlayedSeason(postgres_dsn)
        await played.migrate()
        before = await audit(postgres_dsn, valkey_server.url, SECRET, "live")
        assert {f.code: f.valid for f in before.findings if f.code in ("S14", "S15")} == {"S14": None, "S15": None}
        await played.play()
        for _ in range(2):  # open, then ended and paid
            report = await audit(postgres_dsn, valkey_server.url, SECRET, "live")
            found = {f.code: f for f in report.findings if f.code in ("S14", "S15", "S18")}
            assert {code: (f.valid, f.first) for code, f in found.items()} == dict.fromkeys(found, (True, ""))
            assert "drawn 31" in found["S14"].figure
            await played.end()
        await played.pool.close()
        assert found["S15"].figure.endswith("combinations 3")

        async with await open_url(postgres_dsn) as conn:
            for code, hand, says in HANDS:
                async with conn.transaction(force_rollback=True):
                    await conn.execute(hand.encode())
                    seen = (await _judged(conn))[code]
                assert (seen.valid, says in seen.first) == (False, True), (hand, seen)
            seen = await _judged(conn)
            assert [finding.valid for finding in seen.values()] == [True, True]

    asyncio.run(body())


def test_a_season_in_which_nobody_combines_is_looked_at_once_its_pot_has_moved(
    postgres_dsn: str, valkey_server: ValkeyServer
) -> None:
    """An untouched pot is no evidence for S15; one that went back is, and a fen of it that did not is found."""

    async def body() -> None:
        played = PlayedSeason(postgres_dsn)
        await played.migrate()
        await played.open()
        for ended in (False, True):
            if ended:
                await played.end()
            report = await audit(postgres_dsn, valkey_server.url, SECRET, "live")
            found = {finding.code: finding for finding in report.findings}
            assert found["S14"].valid is True, "the minted cards"
            assert (found["S15"].valid, found["S15"].counted) == ((True, 1) if ended else (None, 0))
        assert "paid 0, rounding 0, back 1,000, left 0, combinations 0" in found["S15"].figure
        await played.pool.close()
        async with await open_url(postgres_dsn) as conn, conn.transaction(force_rollback=True):
            await conn.execute("UPDATE live.leg SET amount = 999 WHERE account = 'sponsor:7' AND amount = 1000")
            seen = (await _judged(conn))["S15"]
            assert (seen.valid, seen.residue_fen) == (False, 1)

    asyncio.run(body())


@pytest.mark.parametrize("code", ["S14", "S15"])
def test_each_is_judged_by_a_file(code: str) -> None:
    assert [code] == [each for rule in season.RULES for each in rule.codes if each == code]
