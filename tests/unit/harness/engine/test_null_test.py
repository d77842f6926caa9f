"""The null test's judgement of a ramp: where the generator stopped keeping its schedule."""

from __future__ import annotations

import numpy as np
import pytest

from harness.engine.null_test import judge_ramp
from harness.engine.schedule import ramp, schedule
from system.contract.history import OP_DTYPE


def _ramp(breaks_at_s: float, lag_ms: float = 0.0, response_ms: float = 0.2, until_s: float = 5.0) -> np.ndarray:
    """A ramp to 50,000/s in 5 s; between ``breaks_at_s`` and ``until_s`` lag and response are as given."""
    intended = schedule(ramp(0, 50_000, 5), 1).intended_ns
    records = np.zeros(len(intended), OP_DTYPE)
    late = (intended >= breaks_at_s * 1e9) & (intended < until_s * 1e9)
    records["intended_ns"] = intended
    records["reached_ns"] = intended + np.where(late, lag_ms * 1e6, 100_000).astype(np.int64)
    records["done_ns"] = intended + np.where(late, response_ms * 1e6, 200_000).astype(np.int64)
    return records


@pytest.mark.parametrize(
    ("made", "ceiling"),
    [
        pytest.param({"breaks_at_s": 9}, 50_000, id="all of it kept"),
        pytest.param({"breaks_at_s": 3, "lag_ms": 2}, 30_000, id="late from 30,000/s on"),
        pytest.param({"breaks_at_s": 4, "response_ms": 50}, 40_000, id="answers stay away from 40,000/s on"),
        pytest.param({"breaks_at_s": 2, "lag_ms": 9, "until_s": 2.15}, 50_000, id="a hiccup of a neighbour is no end"),
        pytest.param({"breaks_at_s": 0, "lag_ms": 9}, 0, id="never on time"),
    ],
)
def test_ceiling(made: dict[str, float], ceiling: float) -> None:
    found = judge_ramp(_ramp(**made), 50_000)
    assert found.ceiling_rps == pytest.approx(0.9 * ceiling, rel=0.03)
    assert found.floor_ms == (pytest.approx(0.2, abs=0.01) if ceiling else None)


def test_nothing_fired() -> None:
    assert judge_ramp(np.zeros(0, OP_DTYPE), 1).ceiling_rps == 0
