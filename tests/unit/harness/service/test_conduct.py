"""A run against one's own service, without one: what its generator tells, added up; and one that stands still."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NoReturn

import pytest

from harness.guard.audit_log import read
from harness.orchestrate.fire import FireFailed
from harness.phrases import sentence
from harness.service import record
from harness.service.conduct import ServiceConductor, all_requests
from harness.service.order import service_order
from plans.models.service import load_service
from tests.support.service_plans import SMALL


def counts(journey: str, **outcomes: int) -> dict[str, Any]:
    done = sum(outcomes.values())
    numbers = dict.fromkeys(("scheduled", "reached", "sent", "answered"), done)
    times = {"response_us": [[1000, done]], "response_sum_us": 5, "response_max_us": done}
    none = {"dropped": 0, "waiting": 0, "abandoned": 0}
    return {"event": "counts", "journey": journey, **numbers, **none, "outcomes": outcomes, **times}


def test_all_requests_stand_at_the_top_and_each_beside() -> None:
    message = {**counts("browse", unknown=1, good=8, refused=0, wrong=1), "lag_p99_ms": 0.1}
    message["beside"] = [counts("order", unknown=0, good=3, refused=2, wrong=0)]
    whole = all_requests(message)
    assert (whole["sent"], whole["response_us"], whole["response_max_us"]) == (15, [[1000, 15]], 10)
    assert whole["outcomes"] == {"unknown": 1, "good": 11, "refused": 2, "wrong": 1}
    assert whole["refused_by_status"] == {"not as expected": 3}, "stop rules count them"
    assert [part["journey"] for part in whole["beside"]] == ["browse", "order"]


def test_tasks_that_failed_or_raised_count_as_errors() -> None:
    whole = all_requests(counts("browse", unknown=1, good=5, failed=2, raised=3))
    assert whole["refused_by_status"] == {"not as expected": 5}
    assert whole["beside"] == []


def test_a_locustfile_that_lets_nothing_else_run_makes_the_run_invalid(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(SMALL.replace('{url: "http://127.0.0.1:8080/hello"}', "{locustfile: mine.py}"))
    one = ServiceConductor(service_order(load_service(file), tmp_path / "runs", progress="none"))
    one._heard_s = time.monotonic() - 1
    assert one._stopped() is None
    one._heard_s = time.monotonic() - 60
    assert "a task blocks gevent" in (one._stopped() or "")
    assert [reason.code for reason in one.account.invalid] == ["run_broken"]


def test_a_stop_rule_on_one_request_sees_what_was_not_as_expected_of_it() -> None:
    message = {**counts("browse", unknown=0, good=8, refused=0, wrong=0), "lag_p99_ms": 0.1}
    message["beside"] = [counts("order", unknown=0, good=3, refused=2, wrong=1)]
    browse, order = all_requests(message)["beside"]
    assert browse["refused_by_status"] == {"not as expected": 0}
    assert order["refused_by_status"] == {"not as expected": 3}


@pytest.mark.parametrize("interrupted", [True, False])
def test_what_ends_before_the_first_request_stands_in_the_audit_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    """Who was told to stop has a record, ABORTED; who could not begin has none, and ends with its own error."""
    file = tmp_path / "mine.yaml"
    file.write_text(SMALL)
    one = ServiceConductor(service_order(load_service(file), tmp_path / "runs", progress="none"))

    def armed(_: object) -> NoReturn:
        if interrupted:
            one.run.interrupted(sentence("interrupted", signal="SIGINT"))
        raise FireFailed("the generator was not ready\nits last words")

    monkeypatch.setattr(one, "_check", lambda: None)
    monkeypatch.setattr(one, "_generator", nullcontext)
    monkeypatch.setattr(one, "_armed", armed)
    if interrupted:
        assert one.carry_out().verdict == "ABORTED"
    else:
        with pytest.raises(FireFailed):
            one.carry_out()
    (line,) = read(tmp_path / "runs")
    assert (line.act, line.about["run"], line.about["sent"]) == ("ended", one.folder.name, 0)
    assert line.about["reasons"][0] == ("interrupted" if interrupted else "the generator was not ready")


def test_answers_that_nobody_asked_for_are_a_remark() -> None:
    assert record._unasked(None) == record._unasked({"surprises": 0}) == []
    (reason,) = record._unasked({"surprises": 3})
    assert reason.text.startswith("3 times the service sent")
