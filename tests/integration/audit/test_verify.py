"""`python -m system.audit.verify`: a round proven from its seed; each forgery found and named."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from system.audit.verify import verify
from system.contract.errors import Conflict, UnknownRound
from system.contract.ids import Lane
from tests.support.books import SECRET, Books
from tests.support.stores import ValkeyServer


def played(postgres_url: str, valkey_url: str, lane: Lane = "live", *, close: bool = True) -> Books:
    """Round 1 with ten postings, closed."""
    books = Books(postgres_url, valkey_url, lane)

    async def body() -> None:
        await books.open()
        try:
            books.add_round(1)
            ((batch,),) = books.sql("SELECT batch FROM {}.batch")
            for packet in range(10):
                win = books.win(1, packet, 100 + packet)
                row = (win.uid, win.packet, win.fen, win.sponsor, win.time_us, batch)
                books.sql("INSERT INTO {}.posting VALUES (%s, 1, %s, %s, %s, 0, %s, %s)", *row)
            if close:
                books.close_round(1)
        finally:
            await books.close()

    asyncio.run(body())
    return books


@pytest.fixture
def books(ledger_dsn: str, valkey_server: ValkeyServer) -> Books:
    return played(ledger_dsn, valkey_server.url)


def test_a_sound_round_is_proven(books: Books) -> None:
    answer = asyncio.run(verify(books.postgres_url, SECRET, 1))
    assert (answer.valid, answer.commitment_ok, answer.classes_ok, answer.violations) == (True, True, True, 0)
    assert answer.recomputed_fen == answer.budget_fen == books.rounds[1].budget_fen
    assert (answer.packets, answer.postings, answer.first) == (100, 10, "")


@pytest.mark.parametrize(
    ("forge", "count", "word"),
    [
        pytest.param("UPDATE {}.posting SET fen = fen + 1 WHERE packet = 3", 1, "packet 1-3, user 103", id="one fen"),
        pytest.param(
            "UPDATE {}.posting SET sponsor = 16 - sponsor", 10, "posting of packet 1-0", id="sponsors swapped"
        ),
        pytest.param(
            "UPDATE {}.posting SET packet = 100 WHERE packet = 4", 1, "expected below 100", id="no such packet"
        ),
        pytest.param("UPDATE {}.round SET commitment = repeat('0', 64)", 1, "committed to", id="another commitment"),
        pytest.param(
            "UPDATE {}.round SET seed = decode(repeat('00', 32), 'hex')", None, "committed to", id="another seed"
        ),
        pytest.param("UPDATE {}.round SET packets = 99, budget_fen = 1", 2, "the round 99", id="other totals"),
        pytest.param("UPDATE {}.round SET sponsors = '[]'", 1, "cannot be read", id="no histogram"),
        pytest.param(
            "INSERT INTO {}.suspense VALUES (1, 1, 0, 1, 1, 0, 50, 5, 1, 7, 1, 1, 9, 'x')",
            1,
            "held in suspense",
            id="held",
        ),
    ],
)
def test_a_forgery_is_found_and_named(books: Books, forge: str, count: int | None, word: str) -> None:
    books.sql(forge)
    answer = asyncio.run(verify(books.postgres_url, SECRET, 1))
    assert not answer.valid
    assert answer.violations == count or (count is None and answer.violations >= 1)
    assert word in answer.first


def test_rounds_that_cannot_be_proven(ledger_dsn: str, valkey_server: ValkeyServer) -> None:
    played(ledger_dsn, valkey_server.url, close=False)
    with pytest.raises(Conflict, match="revealed when it is closed"):
        asyncio.run(verify(ledger_dsn, SECRET, 1))
    with pytest.raises(UnknownRound):
        asyncio.run(verify(ledger_dsn, SECRET, 2))


def test_the_other_lane_is_found(ledger_dsn: str, valkey_server: ValkeyServer) -> None:
    played(ledger_dsn, valkey_server.url, "stress")
    assert asyncio.run(verify(ledger_dsn, SECRET, 1)).lane == "stress"


def child(tmp_path: Path, url: str, *args: str) -> tuple[int, Any]:
    key = tmp_path / "key"
    key.write_text(SECRET.hex())
    env = os.environ | {"XIU_POSTGRES_URL": url, "XIU_SECRET_FILE": str(key)}
    command = [sys.executable, "-m", "system.audit.verify", *args]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_the_child_answers_in_json_and_words(books: Books, tmp_path: Path) -> None:
    code, text = child(tmp_path, books.postgres_url, "--round", "1", "--json")
    assert (code, json.loads(text)["valid"]) == (0, True)
    code, text = child(tmp_path, books.postgres_url, "--round", "1")
    assert "10 postings" in text
    books.sql("UPDATE {}.posting SET fen = 1 WHERE packet = 0")
    assert child(tmp_path, books.postgres_url, "--round", "1")[0] == 99
    code, text = child(tmp_path, books.postgres_url, "--round", "9", "--json")
    assert (code, json.loads(text)["error"]["code"]) == (2, "unknown_round")
    code, text = child(tmp_path, "postgresql://127.0.0.1:1/none", "--round", "1", "--json")
    assert (code, json.loads(text)["error"]["code"]) == (5, "store_refused")
