"""A run's order as the question that the pre-check answers."""

from __future__ import annotations

from harness.control_client import ControlClient
from harness.forecast.share import Share
from harness.guard.kill import REGISTER
from harness.guard.precheck import Checked, StartRequest, precheck
from harness.orchestrate.prepare import Sizes, peak_rps
from harness.orchestrate.system import System
from harness.runs.order import RunOrder
from plans.models.targets import load_targets


def look(
    order: RunOrder, system: System, control: ControlClient, share: Share, sizes: Sizes, overload: float = 1.0
) -> list[Checked]:
    """Every item of the pre-check for this share; `overload`: how much more than its peak will be sent."""
    plan = order.loaded.plan
    duration_s = len(plan.rounds) * (plan.warm_up.duration + plan.measured_s * plan.stretch(share.duration_s))
    return precheck(
        StartRequest(
            addresses=system.addresses,
            control=control,
            allowed=load_targets(),
            elsewhere=system.elsewhere,
            lane=order.lane,
            peak_rps=peak_rps(plan, share) * overload,
            duration_s=duration_s,
            taps=peak_rps(plan, share) * duration_s,
            users=share.tapping_at_once,
            connections=sizes.connections,
            runs=order.runs,
            register=order.runs / REGISTER,
        )
    )
