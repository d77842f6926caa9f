"""What a climb that is over means: for the verdict, and as steps of the record. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from harness.capacity.answer import CapacityAsked, answer_of
from harness.forecast.share import Share
from harness.guard.climb import ClimbPath
from harness.guard.green import Why
from harness.orchestrate.climbing import SEEN, ClimbLeader
from harness.phrases import Sentence, sentence
from harness.runs.steps import Capacity
from harness.verdict import Reason
from harness.watch.usage import cores_between
from plans.models.steps import Segment
from plans.models.stress import StressPlan

OF_THE_GENERATOR: tuple[Why, ...] = ("late", "behind")
ROUNDING = 1e-9
"""Of a rate: 100% of the peak is the peak, whatever the last bit of a float says."""


@dataclass(slots=True)
class ClimbReasons:
    """By what they make of the verdict."""

    invalid: list[Reason] = field(default_factory=list)
    failures: list[Reason] = field(default_factory=list)
    no_data: list[Reason] = field(default_factory=list)
    warnings: list[Reason] = field(default_factory=list)


def reasons_of(
    leader: ClimbLeader | None, peak_rps: float, stopped: str | None, account: dict[str, Any] | None
) -> ClimbReasons:
    """`peak_rps`: what is promised; `stopped`: why the run ended before its plan; `account`: of all cannons.

    A climb that ended below the peak is a failure of the system where that was red, no failure where it was unclear.
    Where the peak was held, the end above it is a remark: that is what was asked for.
    """
    found = ClimbReasons()
    if leader is None:
        return found
    if account is not None and account.get("plans_differ"):
        found.invalid.append(Reason(code="plans_differ", text=sentence("plans_differ")))
    path, grade = leader.climb, leader.trouble
    if stopped is not None or path.state.end == "finish":
        return found
    if leader.late or path.state.end is None or grade is None:
        found.invalid.append(Reason(code="climb_late", text=sentence("climb_late")))
        return found
    reason = Reason(code="climb_stopped", text=_ended(path, grade.why))
    if _held(path) >= peak_rps * (1 - ROUNDING):
        found.warnings.append(reason)
    elif grade.colour == "red":
        found.failures.append(reason)
    elif grade.why in OF_THE_GENERATOR:
        found.invalid.append(reason)
    else:
        found.no_data.append(reason)
    return found


def _ended(path: ClimbPath, why: Why) -> Sentence:
    last, safe = path.last, path.safe
    held = sentence("held_none") if safe is None else sentence("held_rate", rate_rps=path.rates_rps[safe])
    where = {"stair": last.stair + 1, "stairs": path.ladder.stairs, "rate_rps": last.rate_rps}
    return sentence("climb_stopped", seen=sentence(SEEN[why]), held=held, **where)


def _held(path: ClimbPath) -> float:
    """The rate of the highest stair that was held; 0 where none was."""
    return 0.0 if path.safe is None else path.rates_rps[path.safe]


def capacity_of(leader: ClimbLeader | None, peak_rps: float) -> Capacity | None:
    """None of a plan that is no climb."""
    if leader is None:
        return None
    path, grade = leader.climb, leader.trouble
    red = path.state.end == "stop" and grade is not None and grade.colour == "red"
    return Capacity(held_rps=_held(path) or None, red_rps=path.last.rate_rps if red else None, peak_rps=peak_rps)


def unseen_of(leader: ClimbLeader) -> Sentence | None:
    """What was seen last by a climb that ended neither on top nor on a red stair: then nobody knows what lies above."""
    path, grade = leader.climb, leader.trouble
    if path.state.end == "finish" or (path.state.end == "stop" and grade is not None and grade.colour == "red"):
        return None
    if leader.late:
        return sentence("climb_late")
    return sentence(SEEN[grade.why]) if grade is not None else sentence("seen_stopped")


def answered(
    leader: ClimbLeader | None, plan: StressPlan, share: Share, cells: int, cores: int, lane: str = "stress"
) -> Capacity | None:
    """As `capacity_of`, with what follows from it. `cells`: that the system has; `cores`: of this host; `lane`: of the
    load.
    """
    found, step = capacity_of(leader, share.peak_rps), plan.climb
    if found is None or leader is None or step is None:
        return found
    asked = CapacityAsked(
        held_rps=found.held_rps,
        red_rps=found.red_rps,
        objective_s=plan.objectives.response_p99,
        unseen=unseen_of(leader),
        event_rps=share.peak_rps / float(share.scale),
        cells=cells,
        headroom=step.headroom,
        spare=step.spare,
        cores=cores,
        lane=lane,
    )
    answer = answer_of(leader.looks, asked, partial(cores_between, leader.usage), leader.told)
    return found.model_copy(update={"answer": answer})


def stairs_seen(leader: ClimbLeader | None) -> list[dict[str, Any]]:
    """Of each stair that was played, as fields of its step: `held`, and `seen`: green if so, else why it was not."""
    seen: dict[int, dict[str, Any]] = {}
    for window, colour, move in leader.climb.moves if leader is not None else ():
        held, before = move in ("advance", "finish"), seen.get(window.stair, {}).get("seen", colour)
        seen[window.stair] = {"seen": before if colour == "green" and not held else colour, "held": held}
    return [*seen.values()]


def played_segments(leader: ClimbLeader, planned: list[Segment]) -> list[Segment]:
    """The warm-up of the plan, then each stair as long as it was held."""
    out = [segment for segment in planned if segment["phase"] == 0]
    stairs: dict[int, float] = {}
    for window in leader.climb.windows:
        stairs[window.stair] = stairs.get(window.stair, 0.0) + window.length_s
    rates = leader.climb.rates_rps
    return [
        *out,
        *(
            {"kind": "constant", "rate_rps": rates[stair], "duration_s": length_s, "phase": 1}
            for stair, length_s in stairs.items()
        ),
    ]
