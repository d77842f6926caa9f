"""S18 on a real ledger: what moved adds up; whatever a hand changed is found, counted, and named."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from system.contract.audit import Finding
from system.contract.ids import Lane
from system.ledger.access import Pool
from system.ledger.accounts import Leg, user
from system.ledger.transfer import Order, Transfers
from tests.support.books import SECRET
from tests.support.finding import finding
from tests.support.stores import ValkeyServer


def sql(dsn: str, *texts: str) -> None:
    with psycopg.connect(dsn) as conn:
        for text in texts:
            conn.execute(text.encode())


def s18(dsn: str, valkey: str, lane: Lane = "live") -> Finding:
    return finding("S18", dsn, valkey, lane)


def moved(dsn: str, lane: Lane = "live") -> None:
    """Users 1 (60 fen credited, 25 spent), 2 (30 of 100 given back) and 3; transfers 1 to 4, the last a reversal."""
    sql(dsn, f"INSERT INTO {lane}.posting VALUES (1, 1, 0, 60, 7, 0, 1, 1)")

    async def go() -> None:
        pool = Pool(dsn, f"xiu_{lane}", SECRET)  # type: ignore[arg-type]
        send = Transfers(pool, lane).send
        await send(Order("spend", "spend:1:tea", {}, (Leg(user(1), "fen", -25), Leg("platform:spent", "fen", 25))))
        await send(Order("grant", "g2", {}, (Leg("platform:gala", "fen", -100), Leg(user(2), "fen", 100))))
        await send(Order("card", "c3", {}, (Leg("mint:1", "card:2", -1), Leg(user(3), "card:2", 1))))
        gift = await send(Order("gift", "g", {}, (Leg(user(2), "fen", -30), Leg(user(3), "fen", 30))))
        await send(Order("reverse", "r", {}, reverses=gift.transfer))
        await pool.close()

    asyncio.run(go())


@pytest.mark.parametrize("lane", ["live", "stress"])
def test_what_moved_adds_up_and_nothing_moved_is_not_evaluated(
    ledger_dsn: str, valkey_server: ValkeyServer, lane: Lane
) -> None:
    moved(ledger_dsn, lane)
    found = s18(ledger_dsn, valkey_server.url, lane)
    assert (found.valid, found.first, found.residue_fen) == (True, "", 0)
    # Five transfers, a reversal, and the holdings of users 1, 2, 3 and of user 3's card.
    assert found.counted == 5 + 1 + 4
    assert found.figure == "transfers 5, legs 10, reversals 1, accounts 4"
    other: Lane = "stress" if lane == "live" else "live"
    idle = s18(ledger_dsn, valkey_server.url, other)
    assert (idle.valid, idle.counted) == (None, 0)


ROWS = [
    pytest.param(
        "UPDATE live.leg SET amount = amount + 3 WHERE account = 'platform:spent'",
        "transfer 1 (spend:1:tea): its legs leave +3 fen", 1, 3, id="a leg of three fen more",
    ),
    pytest.param(
        "DELETE FROM live.leg WHERE transfer = 3; DELETE FROM live.holding WHERE currency = 'card:2'",
        "transfer 3 (c3): it has no legs", 1, 0, id="a transfer without legs",
    ),
    pytest.param(
        "UPDATE live.leg SET amount = -2 WHERE account = 'mint:1'",
        "transfer 3 (c3): its legs leave -1 card:2", 1, 0, id="a card out of nothing",
    ),
    pytest.param(
        "UPDATE live.holding SET amount = amount + 7 WHERE account = 'user:2'",
        "user:2 holds 107 fen; its legs add up to 100", 1, 7, id="a holding of seven fen more",
    ),
    pytest.param(
        "DELETE FROM live.holding WHERE account = 'user:2'",
        "user:2 has no holding; its legs add up to 100", 1, 100, id="a holding gone",
    ),
    pytest.param(
        "INSERT INTO live.holding VALUES ('pot:1', 'fen', 9)",
        "pot:1 holds 9 fen; its legs add up to 0", 1, 9, id="a holding that nothing made",
    ),
    pytest.param(
        "INSERT INTO live.leg VALUES (3, 'pot:1', 'card:2', -5), (3, 'issue:1', 'card:2', 5);"
        "INSERT INTO live.holding VALUES ('pot:1', 'card:2', -5), ('issue:1', 'card:2', 5)",
        "pot:1 holds -5 card:2, its legs -5: under its floor", 1, 0, id="a pot under its floor",
    ),
    pytest.param(
        "DELETE FROM live.posting WHERE uid = 1",
        "user:1 holds -25 fen, its legs -25, credited 0 fen: under its floor", 1, 25, id="spent, and never credited",
    ),
    pytest.param(
        "UPDATE live.posting SET fen = 20 WHERE uid = 1",
        "user:1 holds -25 fen, its legs -25, credited 20 fen: under its floor", 1, 5, id="spent more than credited",
    ),
    pytest.param(
        "INSERT INTO live.leg VALUES (2, 'user:1', 'fen', -50), (2, 'user:4', 'fen', 50)",
        "user:1 holds -25 fen; its legs add up to -75", 3, 100, id="legs behind the holdings' back",
    ),
    pytest.param(
        "UPDATE live.leg SET amount = amount * 2 WHERE transfer = 5;"
        "UPDATE live.holding SET amount = amount + CASE account WHEN 'user:2' THEN 30 ELSE -30 END"
        " WHERE account IN ('user:2', 'user:3') AND currency = 'fen';"
        "INSERT INTO live.posting VALUES (3, 1, 1, 60, 7, 0, 1, 1)",
        "transfer 5 reverses 4, which it does not negate exactly", 1, 60, id="twice as much given back",
    ),
    pytest.param(
        "INSERT INTO live.transfer (kind, key, request, reverses, at_us) VALUES ('reverse', 'rr', '{}', 5, 1);"
        "INSERT INTO live.leg VALUES (6, 'user:2', 'fen', -30), (6, 'user:3', 'fen', 30);"
        "UPDATE live.holding SET amount = amount + CASE account WHEN 'user:2' THEN -30 ELSE 30 END"
        " WHERE account IN ('user:2', 'user:3') AND currency = 'fen'",
        "transfer 6 reverses 5, which is a reversal itself", 1, 30, id="a reversal reversed",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("hand", "first", "violations", "residue"), ROWS)
def test_whatever_a_hand_changed_is_found(
    ledger_dsn: str, valkey_server: ValkeyServer, hand: str, first: str, violations: int, residue: int
) -> None:
    moved(ledger_dsn)
    sql(ledger_dsn, *hand.split(";"))
    found = s18(ledger_dsn, valkey_server.url)
    assert (found.valid, found.first, found.residue_fen) == (False, first, residue)
    assert found.violations >= violations


@contextmanager
def without_the_index(dsn: str) -> Iterator[None]:
    sql(dsn, "ALTER TABLE live.transfer DROP CONSTRAINT transfer_reverses_key")
    try:
        yield
    finally:
        sql(
            dsn,
            "TRUNCATE live.transfer CASCADE",
            "ALTER TABLE live.transfer ADD CONSTRAINT transfer_reverses_key UNIQUE (reverses)",
        )


def test_a_transfer_reversed_twice_is_found(ledger_dsn: str, valkey_server: ValkeyServer) -> None:
    moved(ledger_dsn)
    with without_the_index(ledger_dsn):
        sql(
            ledger_dsn,
            "INSERT INTO live.transfer (kind, key, request, reverses, at_us) VALUES ('reverse', 'r2', '{}', 4, 1)",
            "INSERT INTO live.leg VALUES (6, 'user:2', 'fen', 30), (6, 'user:3', 'fen', -30)",
            "UPDATE live.holding SET amount = amount + CASE account WHEN 'user:2' THEN 30 ELSE -30 END"
            " WHERE account IN ('user:2', 'user:3') AND currency = 'fen'",
            "INSERT INTO live.posting VALUES (3, 1, 1, 60, 7, 0, 1, 1)",
        )
        found = s18(ledger_dsn, valkey_server.url)
    assert (found.valid, found.first) == (False, "transfer 6 reverses 4, which was reversed before")
    assert (found.violations, found.residue_fen) == (1, 30)
