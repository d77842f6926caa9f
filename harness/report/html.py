"""`report.html` of a run."""

from __future__ import annotations

from harness.run_record import LedgerFile, RunRecord, Timeline


def render_html(record: RunRecord, timeline: Timeline, books: LedgerFile) -> str:
    """The whole page."""
    return f"<!doctype html><title>{record.run_id}</title><p>{record.verdict}"
