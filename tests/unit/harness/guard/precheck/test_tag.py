"""Item *tag*: a genuine tag comes through at every hop."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.guard.precheck import StartRequest
from harness.guard.precheck.tag import accepted
from harness.guard.precheck.tagging import TagAnswer
from tests.support.start_request import BAD, at, of


def test_each_front_and_play_take_it(whole: StartRequest) -> None:
    assert [(one.subject, one.state) for one in of("tag", whole)] == [
        ("front-0", "good"), ("front-1", "good"), ("play", "good"),
    ]  # fmt: skip


@pytest.mark.parametrize(("mood", "says"), [("strict", "it answers 403 bad_tag"), ("deaf", "it answers 401 bad_token")])
def test_a_hop_that_loses_or_refuses_it_is_named(whole: StartRequest, mood: str, says: str) -> None:
    found = of("tag", at(whole, front_urls=(whole.addresses.front_urls[0], f"{whole.addresses.control_url}/{mood}")))
    assert [(one.subject, one.says) for one in found if one.state == "refused"] == [("front-1", says)]


def test_a_play_that_shows_the_other_lane_is_named(whole: StartRequest) -> None:
    found = of("tag", at(whole, play_url=f"{whole.addresses.control_url}/mixed"))
    (wrong,) = [one for one in found if one.state == "refused"]
    assert (wrong.subject, wrong.says) == ("play", "it answers 200 of lane live")


def test_who_does_not_answer_is_not_evaluated_here(whole: StartRequest) -> None:
    found = of("tag", at(whole, play_url=BAD))
    assert [one.subject for one in found if one.state == "not_evaluated"] == ["play"]


def test_a_live_run_carries_none(whole: StartRequest) -> None:
    (found,) = of("tag", replace(whole, lane="live"))
    assert (found.state, found.says) == ("not_evaluated", "the live lane carries no tag")


@pytest.mark.parametrize(
    ("role", "answer", "good"),
    [
        pytest.param("front", TagAnswer(404, "unknown_round"), True, id="it came to the round"),
        pytest.param("front", TagAnswer(503, "degraded"), True, id="it came to the round, of which it is not sure"),
        pytest.param("front", TagAnswer(404, "not_found"), False, id="another program's 404"),
        pytest.param("front", TagAnswer(200), False, id="nobody wins in a round that does not exist"),
        pytest.param("play", TagAnswer(200, lane="stress"), True, id="an empty wallet of the stress lane"),
        pytest.param("play", TagAnswer(200, lane="live"), False, id="a wallet of the public"),
        pytest.param("play", TagAnswer(200), False, id="another program's answer"),
        pytest.param("play", TagAnswer(503, "degraded"), False, id="play could not read"),
    ],
)
def test_what_counts_as_accepted(role: str, answer: TagAnswer, good: bool) -> None:
    assert accepted(role, answer) is good  # type: ignore[arg-type]
