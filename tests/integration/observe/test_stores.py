"""The stores' exporter on a real Valkey and PostgreSQL: what it tells is true, and nothing outlives its store."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
import valkey
from prometheus_client import CollectorRegistry

from harness.watch.store_exporter import DEADLINE_S, Figures, PostgresClient, StoreReader, Stores, ValkeyClient, main
from system.contract.metrics import METRICS
from tests.support.stores import PostgresServer, ValkeyServer, wait_until

Told = dict[tuple[str, frozenset[tuple[str, str]]], float]
CATALOGUE = {metric.name: metric for metric in METRICS if "stores" in metric.process}


class Scraped:
    """The collector as Prometheus sees it; no answer is used twice."""

    def __init__(self, valkey_url: str, postgres_url: str) -> None:
        self.asked = {"valkey": ValkeyClient(valkey_url), "postgres": PostgresClient(postgres_url)}
        looks = tuple(StoreReader(store, asked) for store, asked in self.asked.items())
        self.registry = CollectorRegistry(auto_describe=False)
        self.stores = Stores(looks)
        self.registry.register(self.stores)

    def __call__(self) -> Told:
        self.stores._last = (-1e9, {})
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.registry.collect()
            for sample in family.samples
        }

    def whole(self) -> Told:
        """As soon as both answer in time: other tests keep the machine busy."""
        told: Told = {}

        def both() -> bool:
            told.clear()
            told.update(self())
            return up(told, "valkey") == up(told, "postgres") == 1

        wait_until(both, 20, "both stores answer")
        return told


@pytest.fixture
def scraped(valkey_server: ValkeyServer, postgres_dsn: str) -> Iterator[Scraped]:
    made = Scraped(valkey_server.url, postgres_dsn)
    yield made
    for asked in made.asked.values():
        asked.close()


def one(told: Told, name: str, **labels: str) -> float:
    return told[name, frozenset(labels.items())]


def up(told: Told, store: str) -> float:
    return one(told, "hongbao_store_up", store=store)


def test_every_family_of_the_catalogue_with_its_labels_is_told(scraped: Scraped) -> None:
    told = scraped.whole()
    for name, metric in CATALOGUE.items():
        labels = [dict(found) for (of, found) in told if of == name]
        assert labels, name
        assert {tuple(sorted(each)) for each in labels} == {tuple(sorted(metric.labels))}, name
    assert {name for name, _ in told} == set(CATALOGUE)


def test_the_figures_are_those_of_the_stores(scraped: Scraped, valkey_server: ValkeyServer, postgres_dsn: str) -> None:
    before = scraped.whole()
    with valkey.Valkey.from_url(valkey_server.url) as client, psycopg.connect(postgres_dsn, autocommit=True) as ledger:
        for k in range(50):
            client.xadd("observed", {"k": k})
        ledger.execute("CREATE TABLE observed (k int)")
        for _ in range(20):
            ledger.execute("INSERT INTO observed SELECT generate_series(1, 1000)")
        ledger.execute("SELECT pg_stat_force_next_flush()")
        ledger.execute("CHECKPOINT")
        after = scraped.whole()
        # Of Valkey's own list: who left a moment before may still stand on it.
        wait_until(
            lambda: one(scraped.whole(), "hongbao_valkey_clients") == len(client.client_list()) >= 2, 20, "clients"
        )
        with psycopg.connect(postgres_dsn) as holder, psycopg.connect(postgres_dsn) as waiter:
            holder.execute("LOCK TABLE observed")
            waiter.execute("SET lock_timeout = '20s'")
            asks = threading.Thread(target=waiter.execute, args=("LOCK TABLE observed",))
            asks.start()
            wait_until(
                lambda: one(scraped.whole(), "hongbao_postgres_locks", state="waited_for") == 1,
                20,
                "the lock waited for",
            )
            told = scraped.whole()
            assert one(told, "hongbao_postgres_sessions", state="in_transaction") >= 1
            assert one(told, "hongbao_postgres_sessions", state="active") >= 1
            holder.rollback()
            asks.join(10)
            assert not asks.is_alive()

    def grew(name: str, **labels: str) -> float:
        return one(after, name, **labels) - one(before, name, **labels)

    assert 50 <= grew("hongbao_valkey_commands_total") < 100
    assert grew("hongbao_valkey_aof_bytes") > 0
    assert 0 < grew("hongbao_valkey_aof_seconds_total") < 20
    assert grew("hongbao_valkey_eventloop_cycles_total") >= 50
    assert 21 <= grew("hongbao_postgres_transactions_total", end="commit") < 60
    assert grew("hongbao_postgres_wal_bytes_total") > 20_000 * 30
    key = "hongbao_postgres_checkpoints_total"
    # Its own process tells it, when it gets to it.
    wait_until(
        lambda: one(scraped.whole(), key, kind="requested") > one(before, key, kind="requested"), 20, "the checkpoint"
    )
    assert one(after, "hongbao_postgres_sessions_limit") == 50


def test_it_cannot_write_into_the_ledger(postgres_dsn: str) -> None:
    asked = PostgresClient(postgres_dsn)
    asked.ask()
    assert asked._connection is not None
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        asked._connection.execute("CREATE TABLE observed (k int)")
    asked.close()


@pytest.mark.parametrize("store", ["valkey", "postgres"])
def test_a_store_that_hangs_or_is_dead_tells_nothing_of_before_and_the_other_goes_on(
    scraped: Scraped, valkey_server: ValkeyServer, postgres_server: PostgresServer, store: str
) -> None:
    server = valkey_server if store == "valkey" else postgres_server
    other = "postgres" if store == "valkey" else "valkey"
    scraped.whole()
    if store == "valkey":
        server.freeze()
        try:
            took, others = [DEADLINE_S * 2], [0.0]
            until = time.monotonic() + 30
            # On a busy machine a scrape may be late, or the other store: not for ever.
            while (min(took) >= DEADLINE_S + 0.3 or 1 not in others) and time.monotonic() < until:
                began = time.monotonic()
                told = scraped()
                took.append(time.monotonic() - began)
                others.append(up(told, other))
                assert up(told, store) == 0
                assert not [name for name, _ in told if name.startswith(f"hongbao_{store}_")]
            assert min(took) < DEADLINE_S + 0.3, "a scrape waits for a second"
            assert 1 in others
        finally:
            server.thaw()
        wait_until(lambda: up(scraped(), store) == 1, 20, "back")
    server.restart(kill=True)
    wait_until(lambda: up(scraped(), store) == 1, 20, "back after its restart")
    assert up(scraped.whole(), other) == 1


def test_a_question_that_hangs_is_put_once_and_its_late_answer_is_thrown_away() -> None:
    class Hanging:
        def __init__(self) -> None:
            self.asked, self.go = 0, threading.Event()

        def ask(self) -> Figures:
            self.asked += 1
            wait_until(self.go.is_set, 20, "let go")
            return {("hongbao_valkey_clients", ()): float(self.asked)}

        def close(self) -> None:
            """Nothing to let go."""

    store = Hanging()
    look = StoreReader("valkey", store)
    for _ in range(3):
        look.begin()
        assert look.end(time.monotonic() + 0.02) is None
    wait_until(lambda: store.asked > 0, 20, "its thread runs")
    assert store.asked == 1
    store.go.set()
    wait_until(lambda: look._pending is None, 20, "the late answer")
    look.begin()
    assert look.end(time.monotonic() + 20) == {("hongbao_valkey_clients", ()): 2.0}


def test_without_a_store_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("XIU_VALKEY_URL", "XIU_POSTGRES_URL"):
        monkeypatch.delenv(name, raising=False)
    assert main(["--port", "1"]) == 2
    assert "neither XIU_VALKEY_URL nor XIU_POSTGRES_URL" in capsys.readouterr().err
