"""A programme as an order to control: money and packets scale, times follow the pace."""

from __future__ import annotations

from collections import Counter
from datetime import date
from fractions import Fraction

import pytest

from harness.forecast.programme import Staging, begins_us, programme_order
from harness.forecast.share import ShareError
from plans.models import load_programme
from plans.models.home import HOME

EVENING = load_programme(HOME / "forecasts" / "evening.yaml")
EIGHT_IN_BEIJING_US = 1_454_846_400_000_000


@pytest.mark.parametrize("scale", [Fraction(1), Fraction(1, 10_000), Fraction(1, 9_973), Fraction(1, 50_000)])
def test_money_and_packets_are_divided_by_the_scale_to_the_fen_and_the_packet(scale: Fraction) -> None:
    order = programme_order(EVENING, Staging(scale), EIGHT_IN_BEIJING_US)
    spent = Counter[int]()
    for item, one in zip(order.rounds, EVENING.rounds, strict=True):
        assert item.order.packets == round(one.packets * scale)
        for split in item.order.sponsors:
            spent[split.sponsor] += split.budget_fen
    assert sum(spent.values()) == round(EVENING.budget_fen * scale)
    for sponsor in EVENING.sponsors:
        assert abs(spent[sponsor.id] - sponsor.budget * scale) < 1


@pytest.mark.parametrize(("scale", "expected", "gained"), [(1, 200_000_000, 1_100_000_000), (10_000, 20_000, 110_000)])
def test_ties_that_were_expected_and_gained_in_2016_scale_too(scale: int, expected: int, gained: int) -> None:
    order = programme_order(EVENING, Staging(Fraction(1, scale)), EIGHT_IN_BEIJING_US)
    assert order.ties is not None
    assert (order.ties.expected, order.ties.gained) == (expected, gained)
    silent = programme_order(EVENING.model_copy(update={"ties": None}), Staging(Fraction(1)), EIGHT_IN_BEIJING_US)
    assert silent.ties is None


def test_each_sponsor_s_part_of_a_round_is_what_its_line_says() -> None:
    order = programme_order(EVENING, Staging(Fraction(1)), EIGHT_IN_BEIJING_US)
    budgets = {item.name: {s.sponsor: s.budget_fen for s in item.order.sponsors} for item in order.rounds}
    assert budgets["cue-2105"][1] == 24_000_000_00
    assert budgets["cue-2036"][2] == 10_500_000_00
    assert 1 not in budgets["hour-20"]


def test_times_are_those_of_the_zone_and_a_pace_makes_them_shorter() -> None:
    first_us = begins_us(EVENING, date(2016, 2, 7))
    assert first_us == EIGHT_IN_BEIJING_US
    order = programme_order(EVENING, Staging(Fraction(1, 10_000)), first_us)
    after_s = [(item.order.start_us or 0) // 1_000_000 - first_us // 1_000_000 for item in order.rounds]
    assert after_s == [0, 2160, 3600, 3900, 7200, 7920, 10_800, 14_400]
    quick = programme_order(EVENING, Staging(Fraction(1, 10_000), "stress", Fraction(60), "quick"), 0)
    assert [(item.order.start_us or 0) // 1_000_000 for item in quick.rounds] == [0, 36, 60, 65, 120, 132, 180, 240]
    assert [item.order.duration_ms for item in quick.rounds[:2]] == [1_000, 5_000]
    assert {(item.order.lane, item.arm_ahead_ms) for item in quick.rounds} == {("stress", 1_000)}
    assert (quick.programme, quick.lane) == ("quick", "stress")
    assert {item.order.season for item in quick.rounds} == {None}
    blessed = programme_order(EVENING, Staging(Fraction(1, 10_000), season=3), 0)
    assert {item.order.season for item in blessed.rounds} == {3}


@pytest.mark.parametrize(
    ("staging", "says"),
    [
        pytest.param(Staging(Fraction(1, 1_000_000)), "leaves 0 packets", id="a scale that leaves a sponsor nothing"),
        pytest.param(Staging(Fraction(1, 10_000), pace=Fraction(1000)), "before the one before it ends", id="too fast"),
    ],
)
def test_what_cannot_be_played_is_refused(staging: Staging, says: str) -> None:
    with pytest.raises(ShareError, match=says):
        programme_order(EVENING, staging, 0)
