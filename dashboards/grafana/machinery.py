"""The lower part of the SRE's dashboard: the stores, what every process uses of the machine, what it was built from.

Owns its panels alone; `live.py` places them.
"""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.grafana.pieces import GREEN, RED, Ask, Panel, Tile, Word, lines, states

RATE = "[$__rate_interval]"
UP = {"1": Word("✓ answers", GREEN), "0": Word("✕ down", RED)}


def stores() -> Iterator[Panel]:
    """Valkey and PostgreSQL as they tell it themselves, past the proxies."""
    yield from _valkey()
    yield from _postgres()


def _valkey() -> Iterator[Panel]:
    yield states(
        Tile("Stores", "Down: no answer within 0.6 s, so every figure of it is missing, too.", "none", 6),
        Ask("max by (store) (hongbao_store_up)", "{{store}}"),
        words=UP,
    )
    yield lines(
        Tile(
            "Valkey: writing to the disk, a turn",
            "Mean time of the event loop's turns for the append-only file: each answered win waits for one.",
            "s",
            6,
        ),
        Ask(
            f"sum(rate(hongbao_valkey_aof_seconds_total{RATE})) "
            f"/ (sum(rate(hongbao_valkey_eventloop_cycles_total{RATE})) > 0)",
            "a turn",
        ),
        objective=0.02,
    )
    yield lines(
        Tile(
            "Valkey: memory and append-only file",
            "Both go down only after a rewrite, or with closed rounds.",
            "bytes",
            6,
        ),
        Ask("sum(hongbao_valkey_memory_bytes)", "memory"),
        Ask("sum(hongbao_valkey_aof_bytes)", "append-only file"),
    )
    yield lines(
        Tile("Valkey: commands", "With the exporter's own, one a second.", "ops", 6),
        Ask(f"sum(rate(hongbao_valkey_commands_total{RATE}))", "commands"),
        Ask(f"sum(rate(hongbao_valkey_rejected_connections_total{RATE}))", "connections refused"),
    )
    yield lines(
        Tile(
            "Valkey: clients, syncs that wait", "A write that failed, or a sync that waits, holds up wins.", "short", 6
        ),
        Ask("sum(hongbao_valkey_clients)", "clients"),
        Ask("sum(hongbao_valkey_aof_pending_fsyncs)", "syncs waiting"),
        Ask(f"sum(increase(hongbao_valkey_aof_delayed_fsyncs_total{RATE}))", "writes delayed by a sync"),
        Ask("max(hongbao_valkey_aof_write_failed)", "last write failed"),
    )


def _postgres() -> Iterator[Panel]:
    yield lines(
        Tile("PostgreSQL: sessions", "Of clients, by state; at the limit nobody gets another one.", "short", 6),
        Ask("sum by (state) (hongbao_postgres_sessions)", "{{state}}"),
        Ask("max(hongbao_postgres_sessions_limit)", "limit"),
    )
    yield lines(
        Tile("PostgreSQL: transactions", "Of the ledger's database; each posted batch is a commit.", "ops", 6),
        Ask(f"sum by (end) (rate(hongbao_postgres_transactions_total{RATE}))", "{{end}}"),
        Ask(f"sum(rate(hongbao_postgres_deadlocks_total{RATE}))", "deadlocks"),
    )
    yield lines(
        Tile("PostgreSQL: written ahead", "Bytes a second; all must be on the disk before a commit answers.", "Bps", 6),
        Ask(f"sum(rate(hongbao_postgres_wal_bytes_total{RATE}))", "write-ahead log"),
    )
    yield lines(
        Tile("PostgreSQL: locks", "Waited for: a session stands behind another.", "short", 6),
        Ask("sum by (state) (hongbao_postgres_locks)", "{{state}}"),
    )
    yield lines(
        Tile("PostgreSQL: checkpoints", "Requested ones mean that the log grows too fast for its limit.", "short", 6),
        Ask(f"sum by (kind) (increase(hongbao_postgres_checkpoints_total{RATE}))", "{{kind}}"),
    )
    yield lines(
        Tile(
            "PostgreSQL: time in checkpoints",
            "Share of the time; write is spread out, sync holds up others.",
            "percentunit",
            6,
        ),
        Ask(f"sum by (what) (rate(hongbao_postgres_checkpoint_seconds_total{RATE}))", "{{what}}"),
    )


def processes() -> Iterator[Panel]:
    """CPU, memory, files and build of every process that tells of itself."""
    yield lines(
        Tile("CPU of each process", "Of one core; user and system together.", "percentunit", 6),
        Ask(f"sum by (part) (rate(process_cpu_seconds_total{RATE}))", "{{part}}"),
    )
    yield lines(
        Tile("Memory of each process", "Resident; one that only ever grows is a leak.", "bytes", 6),
        Ask("max by (part) (process_resident_memory_bytes)", "{{part}}"),
    )
    yield lines(
        Tile(
            "Open files of each process",
            "Share of its own limit; at the line it soon accepts nobody.",
            "percentunit",
            6,
        ),
        Ask("max by (part) (process_open_fds) / (max by (part) (process_max_fds) > 0)", "{{part}}"),
        objective=0.9,
    )
    yield states(
        Tile("Builds", "Processes of each version and commit: more than one row is a mixture.", "none", 6, 8),
        Ask("count by (version, commit, python) (hongbao_build_info)", "system {{version}} {{commit}} {{python}}"),
        Ask("count by (version, commit, python) (drill_build_info)", "harness {{version}} {{commit}} {{python}}"),
    )
