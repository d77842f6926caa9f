"""A rate changed by hand: the file, and the rest of the plan at the new rate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import BadInput, EnvironmentNotReady
from harness.guard.rate import read_rate, rest_of, write_rate
from harness.orchestrate.rate import set_rate

PLAN: list[dict[str, Any]] = [
    {"kind": "constant", "rate_rps": 10.0, "duration_s": 2.0, "phase": 0},
    {"kind": "constant", "rate_rps": 20.0, "duration_s": 5.0, "phase": 1},
]


@pytest.mark.parametrize(
    ("passed_s", "left"),
    [
        pytest.param(0.5, [(0, 1.5), (1, 5.0)], id="in the warm-up: its rest, then the whole measured part"),
        pytest.param(3.0, [(1, 4.0)], id="in the measured part: its rest"),
        pytest.param(7.0, [], id="at the end: nothing"),
    ],
)
def test_the_rest_of_a_plan(passed_s: float, left: list[tuple[int, float]]) -> None:
    rest = rest_of(PLAN, passed_s, 7)
    assert [(one["phase"], one["duration_s"]) for one in rest] == left
    assert all(one["rate_rps"] == 7.0 for one in rest)


def test_versions_grow(tmp_path: Path) -> None:
    assert read_rate(tmp_path) is None
    assert write_rate(tmp_path, 5).version == 1
    second = write_rate(tmp_path, 6)
    assert (second.version, read_rate(tmp_path)) == (2, second)


def test_nothing_runs(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentNotReady, match="no plan runs"):
        set_rate(5, tmp_path)
    with pytest.raises(BadInput, match="xiu kill"):
        set_rate(0, tmp_path)
