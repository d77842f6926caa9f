"""A look at a log that went back is no sample: never a false S2, while a true one is still found."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest

from system.audit.history import SAMPLE, HistoryError, read_samples
from system.audit.judging import Judge
from system.audit.promises import samples
from system.audit.sample import NoSample, RoundSampler
from system.contract.ids import fence_key
from system.ledger.access import Pool
from tests.support.books import SECRET, Books
from tests.support.closed_books import credit
from tests.support.stores import ValkeyServer

Look = Callable[[], Awaitable[bool]]


class Watched:
    """A round with one front, and a sampler that looks at it; `kept` are its samples."""

    def __init__(self, books: Books, pool: Pool) -> None:
        self.books, self.kept = books, []  # type: ignore[var-annotated]
        self.sampler = RoundSampler(pool, books.store, "live", 1)
        self.why: list[str] = []

    async def look(self) -> bool:
        """Is it a sample?"""
        try:
            row = await self.sampler.sample()
        except NoSample as exc:
            self.why.append(str(exc))
            return False
        self.kept.append(tuple(row[name] for name in SAMPLE.names or ()))
        return True

    async def flush(self) -> None:
        """What FLUSHALL does to this log; other tests have keys in the same Valkey."""
        log = self.books.log(1, 0)
        await self.books.store.command("DEL", log.key, fence_key(self.books.cell, "live", 1, 0))

    def broken(self) -> int:
        """Violations of S2 in what was kept."""
        judge = Judge("S2")
        samples(judge, np.array(self.kept, dtype=SAMPLE))
        return judge.violations


def watch(books: Books, body: Callable[[Watched, list[int]], Awaitable[None]]) -> Watched:
    """Runs the body on a round with 20 leased packets."""

    async def go() -> Watched:
        await books.open()
        pool = Pool(books.postgres_url, "xiu_live", SECRET, size=1)
        try:
            books.add_round()
            await books.epoch(1, 0, 1)
            packets = list(books.lease(1, 0, 1, 1, 20))
            watched = Watched(books, pool)
            await body(watched, packets)
        finally:
            await pool.close()
            await books.close()
        return watched

    return asyncio.run(go())


@pytest.fixture
def books(ledger_dsn: str, valkey_server: ValkeyServer) -> Books:
    return Books(ledger_dsn, valkey_server.url)


@pytest.mark.parametrize("seen_before", [True, False], ids=["log seen before", "log never seen"])
def test_between_a_flush_and_the_new_epoch_nothing_is_sampled(books: Books, seen_before: bool) -> None:
    async def body(watched: Watched, packets: list[int]) -> None:
        wins = [books.win(1, packet, packet) for packet in packets[:4]]
        await books.append(1, 0, 1, wins[:1])
        if seen_before:
            assert await watched.look()
        await books.append(1, 0, 1, wins[1:3])
        await credit(books)  # the ledger knows three wins
        await watched.flush()
        assert not await watched.look()  # control is frozen: no new epoch for as long as it likes
        assert not await watched.look()
        await books.epoch(1, 0, 2)
        await books.append(1, 0, 2, wins[3:])
        assert await watched.look()

    watched = watch(books, body)
    assert watched.broken() == 0
    assert len(watched.kept) == 1 + seen_before
    assert all("no longer accepts epoch 1" in why for why in watched.why)
    credited, awarded = watched.kept[-1][1:3]
    assert 0 < credited < awarded


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        pytest.param(("DEL",), "ends at 0-0, but 1-", id="deleted by hand"),
        pytest.param(("XTRIM", "MAXLEN", "1"), "lacks 1-1", id="its beginning trimmed"),
    ],
)
def test_a_log_that_went_back_under_its_fence_is_no_sample(books: Books, harm: tuple[str, ...], says: str) -> None:
    async def body(watched: Watched, packets: list[int]) -> None:
        await watched.look()
        for packet in packets[:2]:
            await books.append(1, 0, 1, [books.win(1, packet, packet)])
        await credit(books)
        await books.store.command(harm[0], books.log(1, 0).key, *harm[1:])
        assert not await watched.look()

    watched = watch(books, body)
    assert watched.broken() == 0
    assert says in watched.why[0]


def test_an_epoch_that_came_between_two_looks_is_told_apart(books: Books) -> None:
    """The ledger was read under the old epoch, the log under the new one: together they say nothing."""

    async def body(watched: Watched, packets: list[int]) -> None:
        await watched.look()
        await books.append(1, 0, 1, [books.win(1, packets[0], 5)])
        await credit(books)
        await watched.flush()
        await books.log(1, 0).raise_fence(2)  # raised, not granted yet
        assert not await watched.look()

    assert watch(books, body).broken() == 0


@pytest.mark.parametrize("flushed", [False, True], ids=["at rest", "after a flush and its new epoch"])
def test_money_credited_that_nobody_was_awarded_is_found(books: Books, flushed: bool) -> None:
    async def body(watched: Watched, packets: list[int]) -> None:
        win = books.win(1, packets[0], 5)
        await books.append(1, 0, 1, [win])
        await credit(books)
        assert await watched.look()
        if flushed:
            await watched.flush()
            assert not await watched.look()
            await books.epoch(1, 0, 2)
            assert await watched.look()
        # A second credit of the same award: legs that balance, and no log speaks for them.
        ((batch,),) = books.sql(
            "INSERT INTO {}.batch (kind, round, front, postings, fen, committed_us) VALUES ('credit', 1, 0, 1, %s, 0)"
            " RETURNING batch", win.fen,
        )  # fmt: skip
        books.sql("INSERT INTO {}.posting VALUES (5, 1, %s, %s, %s, 0, 0, %s)", win.packet, win.fen, win.sponsor, batch)
        books.sql("INSERT INTO {}.entry VALUES (%s, %s, %s)", batch, f"budget:1:{win.sponsor}", -win.fen)
        assert await watched.look()

    assert watch(books, body).broken() == 1


def test_looks_without_a_sample_are_counted_and_shown(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    row = '{"t_ns": 1, "credited_fen": 0, "awarded_fen": 10, "budget_fen": 20}\n'
    file.write_text(row + '{"t_ns": 2, "none": "win:1 no longer accepts epoch 1"}\n' + row)
    found = read_samples(file)
    judge = Judge("S2")
    samples(judge, found.rows, found.none)
    assert (judge.counted, judge.violations) == (2, 0)
    assert judge.finding().figure == "samples 2, looks without a sample 1"
    file.write_text('{"t_ns": 2, "none": "the store is away"}\n')
    found = read_samples(file)
    judge = Judge("S2")
    samples(judge, found.rows, found.none)
    assert judge.finding().valid == "unknown"
    assert judge.finding().first == "no sample in 1 looks: the store is away"
    file.write_text('{"t_ns": 2, "none": 7}\n')
    with pytest.raises(HistoryError):
        read_samples(file)
