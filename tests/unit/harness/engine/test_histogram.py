"""The histogram: three digits, nothing lost, merged by adding, silent where samples are too few."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.histogram import HIGH_US, LOW_US, MAX_US, Histogram, merged

values = st.lists(st.integers(-5_000, 70_000_000_000), max_size=200)


def _of(samples: list[int]) -> Histogram:
    return Histogram.of_ns(np.array(samples, np.int64))


@given(st.integers(1, MAX_US))
def test_three_digits(us: int) -> None:
    one = Histogram()
    one.record_us(np.array([us]))
    bucket = int(np.flatnonzero(one.counts)[0])
    assert LOW_US[bucket] <= us <= HIGH_US[bucket]
    assert HIGH_US[bucket] - LOW_US[bucket] <= us / 1000


@given(values, st.integers(0, 200))
def test_merge_of_any_split_equals_one_recording(samples: list[int], cut: int) -> None:
    whole, parts = _of(samples), merged([_of(samples[:cut]), _of(samples[cut:])])
    assert parts.to_json() == whole.to_json()
    assert whole.total == len(samples)


@given(values)
def test_json_is_lossless(samples: list[int]) -> None:
    whole = _of(samples)
    assert Histogram.from_json(json.loads(json.dumps(whole.to_json()))).to_json() == whole.to_json()


@given(values)
def test_coarse_buckets_lose_no_sample_and_stay_above_it(samples: list[int]) -> None:
    coarse = _of(samples).coarse()
    assert sum(count for _, count in coarse) == len(samples)
    assert [edge for edge, _ in coarse] == sorted({edge for edge, _ in coarse})


def test_out_of_range_is_counted() -> None:
    outside = _of([0, 500, 61_000_000_000])
    assert (outside.below, outside.above, outside.total) == (1, 1, 3)
    assert outside.max_us == 61_000_000


@pytest.mark.parametrize(
    ("samples", "percent", "told"),
    [
        pytest.param(1_000, 99, True, id="ten beyond p99"),
        pytest.param(999, 99, False, id="nine beyond p99"),
        pytest.param(10_000, 99.9, True, id="ten beyond p99.9"),
        pytest.param(0, 50, False, id="no sample, no figure"),
    ],
)
def test_a_percentile_needs_ten_samples_beyond_it(samples: int, percent: float, told: bool) -> None:
    histogram = Histogram()
    histogram.record_us(np.arange(1, samples + 1))
    figure = histogram.percentile_ms(percent)
    assert (figure is not None) is told
    if figure is not None:
        assert figure == pytest.approx(samples * percent / 100_000, rel=0.001)


@given(st.lists(st.integers(1, 10_000_000), min_size=30, max_size=300))
def test_percentile_is_an_order_statistic(samples: list[int]) -> None:
    histogram = Histogram()
    histogram.record_us(np.array(samples))
    exact = sorted(samples)[-(-len(samples) // 2) - 1]
    figure = histogram.percentile_ms(50)
    assert figure is not None
    assert exact <= figure * 1000 * (1 + 1e-9) <= exact * 1.001 + 1
