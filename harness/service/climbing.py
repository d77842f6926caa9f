"""A climb against one's own service: who leads it, and what it says in the end. Decides nothing: see
`harness.guard.climb`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.capacity.answer import ClimbFound, answer_from_outside
from harness.guard.green import WindowBounds
from harness.orchestrate.climbed import capacity_of, unseen_of
from harness.orchestrate.climbing import ClimbLeader, led
from harness.phrases import Sentence
from harness.runs.steps import Capacity
from harness.service.prepare import path_of, weights_of
from plans.models.service import ServicePlan
from plans.models.target_service import UrlTarget


def leader_of(plan: ServicePlan, folder: Path, tell: Callable[[str, Sentence], None]) -> ClimbLeader | None:
    """Who leads the climb of a plan, with its orders in the run's folder; None of a plan that is none."""
    path, target = path_of(plan), plan.target
    if path is None:
        return None
    requests = target.each if isinstance(target, UrlTarget) else ()
    own = {one.request: one.response_p99 for one in requests if one.response_p99 is not None}
    bounds = WindowBounds(plan.objectives.response_p99, error_share=plan.objectives.errors, each=own)
    return led(
        path, bounds, plan.workers, folder, tell, weights_of(target) if isinstance(target, UrlTarget) else (1.0,)
    )


def answered(leader: ClimbLeader | None, plan: ServicePlan) -> Capacity | None:
    """What the climb found, and what follows from it; None of a plan that is none."""
    found = capacity_of(leader, plan.rate)
    if found is None or leader is None:
        return found
    asked = ClimbFound(found.held_rps, found.red_rps, plan.objectives.response_p99, unseen_of(leader))
    return found.model_copy(update={"answer": answer_from_outside(leader.looks, asked)})


def played_s(leader: ClimbLeader | None, plan: ServicePlan) -> float:
    """Seconds of the measured part: those of a climb are known at its end."""
    if leader is None:
        return plan.measured_s
    return leader.climb.last.ends_s - leader.climb.windows[0].begins_s
