"""What a plan's journeys need beside the round, and what of them cannot be followed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from harness.engine import shots
from harness.errors import BadInput
from harness.runs import plays
from harness.runs.order import order_of, short_form
from plans.models import LoadedPlan, find, load_plan
from plans.models.traffic import TAPS, Journey


def loaded(name: str = "full-link") -> LoadedPlan:
    return load_plan(find(name, "stress"), shots.files())


def test_the_full_link_needs_a_season_and_money_for_shares_and_a_plan_of_taps_needs_nothing() -> None:
    assert plays.played(loaded().plan) == {"season", "shares"}
    assert plays.played(loaded("smoke").plan) == frozenset()
    plays.check(loaded())


def test_an_outcome_that_nobody_has_is_refused_before_anything_starts() -> None:
    plan = loaded()
    wrong = Journey(shot="wallet", after="tap", on=("won",), per_win=0.1)
    bad = replace(plan, plan=plan.plan.model_copy(update={"traffic": (TAPS, wrong)}))
    with pytest.raises(BadInput, match="journey wallet: tap has no outcome 'won'; expected of unknown, win, lose"):
        order_of(bad, Path("runs"))


def test_a_play_needs_the_seasons_figures() -> None:
    plan = loaded("smoke")
    cards = Journey(shot="redeem", after="tap", on=("lose",), per_win=0.1)
    with pytest.raises(BadInput, match="need season, and the forecast has no season"):
        plays.check(replace(plan, plan=plan.plan.model_copy(update={"traffic": (TAPS, cards)})))


def test_the_public_stands_beside_one_round_of_the_stress_lane_alone() -> None:
    plan = loaded("ninety-ten")
    order_of(plan, Path("runs"))
    for changes in ({"lane": "live"}, {"rounds": 2 * plan.plan.rounds}):
        with pytest.raises(BadInput, match="journey of the public beside the live lane's own, or in several rounds"):
            plays.check(replace(plan, plan=plan.plan.model_copy(update=changes)))
    with pytest.raises(BadInput, match="--on with ninety-ten has a journey of the public"):
        order_of(plan, Path("runs"), on="http://127.0.0.1:1")


def test_uneven_fronts_are_of_taps_alone() -> None:
    plan = loaded()
    plays.check(loaded("uneven-fronts"))
    with pytest.raises(BadInput, match="uneven fronts with plays beside the draw"):
        plays.check(replace(plan, plan=plan.plan.model_copy(update={"last_front": 0.25})))


def test_a_short_form_is_a_fifth_of_the_people_for_15_seconds_and_a_short_plan_as_it_is() -> None:
    assert short_form(loaded()) == (Fraction(1, 5), 15.0)
    assert short_form(loaded("smoke")) == (Fraction(1), None)
