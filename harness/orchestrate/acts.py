"""What a run on a red-packet system tells the audit log of itself (`harness.guard.run_acts`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.forecast.share import Share
from harness.guard.precheck import Checked
from harness.guard.run_acts import RunActs
from harness.orchestrate.prepare import peak_rps, step_rps
from harness.runs.order import RunOrder
from harness.runs.record import RunRecord


def acts_of(order: RunOrder) -> RunActs:
    """Of an order's run."""
    return RunActs(order.runs, order.loaded.plan.id, order.on or "own stack", order.lane, order.approved_by)


def started(order: RunOrder, share: Share, run_id: str, forecast_sha256: str) -> str:
    """The hash of the line. Raises EnvironmentNotReady: nothing is sent that stands in no log."""
    plan = order.loaded.plan
    load = {"peak_rps": round(peak_rps(plan, share)), "step_rps": round(step_rps(plan, share))}
    length = {"duration_s": round(share.duration_s, 3), "rounds": len(plan.rounds), "seed": order.seed}
    return acts_of(order).started(run_id, **load, **length, forecast_sha256=forecast_sha256)


def burst(order: RunOrder, peak: float, lasts_s: float) -> None:
    """Calibration's, on the stress lane. Raises EnvironmentNotReady."""
    replace(acts_of(order), lane="stress").burst(peak, lasts_s)


def refused(order: RunOrder, run_id: str, found: Sequence[Checked]) -> None:
    """The items that refused the start, by name."""
    acts_of(order).refused(run_id, found)


def ended(order: RunOrder, record: RunRecord) -> None:
    """With its verdict and the reasons' codes."""
    acts_of(order).ended(record)
