"""`python -m system.credit` tells the users of large packets, once these are posted; the gateway's double counts."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from tests.support.books import Books
from tests.support.credit_process import WITHIN_S, CreditProcess, posted
from tests.support.deadline import until
from tests.support.doubles import doubled
from tests.support.stores import ValkeyServer, free_port, wait_until

FROM_FEN = 500


@pytest.fixture
def books(ledger_dsn: str, valkey_server: ValkeyServer) -> Books:
    return Books(ledger_dsn, valkey_server.url)


def test_users_of_large_packets_are_told_once(books: Books, tmp_path: Path) -> None:
    process = CreditProcess(books, tmp_path, free_port())

    async def body() -> None:
        await books.open()
        try:
            async with doubled(tmp_path / "doubles", "sms") as sms:
                process.env |= {"XIU_SMS_URL": sms.url, "XIU_SMS_DOUBLE_URL": sms.url}
                process.env |= {"XIU_NOTICE_FROM_FEN": str(FROM_FEN)}
                books.add_round()
                await books.epoch(1, 0, 1)
                wins = [books.win(1, packet, 1_000 + packet) for packet in books.lease(1, 0, 1, 1, 40)]
                await books.append(1, 0, 1, wins)
                await asyncio.to_thread(process.start)
                await asyncio.to_thread(wait_until, lambda: posted(books) == len(wins), WITHIN_S, "every posting")
                large = int(books.sql("SELECT count(*) FROM {}.posting WHERE fen >= %s", FROM_FEN)[0][0])
                assert 0 < large < len(wins)

                async def told() -> bool:
                    return (await sms.calls())["live"][0] == large

                await until(told, f"{large} messages")
                figure = f'hongbao_outside_calls_total{{lane="live",outcome="answered",party="sms"}} {large}.0'

                async def counted() -> bool:
                    return figure in (await asyncio.to_thread(process.text)).splitlines()

                await until(counted, "each counted")
                assert (await sms.calls())["stress"] == (0, 0)
                await asyncio.to_thread(process.stop, signal.SIGTERM)
        finally:
            if process.child is not None and process.child.poll() is None:
                process.stop(signal.SIGKILL)
            await books.close()

    asyncio.run(body())
