"""Bench `credit` in small, on real stores: both measures, and a worker that has broken is told with its last words."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.bench import credit
from harness.errors import EnvironmentNotReady


def test_it_posts_what_it_copies_and_tells_both_rates(tmp_path: Path) -> None:
    said: list[str] = []
    report = credit.run(said.append, awards=7_001, entry=9)
    document = report.document()
    assert len(said) == len(document["samples"]) == 3
    assert all(value > 0 and anchor > 0 for value, anchor in document["samples"])
    assert document["ratio"] == round(document["value"] / document["anchor_value"], 4)
    assert (document["unit"], document["awards"], document["records_per_entry"]) == ("postings/s", 7_001, 9)


def test_a_worker_that_broke_is_told_in_words(tmp_path: Path) -> None:
    with credit.bare_credit(tmp_path, 10, 1) as child:
        with pytest.raises(EnvironmentNotReady, match="nothing was posted yet"):
            child.measure("copy")
        with pytest.raises(EnvironmentNotReady, match="the bare credit worker ended"):
            child.measure("post")
