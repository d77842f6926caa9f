"""Credit against real stores: exactly once, whatever dies, whatever a record says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest
from prometheus_client import CollectorRegistry

from system.contract.errors import StoreRefused, StoreUnknown
from system.contract.ids import Position
from system.contract.people import AREAS, TIERS, traits_of
from system.credit import worker as worker_module
from system.credit.metrics import CreditMetrics
from system.credit.switches import Switches
from system.credit.worker import Worker
from system.ledger.access import connect, lane_role
from system.ledger.migrate import migrate
from system.winlog import Win
from tests.support.books import SECRET, START_US, Books
from tests.support.stores import PostgresServer, ValkeyServer, wait_until

Play = Callable[[Books], Awaitable[None]]


@pytest.fixture
def books(ledger_dsn: str, valkey_server: ValkeyServer) -> Books:
    return Books(ledger_dsn, valkey_server.url)


def play(books: Books, body: Callable[[Books], Awaitable[None]]) -> None:
    """Runs one test with the books open."""

    async def go() -> None:
        await books.open()
        try:
            await body(books)
        finally:
            await books.close()

    asyncio.run(go())


class Bench:
    """A worker with its registry, driven pass by pass."""

    def __init__(self, books: Books) -> None:
        self.registry = CollectorRegistry()
        self.switches = Switches("http://127.0.0.1:9", "key", books.lane)
        settings = books.settings()
        self.worker = Worker(
            settings, books.store, CreditMetrics(self.registry, books.lane), self.switches,
            wall_us=lambda: START_US + 1_500_000,
        )  # fmt: skip

    def value(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, {"lane": "live", **labels}) or 0.0

    async def close(self) -> None:
        await self.worker._drop()


def money(books: Books, round_id: int = 1) -> tuple[int, int, int]:
    """(postings, fen posted, fen still in the budget accounts)."""
    ((count, fen),) = books.sql(
        "SELECT count(*), coalesce(sum(fen), 0)::bigint FROM {}.posting WHERE round = %s", round_id
    )
    ((budget,),) = books.sql("SELECT sum(fen)::bigint FROM {}.entry WHERE account LIKE %s", f"budget:{round_id}:%")
    return count, fen, budget


def offset(books: Books, round_id: int = 1, front: int = 0) -> Position:
    ((epoch, seq),) = books.sql(
        "SELECT offset_epoch, offset_seq FROM {}.stream WHERE round = %s AND front = %s", round_id, front
    )
    return Position(epoch, seq)


def suspense(books: Books) -> list[tuple[int, int, int, str]]:
    return books.sql("SELECT packet, uid, held_fen, reason FROM {}.suspense ORDER BY epoch, seq, place")


async def ready(books: Books) -> range:
    """Round 1, front 0, epoch 1, one lease of 20 packets."""
    books.add_round()
    await books.epoch(1, 0, 1)
    return books.lease(1, 0, 1, 1, 20)


def test_an_award_becomes_money_once(books: Books) -> None:
    async def body(books: Books) -> None:
        packets = await ready(books)
        wins = [books.win(1, packet, 1000 + packet) for packet in packets[:5]]
        await books.append(1, 0, 1, wins[:2])
        await books.append(1, 0, 1, wins[2:])
        bench = Bench(books)
        for _ in range(2):
            await bench.worker.once()
        total = sum(win.fen for win in wins)
        assert money(books) == (5, total, books.rounds[1].budget_fen - total)
        assert offset(books) == Position(1, 2)
        assert books.sql("SELECT used FROM {}.lease") == [(bytes([0b11111, 0, 0]),)]
        assert books.sql("SELECT uid, fen FROM {}.posting ORDER BY uid") == [(win.uid, win.fen) for win in wins]
        assert bench.value("hongbao_credits_total", outcome="posted") == 5
        assert bench.value("hongbao_credited_fen_total") == total
        homes = [(str(tier), area) for tier in TIERS for area in AREAS]
        found = {home: bench.value("hongbao_credits_by_home_total", tier=home[0], area=home[1]) for home in homes}
        who = [traits_of(win.uid) for win in wins]
        assert found == {home: [(str(one.tier), one.area) for one in who].count(home) for home in homes}
        assert bench.value("hongbao_credit_delay_seconds_bucket", le="0.5") == 5
        assert bench.value("hongbao_credit_delay_seconds_bucket", le="0.25") == 0
        await bench.close()

    play(books, body)


def test_two_workers_at_once_post_once(books: Books) -> None:
    async def body(books: Books) -> None:
        packets = await ready(books)
        for packet in packets:
            await books.append(1, 0, 1, [books.win(1, packet, packet)])
        benches = [Bench(books), Bench(books)]
        for bench in benches:
            bench.switches.values["credit.batch_max"] = 3
        while offset(books) < Position(1, 20):
            await asyncio.gather(*(bench.worker.once() for bench in benches))
        assert money(books)[0] == 20
        assert books.sql("SELECT count(DISTINCT packet) FROM {}.posting") == [(20,)]
        assert books.sql("SELECT count(*) FROM {}.duplicate") == [(0,)]
        assert sum(bench.value("hongbao_credits_total", outcome="posted") for bench in benches) == 20
        for bench in benches:
            await bench.close()

    play(books, body)


@pytest.mark.parametrize(
    ("committed", "reached"),
    [
        pytest.param(True, 1, id="COMMIT carried out, its answer lost: the offset says so"),
        pytest.param(False, 0, id="COMMIT never arrived: posted again"),
    ],
)
def test_the_answer_of_a_commit_is_lost(
    books: Books, monkeypatch: pytest.MonkeyPatch, committed: bool, reached: int
) -> None:
    real = worker_module.post

    async def body(books: Books) -> None:
        packets = await ready(books)
        await books.append(1, 0, 1, [books.win(1, packets[0], 5)])
        bench = Bench(books)

        async def losing(conn, step, prepared):  # type: ignore[no-untyped-def]
            done = await real(conn, step, prepared)
            if committed:
                await conn.execute("COMMIT")
            await conn.close()  # the driver finds a dead connection when it wants to commit
            return done

        monkeypatch.setattr(worker_module, "post", losing)
        with pytest.raises(StoreUnknown):
            await bench.worker.once()
        assert offset(books) == Position(reached, reached)
        assert bench.value("hongbao_credits_total", outcome="posted") == 0
        monkeypatch.setattr(worker_module, "post", real)
        for _ in range(3):  # counted by one pass, and by none after it
            await bench.worker.once()
        assert money(books)[0] == 1
        assert bench.value("hongbao_credits_total", outcome="posted") == 1
        await bench.close()

    play(books, body)


def test_a_commit_that_is_carried_out_after_its_link_died_is_counted_once(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server still works on it while the next pass reads the offset: only a batch of our own can rule it out."""
    real = worker_module.post

    async def body(books: Books) -> None:
        packets = await ready(books)
        await books.append(1, 0, 1, [books.win(1, packets[0], 5)])
        bench = Bench(books)
        settings = books.settings()
        late = await connect(
            settings.postgres_url, lane_role("live"), settings.secret, timeout_s=20.0, name="a COMMIT on its way"
        )

        async def dying(conn, step, prepared):  # type: ignore[no-untyped-def]
            await late.execute("BEGIN")
            done = await real(late, step, prepared)
            await conn.close()
            return done

        async def racing(conn, step, prepared):  # type: ignore[no-untyped-def]
            await late.execute("COMMIT")
            return await real(conn, step, prepared)

        monkeypatch.setattr(worker_module, "post", dying)
        with pytest.raises(StoreUnknown):
            await bench.worker.once()
        monkeypatch.setattr(worker_module, "post", racing)
        await bench.worker.once()
        assert money(books)[0] == 1
        monkeypatch.setattr(worker_module, "post", real)
        await bench.worker.once()
        assert bench.value("hongbao_credits_total", outcome="posted") == 1
        await books.append(1, 0, 1, [books.win(1, packets[1], 6)])
        await bench.worker.once()
        assert bench.value("hongbao_credits_total", outcome="posted") == 2
        assert money(books)[0] == 2
        await late.close()
        await bench.close()

    play(books, body)


def poison(books: Books) -> dict[str, tuple[list[Win], list[tuple[int, int, int, str]]]]:
    """Case → wins of one entry behind a sound one (packet 0, user 100), and what stands in suspense."""
    sound, round_ = books.win, books.rounds[1]
    fen = {packet: books.win(1, packet, 0).fen for packet in range(60)}
    return {
        "amount": ([sound(1, 1, 5)._replace(fen=fen[1] + 1)], [(1, 5, fen[1], "amount or sponsor differs")]),
        "sponsor": ([sound(1, 1, 5)._replace(sponsor=1)], [(1, 5, fen[1], "amount or sponsor differs")]),
        "foreign lease": ([sound(1, 25, 5)], [(25, 5, 0, "packet in no lease")]),
        "unleased": ([sound(1, 50, 5)], [(50, 5, 0, "packet in no lease")]),
        "outside": ([Win(round_.packets, 1, 5, START_US, 7, 0)], [(round_.packets, 5, 0, "packet outside")]),
        "other user's packet": ([sound(1, 0, 5)], [(0, 5, 0, "packet already used")]),
        "twice in a batch": ([sound(1, 1, 5), sound(1, 1, 6)], [(1, 6, 0, "packet already used")]),
        "other lane": ([sound(1, 1, 5)._replace(flags=1)], [(1, 5, fen[1], "record of the other lane")]),
        "impossible user": ([sound(1, 1, (1 << 64) - 2)], [(1, -2, fen[1], "impossible user")]),
    }


@pytest.mark.parametrize(
    "case",
    ["amount", "sponsor", "foreign lease", "unleased", "outside", "other user's packet", "twice in a batch",
     "other lane", "impossible user"],
)  # fmt: skip
def test_poison_goes_to_suspense_and_the_rest_goes_on(books: Books, case: str) -> None:
    async def body(books: Books) -> None:
        packets = await ready(books)
        await books.epoch(1, 1, 1)
        books.lease(1, 1, 1, 1, 20)  # packets 20 to 39 are another front's
        await books.append(1, 0, 1, [books.win(1, packets[0], 100)])
        bench = Bench(books)
        await bench.worker.once()
        wins, expected = poison(books)[case]
        await books.append(1, 0, 1, [books.win(1, 10, 110), *wins, books.win(1, 11, 111)])
        await bench.worker.once()
        found = suspense(books)
        assert len(found) == len(expected)
        for row, (packet, uid, held, reason) in zip(found, expected, strict=True):
            assert row[:3] == (packet, uid, held)
            assert row[3].startswith(reason)
        users = {row[0] for row in books.sql("SELECT uid FROM {}.posting")}
        assert {100, 110, 111} <= users
        count, fen, budget = money(books)
        held = sum(row[2] for row in found)
        assert fen + held + budget == books.rounds[1].budget_fen
        assert books.sql("SELECT sum(fen)::bigint FROM {}.entry")[0][0] == -fen - held
        bits = sum(bin(byte).count("1") for row in books.sql("SELECT used FROM {}.lease") for byte in row[0])
        assert bits == count + sum(row[2] > 0 for row in found)
        assert bench.value("hongbao_credits_total", outcome="suspense") == len(expected)
        assert bench.value("hongbao_suspense_fen_total") == held
        await bench.close()

    play(books, body)


def test_the_same_win_again_is_ignored_and_counted(books: Books) -> None:
    async def body(books: Books) -> None:
        packets = await ready(books)
        first, second = books.win(1, packets[0], 100), books.win(1, packets[1], 101)
        await books.append(1, 0, 1, [first])
        bench = Bench(books)
        await bench.worker.once()
        await books.epoch(1, 0, 2)
        await books.append(1, 0, 2, [first, second, second])
        await bench.worker.once()
        assert money(books)[0] == 2
        assert suspense(books) == []
        assert books.sql("SELECT packet, uid FROM {}.duplicate ORDER BY packet") == [(0, 100), (1, 101)]
        assert bench.value("hongbao_credits_total", outcome="duplicate") == 2
        await bench.close()

    play(books, body)


async def _gap(books: Books) -> None:
    books.entry(1, 0, 1, [books.win(1, 1, 5)])
    stored = books.entry(1, 0, 1, [books.win(1, 2, 6)])
    await books.plant(1, 0, stored.at, stored.entry)


async def _damaged(books: Books) -> None:
    stored = books.entry(1, 0, 1, [books.win(1, 1, 5)])
    await books.plant(1, 0, stored.at, stored.entry[:-1] + bytes([stored.entry[-1] ^ 1]))


async def _newer_epoch_from_two(books: Books) -> None:
    await books.epoch(1, 0, 2)
    books.entry(1, 0, 2, [books.win(1, 1, 5)])
    stored = books.entry(1, 0, 2, [books.win(1, 2, 6)])
    await books.plant(1, 0, stored.at, stored.entry)


async def _other_round(books: Books) -> None:
    books.add_round(2)
    await books.epoch(2, 0, 1)
    books.sequences[2, 0, 1] = 1
    stored = books.entry(2, 0, 1, [books.win(2, 1, 5)])
    await books.plant(1, 0, stored.at, stored.entry)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        pytest.param(_gap, "gap: entry 1-3 follows 1-1", id="an entry is missing"),
        pytest.param(_damaged, "damaged: entry 1-2: checksum", id="a byte is damaged"),
        pytest.param(_newer_epoch_from_two, "gap: entry 2-2 follows 1-1", id="a newer epoch does not start at 1"),
        pytest.param(_other_round, "foreign: entry 1-2 says lane live, round 2", id="an entry of another round"),
    ],
)
def test_an_unsound_stream_is_stopped_never_skipped(books: Books, harm: Play, reason: str) -> None:
    async def body(books: Books) -> None:
        packets = await ready(books)
        await books.epoch(1, 1, 1)
        other = books.lease(1, 1, 1, 1, 20)
        await books.append(1, 0, 1, [books.win(1, packets[0], 100)])
        await harm(books)
        bench = Bench(books)
        await bench.worker.once()
        await books.append(1, 1, 1, [books.win(1, other[0], 7)])  # the other stream goes on
        await bench.worker.once()
        ((why,),) = books.sql("SELECT stopped FROM {}.stream WHERE round = 1 AND front = 0")
        assert why.startswith(reason)
        assert [row[0] for row in books.sql("SELECT uid FROM {}.posting ORDER BY uid")] == [7, 100]
        assert offset(books) == Position(1, 1)
        assert bench.value("hongbao_credit_stopped_streams") == 1
        await bench.close()

    play(books, body)


def test_an_older_epoch_may_end_anywhere(books: Books) -> None:
    async def body(books: Books) -> None:
        packets = await ready(books)
        for packet in packets[:3]:
            await books.append(1, 0, 1, [books.win(1, packet, packet)])
        bench = Bench(books)
        await bench.worker.once()
        await books.store.command("XTRIM", books.log(1, 0).key, "MAXLEN", 1)  # the log's beginning is lost
        await books.epoch(1, 0, 3)
        await books.append(1, 0, 3, [books.win(1, packets[4], 4)])
        await bench.worker.once()
        assert money(books)[0] == 4
        assert offset(books) == Position(3, 1)
        await bench.close()

    play(books, body)


def test_a_stream_whose_batch_always_fails_does_not_starve_the_others(books: Books) -> None:
    async def body(books: Books) -> None:
        packets = await ready(books)
        await books.epoch(1, 1, 1)
        other = books.lease(1, 1, 1, 1, 20)
        await books.append(1, 0, 1, [books.win(1, packets[0], 666)])
        await books.append(1, 1, 1, [books.win(1, other[0], 7)])
        books.sql("ALTER TABLE {}.posting ADD CONSTRAINT never CHECK (uid <> 666)")
        bench = Bench(books)
        try:
            for _ in range(2):
                with contextlib.suppress(StoreRefused):
                    await bench.worker.once()
            assert books.sql("SELECT uid FROM {}.posting") == [(7,)]
            assert offset(books) == Position(0, 0)
        finally:
            books.sql("ALTER TABLE {}.posting DROP CONSTRAINT never")
        await bench.worker.once()
        assert money(books)[0] == 2
        await bench.close()

    play(books, body)


def test_a_closed_round_refuses(books: Books) -> None:
    async def body(books: Books) -> None:
        packets = await ready(books)
        bench = Bench(books)
        streams = await bench.worker._streams()
        await books.append(1, 0, 1, [books.win(1, packets[0], 1)])
        books.close_round(1)
        reached, drained = await bench.worker._drain(streams[0])
        assert (reached, drained) == (Position(0, 0), False)
        assert money(books)[0] == 0
        await bench.close()

    play(books, body)


def test_entries_read_before_a_new_epoch_are_not_posted(books: Books) -> None:
    async def body(books: Books) -> None:
        packets = await ready(books)
        await books.append(1, 0, 1, [books.win(1, packets[0], 1)])
        bench = Bench(books)
        streams = await bench.worker._streams()
        await books.epoch(1, 0, 2)
        reached, drained = await bench.worker._drain(streams[0])
        assert (reached, drained) == (Position(0, 0), False)
        assert money(books)[0] == 0
        await bench.worker.once()
        assert money(books)[0] == 1
        await bench.close()

    play(books, body)


def test_paused_it_posts_nothing_and_shows_the_backlog(books: Books) -> None:
    async def body(books: Books) -> None:
        packets = await ready(books)
        for packet in packets[:3]:
            await books.append(1, 0, 1, [books.win(1, packet, packet)])
        bench = Bench(books)
        bench.switches.take({"switches": {"credit.pause": 1, "draw.award": 1}})
        await bench.worker.once()
        assert money(books)[0] == 0
        assert bench.value("hongbao_stream_lag_entries") == 3
        assert bench.value("hongbao_stream_oldest_age_seconds") > 3600
        other = "stress" if books.lane == "live" else "live"
        bench.switches.take({"switches": {"credit.pause": 1}, "lanes": {books.lane: {"credit.pause": 0}, other: {}}})
        await bench.worker.once()
        assert money(books)[0] == 3
        assert bench.value("hongbao_stream_lag_entries") == 0
        assert bench.value("hongbao_stream_oldest_age_seconds") == 0
        await bench.close()

    play(books, body)


def test_it_goes_on_when_a_store_was_away(own_postgres: PostgresServer, valkey_server: ValkeyServer) -> None:
    url = own_postgres.create_database("ledger")
    asyncio.run(migrate(url, SECRET))

    async def body(books: Books) -> None:
        packets = await ready(books)
        bench = Bench(books)
        running = asyncio.ensure_future(bench.worker.run())
        try:
            await books.append(1, 0, 1, [books.win(1, packets[2], 2)])
            await asyncio.to_thread(wait_until, lambda: offset(books) == Position(1, 1), 60, "credit")
            for restarted, packet in ((own_postgres, 0), (valkey_server, 1)):
                # In this thread: a store dies with the thread that started it.
                restarted.restart(kill=restarted is valkey_server)
                await books.reconnect()
                epoch = packet + 2
                await books.epoch(1, 0, epoch)
                await books.append(1, 0, epoch, [books.win(1, packets[packet], packet)])
                await asyncio.to_thread(wait_until, lambda at=epoch: offset(books) == Position(at, 1), 60, "credit")
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        assert money(books)[0] == 3
        assert bench.value("hongbao_credit_errors_total") >= 1

    play(Books(url, valkey_server.url), body)
