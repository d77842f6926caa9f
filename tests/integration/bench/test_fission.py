"""Bench `fission` in small, on a real PostgreSQL: both pairs, every part out, and a sample that broke is told."""

from __future__ import annotations

from harness.bench import fission


def test_it_claims_what_bare_psycopg_claims_and_tells_all_rates() -> None:
    said: list[str] = []
    document = fission.run(said.append, links=6, parts=3, hot=20).document()
    assert (document["unit"], document["links"], document["parts"]) == ("claims/s", 6, 3)
    hot = document["hot_link"]
    for pairs in (document["samples"], hot["samples"]):
        assert len(pairs) == 3
        assert all(value > 0 and anchor > 0 for value, anchor in pairs)
    assert document["ratio"] == round(document["value"] / document["anchor_value"], 4)
    assert hot["ratio"] == round(hot["value"] / hot["anchor_value"], 4)
