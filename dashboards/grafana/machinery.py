"""Panels of the machinery, for any dashboard with a variable `lane`: inside the processes, the stores, the machine.

Owns the panels alone; a dashboard places them.
"""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.grafana.pieces import GREEN, RED, Panel, PanelQuery, StateText, Tile, lines, states

TAPS, RATE = 'lane=~"$lane"', "[$__rate_interval]"
UP = {"1": StateText("✓ answers", GREEN), "0": StateText("✕ down", RED)}


def p99(metric: str, by: str = "le", where: str = "") -> str:
    """The p99 of a histogram over Grafana's rate window, in its own unit."""
    return f"histogram_quantile(0.99, sum by ({by}) (rate({metric}_bucket{{{where}}}{RATE})))"


def stores() -> Iterator[Panel]:
    """Valkey and PostgreSQL by their own figures, past the proxies."""
    yield from _valkey()
    yield from _postgres()


def _valkey() -> Iterator[Panel]:
    yield states(
        Tile("Stores", "Down: no answer within 0.6 s, so every figure of it is missing, too.", "none", 6),
        PanelQuery("max by (store) (hongbao_store_up)", "{{store}}"),
        words=UP,
    )
    yield lines(
        Tile(
            "Valkey: writing to the disk, a turn",
            "Mean time of the event loop's turns for the append-only file: each answered win waits for one.",
            "s",
            6,
        ),
        PanelQuery(
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
        PanelQuery("sum(hongbao_valkey_memory_bytes)", "memory"),
        PanelQuery("sum(hongbao_valkey_aof_bytes)", "append-only file"),
    )
    yield lines(
        Tile("Valkey: commands", "With the exporter's own, one a second.", "ops", 6),
        PanelQuery(f"sum(rate(hongbao_valkey_commands_total{RATE}))", "commands"),
        PanelQuery(f"sum(rate(hongbao_valkey_rejected_connections_total{RATE}))", "connections refused"),
    )
    yield lines(
        Tile(
            "Valkey: clients, syncs that wait", "A write that failed, or a sync that waits, holds up wins.", "short", 6
        ),
        PanelQuery("sum(hongbao_valkey_clients)", "clients"),
        PanelQuery("sum(hongbao_valkey_aof_pending_fsyncs)", "syncs waiting"),
        PanelQuery(f"sum(increase(hongbao_valkey_aof_delayed_fsyncs_total{RATE}))", "writes delayed by a sync"),
        PanelQuery("max(hongbao_valkey_aof_write_failed)", "last write failed"),
    )


def _postgres() -> Iterator[Panel]:
    yield lines(
        Tile("PostgreSQL: sessions", "Of clients, by state; at the limit nobody gets another one.", "short", 6),
        PanelQuery("sum by (state) (hongbao_postgres_sessions)", "{{state}}"),
        PanelQuery("max(hongbao_postgres_sessions_limit)", "limit"),
    )
    yield lines(
        Tile("PostgreSQL: transactions", "Of the ledger's database; each posted batch is a commit.", "ops", 6),
        PanelQuery(f"sum by (end) (rate(hongbao_postgres_transactions_total{RATE}))", "{{end}}"),
        PanelQuery(f"sum(rate(hongbao_postgres_deadlocks_total{RATE}))", "deadlocks"),
    )
    yield lines(
        Tile("PostgreSQL: written ahead", "Bytes a second; all must be on the disk before a commit answers.", "Bps", 6),
        PanelQuery(f"sum(rate(hongbao_postgres_wal_bytes_total{RATE}))", "write-ahead log"),
    )
    yield lines(
        Tile("PostgreSQL: locks", "Waited for: a session stands behind another.", "short", 6),
        PanelQuery("sum by (state) (hongbao_postgres_locks)", "{{state}}"),
    )
    yield lines(
        Tile("PostgreSQL: checkpoints", "Requested ones mean that the log grows too fast for its limit.", "short", 6),
        PanelQuery(f"sum by (kind) (increase(hongbao_postgres_checkpoints_total{RATE}))", "{{kind}}"),
    )
    yield lines(
        Tile(
            "PostgreSQL: time in checkpoints",
            "Share of the time; write is spread out, sync holds up others.",
            "percentunit",
            6,
        ),
        PanelQuery(f"sum by (what) (rate(hongbao_postgres_checkpoint_seconds_total{RATE}))", "{{what}}"),
    )


def processes() -> Iterator[Panel]:
    """CPU, memory, files and build of every process that exports them."""
    yield lines(
        Tile("CPU of each process", "Of one core; user and system together.", "percentunit", 6),
        PanelQuery(f"sum by (part) (rate(process_cpu_seconds_total{RATE}))", "{{part}}"),
    )
    yield lines(
        Tile("Memory of each process", "Resident; one that only ever grows is a leak.", "bytes", 6),
        PanelQuery("max by (part) (process_resident_memory_bytes)", "{{part}}"),
    )
    yield lines(
        Tile(
            "Open files of each process",
            "Share of its own limit; at the line it soon accepts nobody.",
            "percentunit",
            6,
        ),
        PanelQuery("max by (part) (process_open_fds) / (max by (part) (process_max_fds) > 0)", "{{part}}"),
        objective=0.9,
    )
    yield states(
        Tile("Builds", "Processes of each version and commit: more than one row is a mixture.", "none", 6, 8),
        PanelQuery(
            "count by (version, commit, python) (hongbao_build_info)", "system {{version}} {{commit}} {{python}}"
        ),
        PanelQuery(
            "count by (version, commit, python) (drill_build_info)", "harness {{version}} {{commit}} {{python}}"
        ),
    )


def inside() -> Iterator[Panel]:
    """What fronts, credit and control export about their own work."""
    yield lines(
        Tile(
            "Switches not yet the same everywhere",
            "Largest difference between processes: back to 0 once all have it.",
            "short",
        ),
        PanelQuery("max by (key, lane) (hongbao_switch) - min by (key, lane) (hongbao_switch)", "{{key}} · {{lane}}"),
    )
    yield lines(
        Tile("Stands still", "Awards without a verdict, rounds blocked, streams stopped, closes that wait.", "short"),
        PanelQuery(f"sum(hongbao_pending_awards{{{TAPS}}})", "awards pending"),
        PanelQuery(f"sum(hongbao_front_blocked_rounds{{{TAPS}}})", "rounds blocked"),
        PanelQuery(f"sum(hongbao_credit_stopped_streams{{{TAPS}}})", "streams stopped"),
        PanelQuery(f"sum(hongbao_close_waiting{{{TAPS}}})", "closes waiting"),
    )
    yield lines(
        Tile(
            "Store errors of credit", "Errors the credit worker met; it goes on from the last committed offset.", "ops"
        ),
        PanelQuery(f"sum by (lane) (rate(hongbao_credit_errors_total{{{TAPS}}}{RATE}))", "{{lane}}"),
    )
    yield lines(
        Tile("Event loop of the fronts, p99 late", "How late a timer fires: the front's own breathing space.", "s"),
        PanelQuery(p99("hongbao_eventloop_lag_seconds", "part, le"), "{{part}}"),
        objective=0.05,
    )
    yield lines(
        Tile("Clock of the fronts, off by", "Control's clock minus own; without trust a front awards nothing.", "s"),
        PanelQuery("max by (part) (abs(hongbao_clock_offset_seconds))", "{{part}}"),
        objective=0.05,
    )
    yield lines(
        Tile(
            "Fronts that trust the clock, connections",
            "Every front should; connections are those of clients, dropped are those a front ended or refused itself.",
            "short",
        ),
        PanelQuery("sum(hongbao_clock_trusted)", "fronts that trust"),
        PanelQuery("sum(hongbao_front_connections)", "connections"),
        PanelQuery("sum(hongbao_front_places)", "places for them"),
        PanelQuery(f"sum by (why) (rate(hongbao_front_connections_dropped_total{RATE}))", "dropped a second: {{why}}"),
        PanelQuery(f"sum(hongbao_front_ready_rounds{{{TAPS}}})", "rounds ready"),
    )
    yield lines(
        Tile("Packets left", "In leases the fronts hold, never leased, and all of the rounds not closed.", "short"),
        PanelQuery(f"sum(hongbao_lease_remaining_packets{{{TAPS}}})", "in leases"),
        PanelQuery(f"sum(hongbao_round_unleased_packets{{{TAPS}}})", "never leased"),
        PanelQuery(f"sum(hongbao_round_packets{{{TAPS}}})", "of the rounds"),
    )
    yield lines(
        Tile("Epochs and leases granted", "Epochs that change again and again: Valkey keeps refusing appends.", "ops"),
        PanelQuery(f"sum(rate(hongbao_epochs_granted_total{{{TAPS}}}{RATE}))", "epochs"),
        PanelQuery(f"sum(rate(hongbao_leases_granted_total{{{TAPS}}}{RATE}))", "leases"),
        PanelQuery(f"sum(rate(hongbao_credit_batches_total{{{TAPS}}}{RATE}))", "credit batches"),
    )
    yield lines(
        Tile("Control and wallet, p99", "Time to answer, by process.", "s"),
        PanelQuery(p99("hongbao_http_request_duration_seconds", "job, le"), "{{job}}"),
        objective=0.5,
    )
    yield lines(
        Tile("Control and wallet, answers", "By process and class of status.", "reqps", 24),
        PanelQuery(f"sum by (job, status) (rate(hongbao_http_requests_total{RATE}))", "{{job}} {{status}}"),
        PanelQuery(f"sum by (whose) (rate(hongbao_play_limited_total{RATE}))", "too many of one {{whose}}"),
        PanelQuery(f"sum(rate(hongbao_play_bad_tags_total{RATE}))", "bad stress tags"),
    )
