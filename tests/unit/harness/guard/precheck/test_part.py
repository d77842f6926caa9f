"""Item *part*: each process is asked whether it is ready."""

from __future__ import annotations

from dataclasses import replace

from harness.guard.precheck import StartRequest
from tests.support.start_request import BAD, at, of


def test_every_part_that_the_lane_needs_is_asked(whole: StartRequest) -> None:
    found = of("part", whole)
    assert [one.subject for one in found] == ["front-0", "front-1", "control", "play", "credit-stress"]
    assert {one.state for one in found} == {"good"}


def test_what_does_not_answer_and_what_is_not_ready_is_told_apart(whole: StartRequest) -> None:
    broken = f"{whole.addresses.control_url}/broken"
    found = {one.subject: one for one in of("part", at(whole, front_urls=(BAD, broken)))}
    assert found["front-0"].says == f"{BAD}/readyz does not answer: ConnectionError"
    assert found["front-1"].says == f"{broken}/readyz answers 503"


def test_elsewhere_only_control_must_be_known(whole: StartRequest) -> None:
    ask = replace(at(whole, play_url=None, credit_metrics_urls={}), elsewhere=True)
    states = {one.subject: one.state for one in of("part", ask)}
    assert (states["play"], states["credit-stress"], states["control"]) == ("warning", "warning", "good")
    states = {one.subject: one.state for one in of("part", replace(at(whole, control_url=None), elsewhere=True))}
    assert states["control"] == "refused"
