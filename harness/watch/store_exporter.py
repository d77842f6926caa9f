"""`python -m harness.watch.store_exporter --port N`: Valkey and PostgreSQL for Prometheus, read at each scrape alone.

One INFO and one SELECT a scrape, on one connection each. A store that does not answer in time is down: its figures are
absent, and old ones are never repeated. Addresses come from XIU_VALKEY_URL and XIU_POSTGRES_URL. Writes nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from typing import Any, Protocol

import psycopg
import valkey
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from harness.secrets import scrubbed
from system.contract.itself import tell_of_itself
from system.contract.metrics import METRICS, STORES
from system.contract.web import application as answering
from system.contract.web import serve

DEADLINE_S = 0.6
"""Seconds for both together, because a scrape waits for one second."""
FRESH_S = 0.3
"""Seconds; of two scrapers at once only one query reaches a store."""
SECTIONS = ("clients", "memory", "persistence", "stats", "debug")
SESSION = "-c statement_timeout=500 -c lock_timeout=100 -c default_transaction_read_only=on"
KEPT_ALIVE = {"keepalives_idle": 2, "keepalives_interval": 1, "keepalives_count": 2, "tcp_user_timeout": 3000}
CHECKPOINTS = {
    # The views changed in version 17.
    True: "num_timed, num_requested, write_time, sync_time FROM pg_stat_checkpointer",
    False: "checkpoints_timed, checkpoints_req, checkpoint_write_time, checkpoint_sync_time FROM pg_stat_bgwriter",
}
POSTGRES_SQL = """
SELECT active, idle, waiting_client, sessions - active - idle - waiting_client, highest, xact_commit, xact_rollback,
       deadlocks, wal_bytes, granted, waiting, c.*
FROM (SELECT count(*) FILTER (WHERE state = 'active') AS active, count(*) FILTER (WHERE state = 'idle') AS idle,
             count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS waiting_client, count(*) AS sessions
      FROM pg_stat_activity WHERE backend_type = 'client backend') a,
     (SELECT current_setting('max_connections')::int AS highest) s,
     (SELECT xact_commit, xact_rollback, deadlocks FROM pg_stat_database WHERE datname = current_database()) d,
     (SELECT wal_bytes FROM pg_stat_wal) w,
     (SELECT count(*) FILTER (WHERE granted) AS granted, count(*) FILTER (WHERE NOT granted) AS waiting
      FROM pg_locks) l,
     (SELECT {checkpoints}) c
"""
Figures = dict[tuple[str, tuple[str, ...]], float]
"""(metric, values of its labels) → figure."""
log = logging.getLogger("xiu.stores")
_CATALOGUE = {metric.name: metric for metric in METRICS if "stores" in metric.process}


class StoreClient(Protocol):
    """A store as the exporter knows it."""

    def ask(self) -> Figures:
        """Its figures now; may hang, and may raise anything its driver raises."""

    def close(self) -> None:
        """Lets the connection go."""


class ValkeyClient:
    """Valkey, by INFO."""

    def __init__(self, url: str) -> None:
        options = {"socket_timeout": DEADLINE_S, "socket_connect_timeout": DEADLINE_S, "decode_responses": True}
        address = url.replace("redis://", "valkey://", 1)
        self._client = valkey.Valkey.from_url(address, client_name="xiu-stores", **options)

    def ask(self) -> Figures:
        """See `StoreClient`."""
        info: Mapping[str, Any] = self._client.info(*SECTIONS)  # type: ignore[assignment, arg-type]
        found = {
            "hongbao_valkey_memory_bytes": info["used_memory"],
            "hongbao_valkey_clients": info["connected_clients"],
            "hongbao_valkey_commands_total": info["total_commands_processed"],
            "hongbao_valkey_rejected_connections_total": info["rejected_connections"],
            "hongbao_valkey_aof_pending_fsyncs": info.get("aof_pending_bio_fsync"),
            "hongbao_valkey_aof_delayed_fsyncs_total": info.get("aof_delayed_fsync"),
            "hongbao_valkey_aof_bytes": info.get("aof_current_size"),
            "hongbao_valkey_eventloop_cycles_total": info.get("eventloop_cycles"),
        }
        if (spent_us := info.get("eventloop_duration_aof_sum")) is not None:
            found["hongbao_valkey_aof_seconds_total"] = spent_us / 1e6
        if (status := info.get("aof_last_write_status")) is not None:
            found["hongbao_valkey_aof_write_failed"] = float(status != "ok")
        return {(name, ()): float(value) for name, value in found.items() if value is not None}

    def close(self) -> None:
        """See `StoreClient`."""
        self._client.close()  # type: ignore[no-untyped-call]


class PostgresClient:
    """PostgreSQL, by its statistics views, in a read-only session with time-outs of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def _connected(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._url,
                autocommit=True,
                application_name="xiu-stores",
                connect_timeout=2,
                options=SESSION,
                **KEPT_ALIVE,  # type: ignore[arg-type]
            )
        return self._connection

    def ask(self) -> Figures:
        """See `StoreClient`."""
        try:
            connection = self._connected()
            views = CHECKPOINTS[connection.info.server_version >= 170_000]
            row = connection.execute(POSTGRES_SQL.format(checkpoints=views).encode()).fetchone()
        except psycopg.Error:
            self.close()
            raise
        if row is None:
            raise LookupError("the statistics have no row of this database")
        keys = [
            *(("hongbao_postgres_sessions", (state,)) for state in ("active", "idle", "in_transaction", "other")),
            ("hongbao_postgres_sessions_limit", ()),
            *(("hongbao_postgres_transactions_total", (end,)) for end in ("commit", "rollback")),
            ("hongbao_postgres_deadlocks_total", ()),
            ("hongbao_postgres_wal_bytes_total", ()),
            *(("hongbao_postgres_locks", (state,)) for state in ("held", "waited_for")),
            *(("hongbao_postgres_checkpoints_total", (kind,)) for kind in ("timed", "requested")),
            *(("hongbao_postgres_checkpoint_seconds_total", (what,)) for what in ("write", "sync")),
        ]
        found = {key: float(value) for key, value in zip(keys, row, strict=True)}
        for what in ("write", "sync"):
            found["hongbao_postgres_checkpoint_seconds_total", (what,)] /= 1_000
        return found

    def close(self) -> None:
        """See `StoreClient`."""
        if self._connection is not None:
            self._connection.close()


class StoreReader:
    """Reads one store with a deadline. One query at a time: a query that hangs is not joined by others."""

    def __init__(self, store: str, asked: StoreClient) -> None:
        self.store = store
        self._asked = asked
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=store)
        self._pending: Future[Figures] | None = None
        self._was_up: bool | None = None

    def begin(self) -> None:
        """Sends the query, unless the last one still hangs."""
        if self._pending is None:
            self._pending = self._thread.submit(self._asked.ask)

    def end(self, until: float) -> Figures | None:
        """The answer, None if there is none until that moment (`time.monotonic`). A late answer is thrown away."""
        pending = self._pending
        if pending is None:
            return None
        try:
            found: Figures | None = pending.result(max(0.0, until - time.monotonic()))
        except NotInTime:
            found, why = None, f"no answer within {DEADLINE_S:g} s"
        except Exception as exc:
            found, why = None, scrubbed(" ".join(str(exc).split())[:200]) or type(exc).__name__
        else:
            why = "answers"
        if pending.done():
            self._pending = None
        else:
            pending.add_done_callback(lambda _: setattr(self, "_pending", None))
        if (found is not None) is not self._was_up:
            self._was_up = found is not None
            log.info("%s: %s", self.store, why)
        return found


class Stores(Collector):
    """Both stores' families. A store that is down has `hongbao_store_up` 0 and no other figure."""

    def __init__(self, looks: tuple[StoreReader, ...]) -> None:
        self._looks = looks
        self._lock = threading.Lock()
        self._last: tuple[float, dict[str, Figures | None]] = (-1e9, {})

    def describe(self) -> Iterator[Metric]:
        """Nothing at registration: no store is asked then."""
        return iter(())

    def _found(self) -> dict[str, Figures | None]:
        with self._lock:
            now = time.monotonic()
            at, found = self._last
            if now - at > FRESH_S:
                for look in self._looks:
                    look.begin()
                found = {look.store: look.end(now + DEADLINE_S) for look in self._looks}
                self._last = time.monotonic(), found
            return found

    def collect(self) -> Iterator[Metric]:
        """All families as the stores tell them now."""
        found = self._found()
        figures: Figures = {("hongbao_store_up", (store,)): float(read is not None) for store, read in found.items()}
        for read in found.values():
            figures |= read or {}
        for name, metric in _CATALOGUE.items():
            rows = {labels: value for (of, labels), value in figures.items() if of == name}
            kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            family = kind(name, metric.help, labels=metric.labels)
            for labels, value in rows.items():
                family.add_metric(labels, value)
            if rows:
                yield family


def application(stores: Mapping[str, StoreClient]) -> web.Application:
    """/metrics, and /healthz and /readyz, which ask no store: the exporter is there when a store is not."""
    registry = CollectorRegistry()
    registry.register(Stores(tuple(StoreReader(store, asked) for store, asked in stores.items())))
    tell_of_itself(registry, "drill")

    async def metrics(_: web.Request) -> web.Response:
        body = await asyncio.to_thread(generate_latest, registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def alive(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    app = answering()
    app.add_routes([web.get("/metrics", metrics), web.get("/healthz", alive), web.get("/readyz", alive)])
    return app


MAKE: Mapping[str, tuple[str, Callable[[str], StoreClient]]] = {
    "valkey": ("XIU_VALKEY_URL", ValkeyClient),
    "postgres": ("XIU_POSTGRES_URL", PostgresClient),
}
assert tuple(MAKE) == STORES


def main(argv: list[str] | None = None) -> int:
    """Serves on loopback until SIGTERM. Exit code 2 without a store to look at."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    stores = {store: make(os.environ[name]) for store, (name, make) in MAKE.items() if os.environ.get(name)}
    if not stores:
        print("store exporter: neither XIU_VALKEY_URL nor XIU_POSTGRES_URL is set", file=sys.stderr)
        return 2
    asyncio.run(serve(application(stores), ("127.0.0.1", args.port)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
