"""Bench `report` in small."""

from __future__ import annotations

import pytest

from harness.bench import report
from harness.engine import spool


def test_every_step_behind_the_last_answer_is_taken_and_the_page_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "BLOCK_TAPS", 4096)
    monkeypatch.setattr(spool, "BLOCK_TAPS", 4096)
    said: list[str] = []
    document = report.run(said.append, requests=30_000).document()
    assert (document["bench"], document["anchor_value"], len(document["samples"])) == ("report", 30.0, 1)
    assert [line.partition(":")[0] for line in said] == list(document["steps_s"])
    assert document["value"] == pytest.approx(sum(document["steps_s"].values()), abs=0.1)
    assert 10_000 < document["page_bytes"] < document["page_promise_bytes"]
