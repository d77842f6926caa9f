"""Item *monitoring*: Prometheus receives samples."""

from __future__ import annotations

import pytest

from harness.guard.precheck import StartRequest, monitoring
from tests.support.start_request import BAD, PartServer, at, of


def test_a_sample_that_is_new(whole: StartRequest, server: PartServer) -> None:
    (found,) = of("monitoring", at(whole, prometheus_url=server.url))
    assert (found.state, found.says) == ("good", "its last sample is 0.5 s old")


@pytest.mark.parametrize(
    ("age_s", "says"), [pytest.param(0.4, "its last sample is 0 s old", id="it receives nothing any more")]
)
def test_a_sample_that_is_old(
    whole: StartRequest, server: PartServer, monkeypatch: pytest.MonkeyPatch, age_s: float, says: str
) -> None:
    monkeypatch.setattr(monitoring, "DEADLINE_S", 0.2)
    monkeypatch.setattr(monitoring, "STALE_S", age_s)
    (found,) = of("monitoring", at(whole, prometheus_url=server.url))
    assert (found.state, found.says) == ("refused", says)


def test_a_prometheus_that_does_not_answer_is_refused(whole: StartRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring, "DEADLINE_S", 0.3)
    (found,) = of("monitoring", at(whole, prometheus_url=BAD))
    assert (found.name, found.state) == ("19. monitoring", "refused")
    assert found.says == f"{BAD} does not answer: ConnectionError"


def test_without_a_prometheus(whole: StartRequest) -> None:
    (found,) = of("monitoring", whole)
    assert (found.state, found.says) == ("not_evaluated", "there is no Prometheus")
