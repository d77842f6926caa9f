"""Metrics that no panel and no alert reads, each with its reason. A reason that excuses nothing any more is an
error.
"""

from __future__ import annotations

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
