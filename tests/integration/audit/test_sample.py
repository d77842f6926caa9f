"""Samples for S2 come from the stores: they survive a lost log, and a process says when its round is not there."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from system.audit.history import read_samples
from system.audit.sample import RoundSampler
from system.ledger.access import Pool
from tests.support.books import SECRET, Books
from tests.support.closed_books import credit
from tests.support.stores import ValkeyServer, wait_until


@pytest.fixture
def books(ledger_dsn: str, valkey_server: ValkeyServer) -> Books:
    return Books(ledger_dsn, valkey_server.url)


def test_awarded_by_the_log_credited_by_the_ledger(books: Books) -> None:
    async def go() -> list[tuple[int, int, int]]:
        await books.open()
        pool = Pool(books.postgres_url, "xiu_live", SECRET, size=1)
        sampler, told = RoundSampler(pool, books.store, "live", 1), []

        async def look() -> None:
            row = await sampler.sample()
            told.append((row["credited_fen"], row["awarded_fen"], row["budget_fen"]))

        try:
            round_ = books.add_round()
            await books.epoch(1, 0, 1)
            lease = books.lease(1, 0, 1, 1, 20)
            wins = [books.win(1, packet, packet) for packet in lease[:3]]
            fen = [win.fen for win in wins]
            await look()
            await books.append(1, 0, 1, wins[:1])
            await look()
            await credit(books)
            await look()
            await books.append(1, 0, 1, wins[1:2])
            await credit(books)
            await books.store.command("DEL", books.log(1, 0).key)  # logged, credited and lost between two samples
            await books.epoch(1, 0, 2)
            await books.append(1, 0, 2, wins[2:])
            await look()
        finally:
            await pool.close()
            await books.close()
        assert told == [
            (0, 0, round_.budget_fen),
            (0, fen[0], round_.budget_fen),
            (fen[0], fen[0], round_.budget_fen),
            (fen[0] + fen[1], sum(fen), round_.budget_fen),
        ]
        return told

    assert len(asyncio.run(go())) == 4


def test_the_process(books: Books, tmp_path: Path) -> None:
    books.add_round()
    (tmp_path / "key").write_text(SECRET.hex())
    env = os.environ | {
        "XIU_POSTGRES_URL": books.postgres_url, "XIU_VALKEY_URL": books.valkey_url,
        "XIU_SECRET_FILE": str(tmp_path / "key"),
    }  # fmt: skip
    out = tmp_path / "samples.jsonl"

    def command(round_id: int) -> list[str]:
        return [
            sys.executable,
            "-m",
            "system.audit.sample",
            "--round",
            str(round_id),
            "--out",
            str(out),
            "--every",
            "0.05",
        ]

    child = subprocess.Popen(command(1), env=env)
    try:
        wait_until(lambda: out.exists() and len(read_samples(out).rows) >= 2, 60, "samples")
    finally:
        child.send_signal(signal.SIGTERM)
        assert child.wait(60) == 0
    assert read_samples(out).rows["budget_fen"].tolist()[0] == books.rounds[1].budget_fen
    done = subprocess.run(command(9), env=env, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (2, "sample: lane live has no round 9\n")


def test_samples_that_cannot_be_written_are_one_sentence(books: Books, tmp_path: Path) -> None:
    books.add_round()
    (tmp_path / "key").write_text(SECRET.hex())
    env = os.environ | {
        "XIU_POSTGRES_URL": books.postgres_url, "XIU_VALKEY_URL": books.valkey_url,
        "XIU_SECRET_FILE": str(tmp_path / "key"),
    }  # fmt: skip
    argv = [sys.executable, "-m", "system.audit.sample", "--round", "1", "--out", "/dev/full"]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=30, check=False)
    said = "sample: /dev/full: No space left on device; no more samples are taken\n"
    assert (done.returncode, done.stderr) == (5, said)
