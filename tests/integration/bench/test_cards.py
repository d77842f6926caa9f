"""Bench `cards` in small, on a real PostgreSQL: both measures combine, and every combination is there."""

from __future__ import annotations

from harness.bench import cards


def test_the_play_and_the_bare_statements_combine_as_many() -> None:
    said: list[str] = []
    document = cards.run(said.append, users=40).document()
    assert len(said) == len(document["samples"]) == 3
    assert all(value > 0 and anchor > 0 for value, anchor in document["samples"])
    assert (document["bench"], document["unit"], document["combinations"]) == ("cards", "combinations/s", 40)
