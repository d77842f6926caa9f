"""Bench `relations` in small, on a real PostgreSQL: every measure gives its figure."""

from __future__ import annotations

import pytest

from harness.bench import relations


def test_it_loads_what_it_copies_and_asks_for_the_strongest() -> None:
    said: list[str] = []
    document = relations.run(said.append, pairs=3_000).document()
    assert len(said) == len(document["samples"]) == 3
    assert all(value > 0 and anchor > 0 for value, anchor in document["samples"])
    assert (document["unit"], document["pairs"], document["top_questions"]) == ("pairs/s", 3_000, 300)
    assert 3_000 < document["top_ties"] <= 6_000, "those loaded, and those of the import"
    assert 0 < document["top_p50_ms"] <= document["top_p99_ms"] <= document["top_max_ms"]
    assert document["interactions_per_s"] > 0
    assert document["import_pairs_per_s"] > 0
    assert document["load_of_copy"] == pytest.approx(document["ratio"], abs=1e-3)
    assert document["import_of_copy"] > 0
