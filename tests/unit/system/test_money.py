"""Amounts people write become whole fen, or one clear error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from system.money import FEN_MAX, MoneyError, check_fen, format_fen, parse_fen


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        pytest.param("200元", 20_000, id="whole yuan"),
        pytest.param("0.01元", 1, id="one fen as yuan"),
        pytest.param("30分", 30, id="fen"),
        pytest.param("1,234.50 yuan", 123_450, id="thousands separated, English unit, blank"),
        pytest.param("¥8.8", 880, id="sign in front"),
        pytest.param("6.15亿元", 61_500_000_000, id="the sponsors' 615 million"),
        pytest.param("26880万元", 26_880_000_000, id="ten-thousands"),
        pytest.param("1.2300元", 123, id="zeros behind the fen are harmless"),
        pytest.param("0元", 0, id="nothing"),
    ],
)
def test_reads(text: str, fen: int) -> None:
    assert parse_fen(text) == fen


@pytest.mark.parametrize(
    "text",
    [
        "200",
        "",
        "元",
        "-1元",
        "0.001元",
        "1.5分",
        "1e3元",
        "1,00元",
        "200元元",
        "200美元",
        "٣元",
        "92233720368547758.08元",
    ],
)
def test_refuses_text(text: str) -> None:
    with pytest.raises(MoneyError):
        parse_fen(text)


@pytest.mark.parametrize("value", [2.0, 200, None, True, b"200"])
def test_refuses_what_is_no_text(value: object) -> None:
    with pytest.raises(MoneyError, match="no amount"):
        parse_fen(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [1.0, True, "1", None, -1, FEN_MAX + 1])
def test_check_refuses(value: object) -> None:
    with pytest.raises(MoneyError):
        check_fen(value)


def test_check_passes_integers_on() -> None:
    assert check_fen(7) == 7
    with pytest.raises(MoneyError, match="outside"):
        check_fen(0, lowest=1)


@pytest.mark.parametrize(("fen", "text"), [(20_012, "200.12元"), (-1, "-0.01元"), (123_456_789, "1,234,567.89元")])
def test_shows(fen: int, text: str) -> None:
    assert format_fen(fen) == text


def test_shows_no_float() -> None:
    with pytest.raises(MoneyError):
        format_fen(1.5)  # type: ignore[arg-type]


@given(st.integers(min_value=0, max_value=FEN_MAX))
def test_what_is_shown_is_read_back(fen: int) -> None:
    assert parse_fen(format_fen(fen)) == fen
