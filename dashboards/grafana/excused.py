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

WITHOUT_JOB: dict[tuple[str, str], tuple[str, str]] = {
    ("xiu-live", "Playbooks"): ("playbook", "this stack has no playbook engine"),
    ("xiu-live", "Playbook runs ended"): ("playbook", "this stack has no playbook engine"),
}
"""(dashboard, panel) → the job that fills it, and why it is empty where Prometheus scrapes others but never that."""

UNTIL_JUDGED: dict[tuple[str, str, str], str] = {
    ("xiu-forecast", title, "D"): "a run under way has no actuals yet"
    for title in ("人数与次数 · Counts", "时间 · Times", "比例 · Shares", "每家赞助商的钱 · Each sponsor's money")
}
"""(dashboard, panel, query) → why it is empty while the run goes on."""

RAW_COUNTERS: dict[tuple[str, str, str], str] = {
    (
        "xiu-live",
        "Playbook runs ended",
        "drill_playbook_runs_total",
    ): "a handful of runs: extrapolated they mean nothing",
}
"""(dashboard, panel, metric) → why a counter stands there as it is."""

UNCHARTED: dict[str, str] = {
    "python_info": "the build's own figure has the version of Python",
    "process_virtual_memory_bytes": "the resident memory is what a machine runs out of",
    "hongbao_round_budget_fen": "of all rounds that are open; beside what a run gave stands that run's own budget",
    "drill_chaos_expected_down": "alerts ask for it, people see the fault itself",
    "drill_chaos_actions_total": "the timeline of faults shows injection and heal",
    "drill_recovery_seconds": "one figure a drill, told by its verdict",
    "drill_playbook_trigger_delay_seconds": "one figure a drill, told by its verdict",
    "drill_http_requests_total": "a handful of questions a run; for whoever looks into the playbook engine",
    "drill_http_request_duration_seconds": "a handful of questions a run; for whoever looks into the playbook engine",
}
"""Metric → why no panel and no alert reads it."""
