"""Bench `recorder` in small."""

from __future__ import annotations

import numpy as np

from harness.bench import recorder
from harness.engine.answers import outcomes_of
from system.contract.history import Outcome


def test_a_request_costs_more_than_its_bytes_and_a_long_run_is_taken_step_by_step() -> None:
    said: list[str] = []
    document = recorder.run(said.append, requests=20_000, long_run=40_000).document()
    assert (document["bench"], document["unit"], len(document["samples"])) == ("recorder", "µs CPU a request", 3)
    assert document["value"] > document["anchor_value"] > 0
    assert document["long_run"]["requests"] == 40_000
    assert {name for name in document["long_run"] if name.endswith("_s")} == {"history_s", "account_s", "read_s"}
    assert len(said) == 4


def test_a_made_up_tape_is_one_that_was_played_and_answered() -> None:
    tape = recorder.played(1_000)
    assert (tape.times(tape.done) - tape.times(tape.intended)).min() > 200_000
    assert set(outcomes_of(tape.codes()).tolist()) == {Outcome.LOSE}
    (page,) = recorder.recorder.pages(tape, np.arange(recorder.USERS, dtype=np.uint64), 1, 0)
    assert len(page) == 1_000
    assert set(page["outcome"].tolist()) == {Outcome.LOSE}
