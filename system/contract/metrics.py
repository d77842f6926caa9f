"""Catalogue of the system's metrics as data: rules, dashboards and tests are checked against it.

Names begin with `hongbao_`, base units, counters end in `_total`. Labels come from small closed
sets; never a user, packet or run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LATENCY_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
DELAY_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)

TAP_OUTCOMES = ("win", "lose", "repeat", "pending", "refused")
REFUSAL_CODES = (
    "bad_request", "bad_token", "bad_tag", "unknown_round", "method_not_allowed", "request_timeout", "not_open",
    "round_over", "too_large", "foreign_user", "too_fast", "headers_too_large", "degraded",
)  # fmt: skip
APPEND_VERDICTS = ("ok", "fenced", "conflict", "unknown")
DROPS = ("silent", "idle", "room", "full", "files")
CREDIT_OUTCOMES = ("posted", "duplicate", "suspense")
STORES = ("valkey", "postgres")
CLAIM_OUTCOMES = (
    "claimed", "again", "pending", "no_real_name", "own_share", "share_exhausted", "share_expired", "share_reversed",
    "no_such_link", "insufficient", "degraded", "store_unknown", "internal",
)  # fmt: skip
SHARE_OUTCOMES = ("opened", "exhausted", "expired")
CARD_MOVES = ("ticket", "tie", "gift_family", "gift_friend", "combine")
PAYOUT_OUTCOMES = ("ordered", "paid", "refused")
PROGRAMME_STATES = ("announced", "armed", "open", "closing", "closed", "missed")
ROUND_STATES = ("armed", "open", "closing", "closed")


@dataclass(frozen=True, slots=True)
class Metric:
    """One family. `process` is where it is exposed; `labels` in order."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    process: tuple[str, ...]
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


_FRONT, _CREDIT, _CONTROL, _PLAY = ("front",), ("credit",), ("control",), ("play",)
_EACH = ("front", "credit", "control", "play")
_STORES = ("stores",)
BUILD_HELP = "Always 1; version, commit and Python of the process."
BUILD_LABELS = ("version", "commit", "python")

METRICS: tuple[Metric, ...] = (
    Metric("hongbao_build_info", "gauge", BUILD_HELP, _EACH, BUILD_LABELS),
    Metric("hongbao_requests_total", "counter", "Taps answered, by outcome.", _FRONT, ("lane", "outcome")),
    Metric("hongbao_refusals_total", "counter", "Taps refused, by error code.", _FRONT, ("lane", "code")),
    Metric("hongbao_appends_total", "counter", "Appends to the win log, by verdict.", _FRONT, ("lane", "verdict")),
    Metric(
        "hongbao_append_duration_seconds",
        "histogram",
        "Append sent to its verdict.",
        _FRONT,
        ("lane",),
        LATENCY_BUCKETS_S,
    ),
    Metric("hongbao_pending_awards", "gauge", "Awards whose append has no verdict yet.", _FRONT, ("lane",)),
    Metric("hongbao_packets_issued_total", "counter", "Packets awarded durably.", _FRONT, ("lane",)),
    Metric("hongbao_awarded_fen_total", "counter", "Money awarded durably, in fen.", _FRONT, ("lane",)),
    Metric("hongbao_lease_remaining_packets", "gauge", "Packets left in the held leases.", _FRONT, ("lane",)),
    Metric("hongbao_front_ready_rounds", "gauge", "Rounds this front may award in.", _FRONT, ("lane",)),
    Metric(
        "hongbao_front_blocked_rounds",
        "gauge",
        "Rounds in which a person has to decide: two wins of one user, or a damaged entry.",
        _FRONT,
        ("lane",),
    ),
    Metric("hongbao_tickets_total", "counter", "Losing taps answered with a ticket.", _FRONT, ("lane",)),
    Metric("hongbao_front_connections", "gauge", "Open client connections.", _FRONT),
    Metric("hongbao_front_places", "gauge", "Client connections there may be at once.", _FRONT),
    Metric(
        "hongbao_front_connections_dropped_total",
        "counter",
        "Connections ended or refused by the front itself: silent, idle, gone for others (room), no place left (full), "
        "no open file left (files).",
        _FRONT,
        ("why",),
    ),
    Metric(
        "hongbao_eventloop_lag_seconds",
        "histogram",
        "How late a timer of the event loop fired.",
        _FRONT,
        (),
        LATENCY_BUCKETS_S,
    ),
    Metric("hongbao_clock_offset_seconds", "gauge", "Control's clock minus own clock.", _FRONT),
    Metric("hongbao_clock_trusted", "gauge", "1 while control's time is known.", _FRONT),
    Metric(
        "hongbao_switch",
        "gauge",
        "Run-time switch as this process sees it, for each lane.",
        ("front", "credit", "control"),
        ("key", "lane"),
    ),
    Metric("hongbao_credits_total", "counter", "Records settled by credit, by outcome.", _CREDIT, ("lane", "outcome")),
    Metric(
        "hongbao_credits_by_home_total",
        "counter",
        "Records posted, by the tier of the user's city and whether in town or in the country.",
        _CREDIT,
        ("lane", "tier", "area"),
    ),
    Metric("hongbao_credited_fen_total", "counter", "Money posted to accounts, in fen.", _CREDIT, ("lane",)),
    Metric("hongbao_suspense_fen_total", "counter", "Money held in suspense, in fen.", _CREDIT, ("lane",)),
    Metric(
        "hongbao_credit_delay_seconds", "histogram", "Award to posting committed.", _CREDIT, ("lane",), DELAY_BUCKETS_S
    ),
    Metric("hongbao_credit_batches_total", "counter", "Batches committed.", _CREDIT, ("lane",)),
    Metric("hongbao_credit_errors_total", "counter", "Store errors met by the credit worker.", _CREDIT, ("lane",)),
    Metric("hongbao_stream_lag_entries", "gauge", "Entries in the win log behind the offset.", _CREDIT, ("lane",)),
    Metric("hongbao_stream_oldest_age_seconds", "gauge", "Age of the oldest award not yet posted.", _CREDIT, ("lane",)),
    Metric(
        "hongbao_credit_progress_age_seconds",
        "gauge",
        "Time since the worker last finished a batch or a pass over its streams.",
        _CREDIT,
        ("lane",),
    ),
    Metric(
        "hongbao_credit_stopped_streams", "gauge", "Streams stopped by a gap or a damaged entry.", _CREDIT, ("lane",)
    ),
    Metric("hongbao_rounds", "gauge", "Rounds by state.", _CONTROL, ("lane", "state")),
    Metric("hongbao_round_packets", "gauge", "Packets of the rounds not closed.", _CONTROL, ("lane",)),
    Metric(
        "hongbao_round_unleased_packets",
        "gauge",
        "Packets never leased, of the rounds not closed.",
        _CONTROL,
        ("lane",),
    ),
    Metric(
        "hongbao_round_release_packets_per_second",
        "gauge",
        "Pace at which the packets of the open rounds leave by their plan, at 100 percent.",
        _CONTROL,
        ("lane",),
    ),
    Metric("hongbao_round_budget_fen", "gauge", "Budget of the rounds not closed, in fen.", _CONTROL, ("lane",)),
    Metric("hongbao_close_waiting", "gauge", "Things the closes under way wait for.", _CONTROL, ("lane",)),
    Metric("hongbao_epochs_granted_total", "counter", "Epochs granted.", _CONTROL, ("lane",)),
    Metric("hongbao_leases_granted_total", "counter", "Leases granted.", _CONTROL, ("lane",)),
    Metric(
        "hongbao_ledger_imbalance_fen",
        "gauge",
        "Sum over all entries; 0 when every batch balances.",
        _CONTROL,
        ("lane",),
    ),
    Metric("hongbao_transfers_imbalance", "gauge", "Currencies whose legs do not add up to 0.", _CONTROL, ("lane",)),
    Metric("hongbao_programme_rounds", "gauge", "Rounds of programmes, by state.", _CONTROL, ("lane", "state")),
    Metric(
        "hongbao_participations_total", "counter", "Taps that fronts counted and control wrote.", _CONTROL, ("lane",)
    ),
    Metric("hongbao_exposures_total", "counter", "Answers that named a sponsor, as counted.", _CONTROL, ("lane",)),
    Metric("hongbao_ties", "gauge", "Ties, by what made them.", ("play",), ("lane", "through")),
    Metric(
        "hongbao_ties_forecast",
        "gauge",
        "Ties of the evening by the lane's last programme, at its scale: expected, and gained in 2016.",
        _PLAY,
        ("lane", "figure"),
    ),
    Metric(
        "hongbao_strength_psi",
        "gauge",
        "Shift of the ties' scores in the last day (population stability index).",
        ("play",),
        ("lane",),
    ),
    Metric(
        "hongbao_strength_user_jump_points",
        "gauge",
        "The largest rise of one user's scores together in the last day.",
        ("play",),
        ("lane",),
    ),
    Metric(
        "hongbao_strength_snapshot_time_seconds",
        "gauge",
        "The day of the last finished snapshot of scores (its beginning, seconds since 1970).",
        ("play",),
        ("lane",),
    ),
    Metric(
        "hongbao_http_requests_total",
        "counter",
        "Requests by route and status class.",
        ("control", "play"),
        ("route", "status"),
    ),
    Metric(
        "hongbao_http_request_duration_seconds",
        "histogram",
        "Time to answer.",
        ("control", "play"),
        ("route",),
        LATENCY_BUCKETS_S,
    ),
    Metric(
        "hongbao_fission_claims_total",
        "counter",
        "Claims made in the ledger, and other answers by outcome.",
        _PLAY,
        ("lane", "outcome"),
    ),
    Metric(
        "hongbao_fission_commits_total", "counter", "Transactions that claimed, one for many users.", _PLAY, ("lane",)
    ),
    Metric("hongbao_fission_shares_total", "counter", "Shares opened and settled, by how.", _PLAY, ("lane", "outcome")),
    Metric("hongbao_fission_refunded_fen_total", "counter", "Expired parts paid back, in fen.", _PLAY, ("lane",)),
    Metric(
        "hongbao_fission_returned_fen_total",
        "counter",
        "What was in no share, back to the sponsors, in fen.",
        _PLAY,
        ("lane",),
    ),
    Metric(
        "hongbao_fund_fen_total",
        "counter",
        "Money moved into the money fund and out of it, in fen, by where the user lives.",
        _PLAY,
        ("lane", "way", "area"),
    ),
    Metric("hongbao_payouts_total", "counter", "Payouts ordered and ended, by how.", _PLAY, ("lane", "outcome")),
    Metric(
        "hongbao_payouts_fen_total", "counter", "Payouts ordered and ended, in fen, by how.", _PLAY, ("lane", "outcome")
    ),
    Metric("hongbao_payouts_waiting", "gauge", "Payouts that the bank has not answered.", _PLAY, ("lane",)),
    Metric(
        "hongbao_payouts_oldest_age_seconds",
        "gauge",
        "Age of the oldest payout that the bank has not answered.",
        _PLAY,
        ("lane",),
    ),
    Metric(
        "hongbao_outside_calls_total",
        "counter",
        "Calls to parties outside, by what became of each.",
        ("credit", "play"),
        ("party", "lane", "outcome"),
    ),
    Metric(
        "hongbao_presents_fen_total",
        "counter",
        "Money given to friends, in fen, by where the giver lives.",
        _PLAY,
        ("lane", "area"),
    ),
    Metric(
        "hongbao_play_limited_total",
        "counter",
        "Requests refused: too many of one user or address.",
        _PLAY,
        ("whose",),
    ),
    Metric("hongbao_play_bad_tags_total", "counter", "Requests refused: a forged or expired stress tag.", _PLAY),
    Metric("hongbao_cards_moved_total", "counter", "Cards drawn, given and combined by play.", _PLAY, ("lane", "what")),
    Metric("hongbao_pot_paid_fen_total", "counter", "Money of pots paid by this process, in fen.", _PLAY, ("lane",)),
    Metric("hongbao_pot_batches_waiting", "gauge", "Batches of ended seasons' pots not paid yet.", _PLAY, ("lane",)),
    Metric("hongbao_store_up", "gauge", "1 while the store answers in time.", _STORES, ("store",)),
    Metric("hongbao_valkey_memory_bytes", "gauge", "Memory in use.", _STORES),
    Metric("hongbao_valkey_clients", "gauge", "Connected clients.", _STORES),
    Metric("hongbao_valkey_commands_total", "counter", "Commands carried out.", _STORES),
    Metric("hongbao_valkey_rejected_connections_total", "counter", "Connections refused: too many clients.", _STORES),
    Metric("hongbao_valkey_aof_bytes", "gauge", "Size of the append-only file.", _STORES),
    Metric(
        "hongbao_valkey_aof_seconds_total", "counter", "Time spent writing and syncing the append-only file.", _STORES
    ),
    Metric(
        "hongbao_valkey_eventloop_cycles_total", "counter", "Turns of the event loop, each one sync at most.", _STORES
    ),
    Metric("hongbao_valkey_aof_pending_fsyncs", "gauge", "Syncs of the append-only file that wait.", _STORES),
    Metric("hongbao_valkey_aof_delayed_fsyncs_total", "counter", "Writes that had to wait for a sync.", _STORES),
    Metric(
        "hongbao_valkey_aof_write_failed", "gauge", "1 while the last write to the append-only file failed.", _STORES
    ),
    Metric("hongbao_postgres_sessions", "gauge", "Sessions of clients, by state.", _STORES, ("state",)),
    Metric("hongbao_postgres_sessions_limit", "gauge", "Sessions that PostgreSQL allows.", _STORES),
    Metric(
        "hongbao_postgres_transactions_total", "counter", "Transactions of the database, by end.", _STORES, ("end",)
    ),
    Metric("hongbao_postgres_deadlocks_total", "counter", "Deadlocks of the database.", _STORES),
    Metric("hongbao_postgres_wal_bytes_total", "counter", "Bytes written ahead.", _STORES),
    Metric("hongbao_postgres_locks", "gauge", "Locks held and waited for.", _STORES, ("state",)),
    Metric("hongbao_postgres_checkpoints_total", "counter", "Checkpoints, by why.", _STORES, ("kind",)),
    Metric("hongbao_postgres_checkpoint_seconds_total", "counter", "Time of checkpoints, by what.", _STORES, ("what",)),
)

ITSELF: tuple[Metric, ...] = (
    Metric("python_info", "gauge", "Python platform information", _EACH,
           ("version", "implementation", "major", "minor", "patchlevel")),
    Metric("process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.", _EACH),
    Metric("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", _EACH),
    Metric("process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.", _EACH),
    Metric("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.", _EACH),
    Metric("process_max_fds", "gauge", "Maximum number of open file descriptors.", _EACH),
    Metric("process_open_fds", "gauge", "Number of open file descriptors.", _EACH),
)  # fmt: skip
"""Metrics that prometheus-client adds under its own names, in every process of the project (the harness's too). On
Linux alone, except `python_info`.
"""
