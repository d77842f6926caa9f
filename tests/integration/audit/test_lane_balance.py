"""One round's audit looks at its whole lane: a lane that does not balance is never valid."""

from __future__ import annotations

import asyncio

import pytest

from system.audit.close import audit
from tests.support.books import SECRET, Books
from tests.support.stores import ValkeyServer


@pytest.mark.parametrize(
    ("of_round", "valid"), [(None, True), (1, False), (2, False)], ids=["balanced", "another round's", "its own"]
)
def test_777_fen_too_many_anywhere_in_the_lane(
    ledger_dsn: str, valkey_server: ValkeyServer, of_round: int | None, valid: bool
) -> None:
    books = Books(ledger_dsn, valkey_server.url)

    async def go() -> None:
        await books.open()
        try:
            for number in (1, 2):
                books.add_round(number)
                await books.epoch(number, 0, 1)
                books.close_round(number)
            if of_round is not None:
                books.sql(
                    "INSERT INTO {}.entry SELECT min(batch), 'sponsor:7', 777 FROM {}.batch WHERE round = %s", of_round
                )
            report = await audit(books.postgres_url, books.valkey_url, SECRET, "live", [2])
        finally:
            await books.close()
        s1 = next(finding for finding in report.findings if finding.code == "S1")
        assert s1.valid is valid, s1
        assert ("777 fen" in s1.first) is not valid

    asyncio.run(go())
