"""The keyed permutation: a bijection of every size, two paths that agree, and luck that no position has more of."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from system.lottery.permutation import Permutation, split

LARGEST = 2**31


def key(number: int) -> bytes:
    return hashlib.sha256(number.to_bytes(8, "little")).digest()


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 24, 25, 26, 1000, 65_536, 99_991])
def test_every_index_has_a_rank_of_its_own_on_both_paths(size: int) -> None:
    permutation = Permutation(key(size), size)
    many = permutation.many(np.arange(size, dtype=np.uint32))
    assert np.array_equal(np.sort(many), np.arange(size, dtype=np.uint32))
    assert many.tolist() == [permutation.one(index) for index in range(size)]


@settings(max_examples=60, deadline=None)
@given(seed=st.binary(min_size=32, max_size=32), size=st.integers(1, 3000))
def test_bijection(seed: bytes, size: int) -> None:
    many = Permutation(seed, size).many(np.arange(size, dtype=np.uint32))
    assert len(np.unique(many)) == size
    assert int(many.max()) == size - 1


@settings(max_examples=25, deadline=None)
@given(seed=st.binary(min_size=32, max_size=32), size=st.integers(1, LARGEST), data=st.data())
def test_paths_agree_in_large_rounds(seed: bytes, size: int, data: st.DataObject) -> None:
    indexes = data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=50))
    permutation = Permutation(seed, size)
    many = permutation.many(np.array(indexes, dtype=np.uint32)).tolist()
    assert many == [permutation.one(index) for index in indexes]
    assert max(many) < size


@pytest.mark.parametrize("size", [LARGEST, LARGEST - 1, 60_000_000])
def test_largest_round_sampled(size: int) -> None:
    permutation = Permutation(key(1), size)
    picks = np.unique(np.random.default_rng(5).integers(0, size, 300_000, dtype=np.uint32))
    picks = np.concatenate([np.array([0, size - 1], dtype=np.uint32), picks[(picks > 0) & (picks < size - 1)]])
    ranks = permutation.many(picks)
    assert len(np.unique(ranks)) == len(picks)
    assert int(ranks.max()) < size
    assert ranks[:2000].tolist() == [permutation.one(int(index)) for index in picks[:2000]]
    # Spread evenly: 64 bins, chi-square with 63 degrees of freedom is above 120 once in 60,000 times.
    counts = np.bincount((ranks.astype(np.uint64) * 64 // size).astype(np.int64), minlength=64)
    expected = len(picks) / 64
    assert float(((counts - expected) ** 2 / expected).sum()) < 120


@given(st.integers(1, LARGEST))
def test_domain_is_barely_larger_than_the_round(size: int) -> None:
    a, b = split(size)
    assert size <= a * b < size + a
    assert a * b < 2**32
    assert (a - 1) ** 2 < size <= a * a


@pytest.mark.parametrize("size", [0, -1, LARGEST + 1])
def test_refuses_sizes(size: int) -> None:
    with pytest.raises(ValueError, match="expected 1 to"):
        Permutation(key(0), size)


def test_another_seed_is_another_permutation() -> None:
    index = np.arange(10_000, dtype=np.uint32)
    one, two = (Permutation(key(number), 10_000).many(index) for number in (1, 2))
    assert int((one == two).sum()) < 20


# (size, seeds, the chi-square that (size - 1)² degrees of freedom exceed about once in 10,000 times)
@pytest.mark.parametrize(("size", "seeds", "limit"), [(2, 2000, 16), (3, 2000, 24), (6, 3000, 60), (7, 3000, 77)])
def test_position_does_not_matter_for_luck(size: int, seeds: int, limit: float) -> None:
    seen: Counter[tuple[int, int]] = Counter()
    for seed in range(seeds):
        permutation = Permutation(key(seed), size)
        seen.update((index, permutation.one(index)) for index in range(size))
    expected = seeds / size
    assert len(seen) == size * size
    assert sum((count - expected) ** 2 / expected for count in seen.values()) < limit


def test_all_orders_of_five_are_equally_likely() -> None:
    seeds = 6000
    orders = Counter(tuple(Permutation(key(s), 5).many(np.arange(5, dtype=np.uint32)).tolist()) for s in range(seeds))
    expected = seeds / 120
    assert len(orders) == 120
    # 119 degrees of freedom: above 185 about once in 10,000 times.
    assert sum((count - expected) ** 2 / expected for count in orders.values()) < 185


def test_neighbours_have_nothing_in_common() -> None:
    size = 1_000_000
    ranks = Permutation(key(3), size).many(np.arange(size, dtype=np.uint32)).astype(np.float64)
    for lag in (1, 2, 1000, 1001):
        # 1 / √n is one standard deviation.
        assert abs(float(np.corrcoef(ranks[:-lag], ranks[lag:])[0, 1])) < 5e-3
    first, second = ranks[: size // 2].mean(), ranks[size // 2 :].mean()
    assert abs(float(first - second)) < size * 0.003
