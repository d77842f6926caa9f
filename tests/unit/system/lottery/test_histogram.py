"""Histograms: exact sums by construction, a minimum for everybody, one clear error for what contradicts itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from system.lottery import EQUAL, LUCKY, HistogramError, Luck, PacketHistogram, make_histogram


@pytest.mark.parametrize(
    ("packets", "budget_fen", "classes"),
    [
        pytest.param(1, 1, [(1, 1)], id="one packet of one fen"),
        pytest.param(1, 88_800, [(88_800, 1)], id="one packet takes it all"),
        pytest.param(10, 10, [(1, 10)], id="as many packets as fen: one fen each"),
        pytest.param(10, 13, [(1, 7), (2, 3)], id="three fen over: three packets have one more"),
        pytest.param(2**31, 2**31, [(1, 2**31)], id="the largest round of one fen each"),
    ],
)
def test_makes(packets: int, budget_fen: int, classes: list[tuple[int, int]]) -> None:
    assert list(make_histogram(1, packets, budget_fen).classes) == classes


def test_lucky_has_many_small_and_few_large() -> None:
    histogram = make_histogram(1, 10_000, 1_000_000)
    assert histogram.budget_fen == 1_000_000
    assert histogram.classes[-1].packets == 20
    assert histogram.classes[-1].fen > 16 * 100
    assert sum(packets for fen, packets in histogram.classes if fen < 100) == 7000


def test_equal_spread_is_equal() -> None:
    assert list(make_histogram(1, 7, 23, spread=EQUAL).classes) == [(3, 5), (4, 2)]


@given(
    packets=st.integers(1, 2**31),
    mean=st.integers(0, 2_000_000),
    odd=st.integers(0, 10**9),
    fen_min=st.integers(1, 500),
    spread=st.sampled_from([LUCKY, EQUAL]),
)
def test_sum_and_count_are_exact(packets: int, mean: int, odd: int, fen_min: int, spread: tuple[Luck, ...]) -> None:
    budget_fen = packets * (fen_min + mean) + odd % packets
    histogram = make_histogram(3, packets, budget_fen, fen_min=fen_min, spread=spread)
    assert histogram.packets == packets
    assert histogram.budget_fen == budget_fen
    assert histogram.classes[0].fen >= fen_min
    assert len(histogram.classes) <= len(spread) + 1


@pytest.mark.parametrize(
    ("packets", "budget_fen", "keywords"),
    [
        pytest.param(0, 10, {}, id="no packets"),
        pytest.param(10, 9, {}, id="fewer fen than packets"),
        pytest.param(10, 19, {"fen_min": 2}, id="fewer fen than the minimum needs"),
        pytest.param(10, 10, {"fen_min": 0}, id="nothing is no prize"),
        pytest.param(2**31 + 1, 2**40, {}, id="more packets than indexes"),
        pytest.param(1, 2**32, {}, id="more than a record can hold"),
        pytest.param(2, 20.0, {}, id="a float is no money"),
        pytest.param(2, 20, {"spread": (Luck(9999, 100),)}, id="shares that do not add up"),
        pytest.param(2, 20, {"spread": (Luck(10_000, 101),)}, id="a spread that spends too much"),
        pytest.param(2, 20, {"spread": (Luck(5000, 120), Luck(5000, 80))}, id="a spread that descends"),
        pytest.param(2, 20, {"spread": ()}, id="no spread"),
    ],
)
def test_refuses_to_make(packets: int, budget_fen: int, keywords: dict[str, object]) -> None:
    with pytest.raises(HistogramError):
        make_histogram(1, packets, budget_fen, **keywords)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sponsor", "classes"),
    [
        pytest.param(1, (), id="no classes"),
        pytest.param(1, ((2, 1), (1, 1)), id="descending"),
        pytest.param(1, ((2, 1), (2, 1)), id="twice the same amount"),
        pytest.param(1, ((0, 1),), id="nothing is no prize"),
        pytest.param(1, ((1, 0),), id="an empty class"),
        pytest.param(1, ((1.0, 1),), id="a float is no money"),
        pytest.param(1, ((1, True),), id="a bool is no count"),
        pytest.param(1, ((2**32, 1),), id="more than a record can hold"),
        pytest.param(-1, ((1, 1),), id="no such sponsor"),
        pytest.param(2**16, ((1, 1),), id="a sponsor that no record can hold"),
    ],
)
def test_refuses(sponsor: int, classes: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(HistogramError):
        PacketHistogram(sponsor, classes)  # type: ignore[arg-type]


def test_from_classes_in_any_order() -> None:
    assert list(PacketHistogram.of(1, [(9, 1), (2, 3), (9, 4)]).classes) == [(2, 3), (9, 5)]
    with pytest.raises(HistogramError, match="integers"):
        PacketHistogram.of(1, [(9, 0)])
