"""What kill trials ask PostgreSQL: an open batch is seen, its fate is told, a server that died is met again."""

from __future__ import annotations

import asyncio

import pytest

from chaos.trials.ledger import TrialLedger
from system.ledger.access import connect, lane_role
from system.ledger.migrate import migrate
from system.ledger.statements import statement
from tests.support.books import SECRET, Books
from tests.support.stores import PostgresServer, ValkeyServer


@pytest.mark.parametrize(
    ("word", "fate"), [pytest.param("COMMIT", "COMMIT", id="committed"), pytest.param("ROLLBACK", "batch", id="undone")]
)
def test_an_open_batch_is_seen_and_its_fate_told(
    ledger_dsn: str, valkey_server: ValkeyServer, word: str, fate: str
) -> None:
    async def play() -> None:
        books = Books(ledger_dsn, valkey_server.url)
        books.add_round()
        ledger = TrialLedger(ledger_dsn, "live", 1)
        credit = await connect(ledger_dsn, lane_role("live"), SECRET, name="credit-live-1")
        try:
            await credit.execute("BEGIN")
            assert ledger.open_batch() == "", "nothing is written yet"
            await credit.execute(
                statement("batch_insert", "live"),
                dict.fromkeys(("front", "from_epoch", "from_seq", "to_epoch", "to_seq"), 0)
                | {"kind": "credit", "round": 1, "postings": 0, "fen": 0},
            )
            xid = ledger.open_batch()
            assert xid
            assert (ledger.open_batch("credit-live-1"), ledger.open_batch("credit-live")) == (xid, "")
            assert not ledger.posted_after(0)
            await credit.execute(word.encode())
            assert ledger.open_batch() == ""
            assert ledger.fate(xid) == fate
            assert ledger.posted_after(0) is ledger.posted_after(0, (0, 2)) is (fate == "COMMIT")
            assert not ledger.posted_after(0, (1,)), "another cell's fronts"
        finally:
            await credit.close()
            ledger.close()

    asyncio.run(play())


def test_a_server_that_died_is_met_again(own_postgres: PostgresServer) -> None:
    dsn = own_postgres.create_database("ledger")
    asyncio.run(migrate(dsn, SECRET))
    ledger = TrialLedger(dsn, "live", 1)
    assert not ledger.posted_after(0)
    own_postgres.stop()
    try:
        assert not ledger.posted_after(0)
        assert ledger.fate("3") == ""
    finally:
        own_postgres.start()
    assert ledger.open_batch() == ""
    assert len(ledger.postings().uid) == 0
    ledger.close()
