"""Item *target*: where load may go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.guard.precheck import StartRequest
from plans.models.targets import Targets, TargetSystem
from tests.support.start_request import at, of, refusal, states

ELSEWHERE = "http://192.0.2.1:80"


@pytest.mark.parametrize("where", ["front_urls", "front_metrics_urls"])
def test_every_address_counts_also_that_of_figures(whole: StartRequest, where: str) -> None:
    (found,) = of("target", at(whole, **{where: (ELSEWHERE,)}))
    assert (found.state, found.says) == ("refused", f"{ELSEWHERE} is not in plans/targets.yaml")


def test_nobody_is_asked_anything_at_an_address_that_is_not_allowed(whole: StartRequest) -> None:
    names, text = refusal(at(whole, front_urls=(ELSEWHERE,), front_metrics_urls=(ELSEWHERE,)))
    assert names == {"2. target"}
    assert "does not answer" not in text


def test_what_the_list_names_is_allowed(whole: StartRequest) -> None:
    one = TargetSystem.model_construct(id="staging", hosts=("192.0.2.1:80",), rate_max=1e6, duration_max=3600.0)
    allowed = Targets.model_construct(kind="targets", targets=(one,))
    assert states(of("target", replace(at(whole, front_urls=(ELSEWHERE,)), allowed=allowed))) == {"good"}
