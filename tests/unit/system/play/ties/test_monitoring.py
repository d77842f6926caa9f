"""The shift of a distribution: by hand, nothing where nothing moved, no answer where there is nothing to compare."""

from __future__ import annotations

import math

import numpy as np
import pytest

from system.play.ties.monitoring import LEAST, histogram, psi, shift


def test_parts_of_the_scale() -> None:
    counted = histogram(np.array([0, 499, 500, 9_999, 10_000]))
    assert counted.tolist() == [2, 1, *[0] * 16, 0, 2]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param([5, 5], [50, 50], 0.0, id="more of the same"),
        pytest.param([8, 2], [6, 4], -0.2 * math.log(0.75) + 0.2 * math.log(2), id="a fifth went up"),
        pytest.param([9, 1, 0], [9, 1, 0], 0.0, id="a part that stays empty"),
        pytest.param([1, 0], [0, 1], 2 * (1 - LEAST) * -math.log(LEAST), id="all of them"),
        pytest.param([0, 0], [5, 5], None, id="no data before"),
        pytest.param([5, 5], [0, 0], None, id="no data after"),
    ],
)
def test_psi(before: list[int], after: list[int], expected: float | None) -> None:
    found = psi(before, after)
    assert found == (None if expected is None else pytest.approx(expected, abs=1e-12))


def test_only_two_days_in_a_row_are_compared() -> None:
    assert shift([(8, [6, 4]), (7, [8, 2])]) == psi([8, 2], [6, 4])
    assert shift([(8, [6, 4]), (6, [8, 2])]) is None
    assert shift([(8, [6, 4])]) is None
