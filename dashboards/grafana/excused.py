"""What linter and check let pass, each with its reason. Refuses a reason that no longer excuses anything."""

from __future__ import annotations

MAY_BE_EMPTY: dict[tuple[str, str], str] = {
    ("xiu-live", "Faults injected"): "a run without a drill injects nothing",
    ("xiu-live", "Alerts"): "on a good day nothing fires",
    ("xiu-live", "Seconds to drain"): "nothing was posted lately, so there is no speed to divide by",
}
"""(dashboard, panel) → why it may show nothing."""

ONLY_UNDISTURBED = frozenset({("xiu-live", "Faults injected"), ("xiu-live", "Alerts")})
"""Excuses that a run with a fault in it does not have."""

_TOTALS = "money is compared as running totals, exactly: increase() extrapolates"
RAW_COUNTERS: dict[tuple[str, str, str], str] = {
    ("xiu-live", "Money awarded and credited", "hongbao_awarded_fen_total"): _TOTALS,
    ("xiu-live", "Money awarded and credited", "hongbao_credited_fen_total"): _TOTALS,
    ("xiu-live", "Money awarded and credited", "hongbao_suspense_fen_total"): _TOTALS,
    ("xiu-live", "Money on its way", "hongbao_awarded_fen_total"): _TOTALS,
    ("xiu-live", "Money on its way", "hongbao_credited_fen_total"): _TOTALS,
    ("xiu-live", "Money on its way", "hongbao_suspense_fen_total"): _TOTALS,
    ("xiu-forecast", "发出的钱与到账的钱 · Money won and money in accounts", "hongbao_awarded_fen_total"): _TOTALS,
    ("xiu-forecast", "发出的钱与到账的钱 · Money won and money in accounts", "hongbao_credited_fen_total"): _TOTALS,
    ("xiu-forecast", "送出的红包 · Packets won", "hongbao_packets_issued_total"): "a total of packets is exact, too",
    (
        "xiu-live",
        "Playbook runs ended",
        "drill_playbook_runs_total",
    ): "a handful of runs: extrapolated they mean nothing",
}
"""(dashboard, panel, metric) → why a counter stands there as it is."""

UNCHARTED: dict[str, str] = {
    "drill_chaos_expected_down": "alerts ask for it, people see the fault itself",
    "drill_chaos_actions_total": "the timeline of faults shows injection and heal",
    "drill_recovery_seconds": "one figure a drill, told by its verdict",
    "drill_playbook_trigger_delay_seconds": "one figure a drill, told by its verdict",
}
"""Metric → why no panel and no alert reads it."""
