"""How long the demo takes: what its plan leaves for everything else, and what is said of it."""

from __future__ import annotations

import pytest

from harness.engine import shots
from plans.models import find, load_plan
from xiu.commands.demo import PLAN, PROMISED_S, took

BESIDE_S = 45.0
"""Stack, calibration, the season, the close, the audit and the report took 35 s on two cores."""


def test_the_round_leaves_time_for_all_that_stands_around_it() -> None:
    plan = load_plan(find(PLAN, "stress"), shots.files()).plan
    fired_s = plan.warm_up.duration + max(plan.measured_s, plan.round.opens + plan.round.duration)
    assert fired_s + BESIDE_S <= PROMISED_S


@pytest.mark.parametrize(
    ("seconds", "promised", "says"),
    [
        pytest.param(97.4, True, "took 97 s", id="within it"),
        pytest.param(131.0, True, "took 131 s, more than 120 s: this machine is slow, or busy", id="longer"),
        pytest.param(400.0, False, "took 400 s", id="the whole five minutes, or another plan"),
    ],
)
def test_it_is_told_and_not_judged(seconds: float, promised: bool, says: str) -> None:
    assert took(seconds, promised=promised) == says
