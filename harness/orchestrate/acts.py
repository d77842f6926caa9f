"""A run's lines in the audit log: the burst before it, its start or why it was refused, its end.

A run that cannot be recorded is not begun. What ends one never waits for the log.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from harness.errors import EnvironmentNotReady
from harness.forecast.share import Share
from harness.guard.audit_log import FILE, Act, write
from harness.guard.precheck import Checked
from harness.orchestrate.prepare import peak_rps, step_rps
from harness.runs.order import RunOrder
from harness.runs.record import RunRecord
from harness.who import me


def started(order: RunOrder, share: Share, run_id: str, forecast_sha256: str) -> str:
    """The hash of the line. Raises EnvironmentNotReady: nothing is sent that stands in no log."""
    plan = order.loaded.plan
    load = {"peak_rps": round(peak_rps(plan, share)), "step_rps": round(step_rps(plan, share))}
    length = {"duration_s": round(share.duration_s, 3), "rounds": len(plan.rounds), "seed": order.seed}
    return _needed(order, "started", run=run_id, **_what(order), **load, **length, forecast_sha256=forecast_sha256)


def burst(order: RunOrder, peak: float, lasts_s: float) -> None:
    """Calibration's, before there is a run. Raises EnvironmentNotReady."""
    _needed(order, "burst", **{**_what(order), "lane": "stress"}, peak_rps=round(peak), duration_s=lasts_s)


def refused(order: RunOrder, run_id: str, found: Sequence[Checked]) -> None:
    """The items that refused the start, by name."""
    note(order, "refused", run=run_id, **_what(order), items=[one.name for one in found if one.state == "refused"])


def ended(order: RunOrder, record: RunRecord) -> None:
    """With its verdict and the reasons' codes."""
    reasons = [reason.code for reason in record.reasons]
    note(order, "ended", run=record.run_id, verdict=record.verdict, reasons=reasons, sent=record.load.sent)


def note(order: RunOrder, act: Act, **about: Any) -> None:
    """Adds a line; a log that does not take it is said, and nothing more."""
    try:
        write(order.runs, act, me(), **about)
    except OSError as exc:
        print(f"xiu: {order.runs / FILE} does not tell of this: {exc.strerror or exc}", file=sys.stderr, flush=True)


def _needed(order: RunOrder, act: Act, **about: Any) -> str:
    try:
        return write(order.runs, act, me(), **about)
    except OSError as exc:
        why = exc.strerror or exc
        raise EnvironmentNotReady(f"{order.runs / FILE} cannot be written: {why}; nothing was sent") from exc


def _what(order: RunOrder) -> dict[str, Any]:
    """Plan, target, lane, and who approved it."""
    target = order.on or "own stack"
    return {"plan": order.loaded.plan.id, "target": target, "lane": order.lane, "approved_by": order.approved_by}
