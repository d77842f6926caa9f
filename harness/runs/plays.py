"""What a plan's journeys need beside the round: a season for cards, a sponsor's money for shares. Checks that what a
journey follows can be followed. Opens nothing.
"""

from __future__ import annotations

from harness.engine import shots
from harness.errors import BadInput
from plans.models import LoadedPlan, StressPlan

SEASON, SHARES = "season", "shares"


def played(plan: StressPlan) -> frozenset[str]:
    """`season`, `shares`, both or none."""
    return frozenset(getattr(shots.find(one.shot), "plays", "") for one in plan.beside) - {""}


def has_public(plan: StressPlan) -> bool:
    """Is a journey of the plan the public's, on the live lane?"""
    return any(getattr(shots.find(one.shot), "who", "user") == "public" for one in plan.beside)


def check(loaded: LoadedPlan) -> None:
    """Raises BadInput: taps of the public beside its own, a shot nobody knows, an outcome that the followed shot lacks,
    a play without a season's figures.
    """
    plan = loaded.plan
    if has_public(plan) and (plan.lane != "stress" or len(plan.rounds) > 1):
        says = "a journey of the public beside the live lane's own, or in several rounds"
        raise BadInput(says, expected="lane: stress, and one round", file=loaded.plan_file)
    if plan.last_front is not None and (played(plan) or plan.climb is not None):
        says = "uneven fronts with plays beside the draw, or in a climb"
        raise BadInput(says, expected="taps alone, or `last_front` left out", file=loaded.plan_file)
    shot_of = {one.name: one.shot for one in plan.traffic}
    for one in plan.traffic:
        if one.after is None:
            continue
        outcomes = shots.find(shot_of[one.after]).outcomes
        for name in one.on:
            if name not in outcomes:
                says = f"journey {one.name}: {one.after} has no outcome {name!r}"
                raise BadInput(says, expected=f"of {', '.join(outcomes)}", file=loaded.plan_file)
    if (wanted := played(plan)) and loaded.forecast.season is None:
        says = f"journeys that need {' and '.join(sorted(wanted))}, and the forecast has no season"
        raise BadInput(says, expected="`season:` in the forecast", file=loaded.forecast_file)
