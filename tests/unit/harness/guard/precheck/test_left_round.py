"""Item *left round*: what earlier runs left armed is named, with the command that closes it."""

from __future__ import annotations

import os
from typing import cast

from harness.control_client import ControlClient
from harness.guard.kill import registered
from harness.guard.leftovers import left, meeting
from harness.guard.precheck import StartRequest, refuse
from tests.support.start_request import ToldControl, control, left_armed, of


def test_none_is_left(whole: StartRequest) -> None:
    assert [(one.state, one.says) for one in of("left round", whole)] == [("good", "no round is left over")]


def test_what_earlier_runs_left_armed_is_named_with_its_command(whole: StartRequest) -> None:
    rounds = [
        left_armed("stress", 7, -90), left_armed("live", 8, -61), left_armed("live", 9, -5),
        left_armed("stress", 10, -90, "closing"), left_armed("stress", 11, 5),
    ]  # fmt: skip
    found = of("left round", control(whole, rounds=rounds))
    assert [(one.state, one.says) for one in found] == [
        ("warning", "stress round 7 is over and not closed: xiu round close 7"),
        ("warning", "live round 8 is over and not closed: xiu round close 8"),
        ("warning", "live round 9 is open: xiu round close 9"),
    ]
    refuse(found)
    with registered([whole.register], os.getpid(), "another run", whole.runs / "kill", whole.runs):
        found = of("left round", control(whole, rounds=rounds))
    assert [one.says.split(" is ")[0] for one in found] == ["stress round 7", "live round 8"], "9 is being played"


def test_a_control_that_does_not_answer_is_refused_elsewhere(whole: StartRequest) -> None:
    assert [one.state for one in of("left round", control(whole, away=True))] == ["not_evaluated"]


def test_rounds_that_the_fronts_work_on_meanwhile() -> None:
    rounds = [
        left_armed("live", 1, -90),
        left_armed("live", 2, -5),
        left_armed("live", 3, 30),
        left_armed("live", 4, 300),
    ]
    told = ToldControl(rounds=rounds)
    met = meeting(left(cast(ControlClient, told)), 120)
    assert [str(one) for one in met] == [
        "live round 1 is over and not closed: xiu round close 1",
        "live round 2 is open: xiu round close 2",
        "live round 3 is armed: xiu round close 3",
    ]
