"""The pilot's books, in a process of their own (Locust patches the one it lives in): counts in are counts out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CODE = """
from harness.journeys.pilot import METHOD, NAME, LocustCounts
from hypothesis import given, settings, strategies as st
from locust.stats import RequestStats

PART = st.tuples(st.integers(0, 50), st.integers(0, 5), st.sampled_from([900, 8000, 150_000, 2_000_000]))

@settings(max_examples=60, deadline=None, database=None)
@given(st.lists(PART, min_size=1, max_size=12))
def holds(parts):
    stats = RequestStats()
    books, lose, unknown, edges = LocustCounts(stats), 0, 0, {}
    for lost, broken, edge in parts:
        lose, unknown = lose + lost, unknown + broken
        edges[edge] = edges.get(edge, 0) + lost + broken
        spent = sum(e * n for e, n in edges.items())
        counts = {"outcomes": {"lose": lose, "unknown": unknown}, "response_us": [list(p) for p in edges.items()],
                  "response_sum_us": spent, "response_max_us": max(edges)}
        reads = counts | {"journey": "reads", "shot": "wallet", "outcomes": {"empty": lose, "unknown": unknown}}
        books.book(counts | {"beside": [reads]})
    for entry in (stats.get(NAME, METHOD), stats.get("/v1/wallet", "GET")):
        assert entry.num_requests == lose + unknown == sum(entry.response_times.values())
        assert entry.num_failures == unknown
    assert stats.total.num_requests == 2 * (lose + unknown), "each journey in its own row, both in the total"
    assert sum(error.occurrences for error in stats.errors.values()) == 2 * unknown

holds()
print("holds")
"""


def test_counts_in_are_counts_out_over_any_split() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip().endswith("holds"), done.stderr[-2000:]
