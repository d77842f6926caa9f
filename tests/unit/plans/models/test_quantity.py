"""Quantities as people write them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plans.models import quantity as q


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        pytest.param(q.duration_s, "60s", 60.0, id="seconds"),
        pytest.param(q.duration_s, "200ms", 0.2, id="milliseconds"),
        pytest.param(q.duration_s, " 5 m ", 300.0, id="minutes, with spaces"),
        pytest.param(q.duration_s, "1m30s", 90.0, id="parts, from long to short"),
        pytest.param(q.duration_s, "1h 5m 200ms", 3900.2, id="parts with spaces"),
        pytest.param(q.duration_s, 0, 0.0, id="zero needs no unit"),
        pytest.param(q.rate_per_s, "7/s", 7.0, id="per second"),
        pytest.param(q.rate_per_s, "420/m", 7.0, id="per minute"),
        pytest.param(q.count, 35_000, 35_000, id="a plain number"),
        pytest.param(q.count, "35_000", 35_000, id="grouped, quoted"),
        pytest.param(q.count, "60M", 60_000_000, id="millions"),
        pytest.param(q.count, "2亿", 200_000_000, id="hundreds of millions, in Chinese"),
        pytest.param(q.count, "1.5万", 15_000, id="ten thousands, in Chinese"),
        pytest.param(q.share, "25%", 0.25, id="percent"),
        pytest.param(q.share, 0.25, 0.25, id="a part of one"),
        pytest.param(q.money_fen, "200元", 20_000, id="yuan are a hundred fen"),
        pytest.param(q.money_fen, "0.88元", 88, id="fen behind the point"),
        pytest.param(q.money_fen, "88分", 88, id="fen"),
        pytest.param(q.money_fen, "66_000_000 yuan", 6_600_000_000, id="in English"),
        pytest.param(q.ratio, "1/10_000", Fraction(1, 10_000), id="a scale"),
        pytest.param(q.ratio, 1, Fraction(1), id="the whole event"),
        pytest.param(q.ratio, "0.0001", Fraction(1, 10_000), id="a scale as a decimal is exact"),
    ],
)
def test_reads(read, text, value):
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text", "says"),
    [
        pytest.param(q.duration_s, 60, "60s, 5m or 200ms", id="a duration without a unit"),
        pytest.param(q.duration_s, "-5s", "is not a duration", id="a negative duration"),
        pytest.param(q.duration_s, True, "is not a duration", id="a yes"),
        pytest.param(q.duration_s, "30s1m", "from long to short", id="parts upside down"),
        pytest.param(q.duration_s, "5s5s", "from long to short", id="a unit twice"),
        pytest.param(q.duration_s, "23h61m", "at most 24 hours", id="parts longer than a day"),
        pytest.param(q.duration_s, "25h", "at most 24 hours", id="longer than a day"),
        pytest.param(q.count, 10**13, "at most", id="more than there is"),
        pytest.param(q.count, 10**400, "at most", id="a slip of the key"),
        pytest.param(q.rate_per_s, "7", "7/s", id="a rate without a time"),
        pytest.param(q.count, "1.5", "whole number", id="half a packet"),
        pytest.param(q.count, -1, "whole number", id="fewer than none"),
        pytest.param(q.count, 3.0, "whole number", id="a float is no count"),
        pytest.param(q.share, "101%", "0% to 100%", id="more than all"),
        pytest.param(q.share, "nan", "percentage", id="not a number"),
        pytest.param(q.share, float("nan"), "0% to 100%", id="the float that is not a number"),
        pytest.param(q.money_fen, 200, "200元", id="money without a unit"),
        pytest.param(q.money_fen, "0.001元", "whole fen", id="less than a fen"),
        pytest.param(q.ratio, "2", "1/10000", id="more than the event"),
        pytest.param(q.ratio, "1/0", "1/10000", id="divided by nothing"),
        pytest.param(q.ratio, 0, "1/10000", id="nothing of the event"),
    ],
)
def test_refuses_and_says_what_it_expects(read, text, says):
    with pytest.raises(ValueError, match="expected") as caught:
        read(text)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("read", "text", "meant"),
    [
        pytest.param(q.duration_s, "5min", "5m", id="minutes"),
        pytest.param(q.duration_s, "1m 30 seconds", "1m 30s", id="seconds behind minutes"),
        pytest.param(q.duration_s, "100μs", "100us", id="a Greek letter"),
        pytest.param(q.duration_s, "90秒", "90s", id="in Chinese"),
        pytest.param(q.rate_per_s, "7rps", "7/s", id="slang"),
        pytest.param(q.rate_per_s, "400 per minute", "400/m", id="in words"),
        pytest.param(q.count, "35,000", "35_000", id="commas"),
        pytest.param(q.count, "60 million", "60M", id="millions"),
        pytest.param(q.share, "25 percent", "25%", id="percent"),
        pytest.param(q.share, "25％", "25%", id="a wide sign"),
        pytest.param(q.money_fen, "¥200", "200元", id="a currency in front"),
        pytest.param(q.money_fen, "1,000 RMB", "1_000元", id="a currency behind"),
        pytest.param(q.duration_s, "5 d", "", id="days: nothing is guessed"),
        pytest.param(q.duration_s, "60", "", id="no unit: nothing is guessed"),
        pytest.param(q.count, "1,5", "", id="a comma that is no group of thousands"),
        pytest.param(q.money_fen, "200 USD", "", id="another currency"),
    ],
)
def test_another_spelling_names_the_right_one(read: Callable[[object], object], text: str, meant: str) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        read(text)
    assert str(caught.value).partition("; did you mean ")[2] == (f"{meant}?" if meant else "")
    if meant:
        read(meant)


@given(st.integers(min_value=0, max_value=10**15))
def test_fen_survive_being_written_as_yuan(fen):
    assert q.money_fen(f"{fen // 100}.{fen % 100:02d}元") == fen


@given(st.integers(min_value=1, max_value=10**9), st.integers(min_value=1, max_value=10**9))
def test_a_scale_is_read_back_from_its_text(a, b):
    part = Fraction(min(a, b), max(a, b))
    assert q.ratio(q.ratio_text(part)) == part


@pytest.mark.parametrize("read", [q.rate_per_s, q.money_fen])
def test_no_quantity_is_without_end(read: Callable[[object], object]) -> None:
    unit = "/s" if read is q.rate_per_s else "元"
    with pytest.raises(ValueError, match="at most"):
        read("9" * 400 + unit)
