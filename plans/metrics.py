"""Catalogue of the harness's metrics as data, beside the system's (system/contract/metrics.py).

Names begin with `drill_`; base units; counters end in `_total`. A run's id is a label only of metrics that belong to
that one run: `drill_run_info`, its forecast and results, its money and packets.
"""

from __future__ import annotations

from system.contract.metrics import BUILD_HELP, BUILD_LABELS, DELAY_BUCKETS_S, LATENCY_BUCKETS_S, Metric

OUTCOMES = ("win", "lose", "repeat", "refused", "pending", "unknown")
PHASES = ("idle", "warm_up", "measured", "drain", "season", "closing")
BOUNDS = ("lower", "expected", "upper")
PLACES = ("budget", "awarded", "credited", "suspense")
"""The states of money in a run's round."""
VERDICTS = ("RUNNING", "PASS", "WARN", "FAIL", "INVALID", "NO_DATA", "ABORTED")
"""Verdicts of a whole run; RUNNING until there is one."""
INVARIANT_STATES = ("pending", "holds", "broken", "unknown", "not_evaluated")
STATES = ("PENDING", "PASS", "WARN", "FAIL", "NO_DATA", "NOT_EVALUATED")
"""States of an indicator; PENDING until it is judged."""

PLAYBOOK_STATES = (
    "idle", "triggered", "executing", "read_back", "verifying", "verified", "held", "rolling_back", "undone",
    "closed", "refused", "read_back_failed", "verify_timeout", "rollback_failed", "changed", "halted",
)  # fmt: skip

_RUN, _CHAOS, _PLAYBOOK = ("run",), ("chaos",), ("playbook",)

METRICS: tuple[Metric, ...] = (
    Metric(
        "drill_build_info",
        "gauge",
        BUILD_HELP,
        ("exporter", "playbook", "supervisor", "watchdog", "cannon", "doubles"),
        BUILD_LABELS,
    ),
    Metric("drill_requests_planned_total", "counter", "Taps of the schedule whose time has come.", _RUN, ("lane",)),
    Metric("drill_requests_sent_total", "counter", "Taps sent.", _RUN, ("lane",)),
    Metric("drill_requests_dropped_total", "counter", "Taps dropped: no free connection in time.", _RUN, ("lane",)),
    Metric("drill_requests_total", "counter", "Taps settled, by outcome.", _RUN, ("lane", "outcome")),
    Metric(
        "drill_client_response_seconds",
        "histogram",
        "Intended time to answer.",
        _RUN,
        ("lane",),
        LATENCY_BUCKETS_S,
    ),
    Metric(
        "drill_client_service_seconds",
        "histogram",
        "Sent to answer.",
        _RUN,
        ("lane",),
        LATENCY_BUCKETS_S,
    ),
    Metric(
        "drill_schedule_lag_seconds", "histogram", "Pacer's delay behind the schedule.", _RUN, (), LATENCY_BUCKETS_S
    ),
    Metric("drill_users", "gauge", "Users that tap at once.", _RUN),
    Metric("drill_generator_saturated", "gauge", "1 while the generator is the limit.", _RUN),
    Metric("drill_generator_cpu_ratio", "gauge", "CPU of the generator and its wait for one, 1 is a core.", _RUN),
    Metric("drill_phase", "gauge", "1 for the phase the run is in.", _RUN, ("phase",)),
    Metric(
        "drill_forecast_target",
        "gauge",
        "Locked forecast of an indicator.",
        _RUN,
        ("run_id", "link", "indicator", "bound"),
    ),
    Metric(
        "drill_forecast_actual",
        "gauge",
        "What came of an indicator, once known.",
        _RUN,
        ("run_id", "link", "indicator"),
    ),
    Metric("drill_run_verdict", "gauge", "1 for the verdict of the run.", _RUN, ("run_id", "verdict")),
    Metric("drill_invariant_state", "gauge", "1 for the state of an invariant.", _RUN, ("run_id", "code", "state")),
    Metric(
        "drill_sponsor_info",
        "gauge",
        "Always 1; who pays what an indicator counts.",
        _RUN,
        ("run_id", "indicator", "name"),
    ),
    Metric("drill_verdict_state", "gauge", "1 for the state of an indicator.", _RUN, ("run_id", "indicator", "state")),
    Metric(
        "drill_run_info",
        "gauge",
        "Always 1; what is being run.",
        _RUN,
        ("run_id", "scenario", "forecast_sha256", "git_sha", "scale_factor"),
    ),
    Metric("drill_money_fen", "gauge", "Money of the run's round in fen, by place.", _RUN, ("run_id", "lane", "place")),
    Metric("drill_won_packets", "gauge", "Packets won in the run's round.", _RUN, ("run_id", "lane")),
    Metric("drill_chaos_active", "gauge", "1 while a fault is injected.", _RUN, ("experiment", "target")),
    Metric("drill_chaos_expected_down", "gauge", "1 while an instance is down on purpose.", _CHAOS, ("instance",)),
    Metric(
        "drill_chaos_actions_total",
        "counter",
        "Injections and heals, by outcome.",
        _CHAOS,
        ("experiment", "action", "outcome"),
    ),
    Metric("drill_recovery_seconds", "histogram", "Heal to steady state.", _CHAOS, ("experiment",), DELAY_BUCKETS_S),
    Metric(
        "drill_playbook_step_state",
        "gauge",
        "1 for the state of a step, of runs under way and the last that ended; cell, front: where it is bound to one.",
        _PLAYBOOK,
        ("playbook", "lane", "cell", "front", "step", "state"),
    ),
    Metric(
        "drill_playbook_trigger_delay_seconds",
        "histogram",
        "Alert to first action.",
        _PLAYBOOK,
        ("playbook",),
        DELAY_BUCKETS_S,
    ),
    Metric("drill_playbook_files_refused", "gauge", "Playbook files that cannot be used.", _PLAYBOOK),
    Metric(
        "drill_http_requests_total",
        "counter",
        "Requests to the engine, by route and status class.",
        _PLAYBOOK,
        ("route", "status"),
    ),
    Metric(
        "drill_http_request_duration_seconds", "histogram", "Time to answer.", _PLAYBOOK, ("route",), LATENCY_BUCKETS_S
    ),
    Metric(
        "drill_double_calls_total",
        "counter",
        "Calls that the doubles of parties outside met, by what they did with each.",
        ("doubles",),
        ("party", "lane", "outcome"),
    ),
    Metric("drill_playbook_runs_total", "counter", "Runs that ended, by their end.", _PLAYBOOK, ("playbook", "end")),
)
