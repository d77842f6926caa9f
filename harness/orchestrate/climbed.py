"""What a climb that is over means: for the verdict, and as steps of the record. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.guard.climb import ClimbPath
from harness.guard.green import Why
from harness.orchestrate.climbing import SEEN, ClimbLeader
from harness.phrases import Sentence, sentence
from harness.verdict import Reason
from plans.models.steps import Segment

OF_THE_GENERATOR: tuple[Why, ...] = ("late", "behind")


@dataclass(slots=True)
class ClimbReasons:
    """By what they make of the verdict."""

    invalid: list[Reason] = field(default_factory=list)
    failures: list[Reason] = field(default_factory=list)
    no_data: list[Reason] = field(default_factory=list)


def reasons_of(leader: ClimbLeader | None, stopped: str | None, account: dict[str, Any] | None) -> ClimbReasons:
    """`stopped`: why the run ended before its plan; `account`: of all cannons.

    A climb that ended below its top is a failure of the system where that was red, no failure where it was unclear.
    """
    found = ClimbReasons()
    if leader is None:
        return found
    if account is not None and account.get("plans_differ"):
        found.invalid.append(Reason(code="plans_differ", text=sentence("plans_differ")))
    path, grade = leader.climb, leader.grade
    if stopped is not None or path.state.end == "finish":
        return found
    if leader.late or path.state.end is None or grade is None:
        found.invalid.append(Reason(code="climb_late", text=sentence("climb_late")))
        return found
    reason = Reason(code="climb_stopped", text=_ended(path, grade.why))
    if grade.colour == "red":
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
