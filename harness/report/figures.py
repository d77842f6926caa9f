"""Figures for people: units, thousands, yuan from fen. Pure; rounds only here, at the very end."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from harness.forecast.judge import Judged


@dataclass(frozen=True, slots=True)
class Amount:
    """A figure with its unit in both languages."""

    zh: str
    en: str


UNITS: dict[str, tuple[str, str]] = {
    "1/s": (" 次/秒", "/s"),
    "ms": (" 毫秒", " ms"),
    "s": (" 秒", " s"),
    "taps": (" 次", " taps"),
    "packets": (" 个", " packets"),
    "wins": (" 个", " wins"),
    "people": (" 人", " people"),
    "claims": (" 份", " claims"),
    "pairs": (" 对", " pairs"),
    "cards": (" 张", " cards"),
    "purchases": (" 笔", " purchases"),
}


def number(value: float | int | None, digits: int = 3) -> str:
    """At most `digits` significant digits, but a whole number whole; thousands apart; a dash for an unknown figure."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    if abs(value) >= 1000 or float(value).is_integer():
        return f"{value:,.0f}"
    text = f"{value:.{digits}g}"
    return f"{value:,.0f}" if "e+" in text else text


def yuan(fen: float | int | None) -> str:
    """Yuan with two digits, exact for whole fen."""
    if fen is None:
        return "–"
    whole = round(fen)
    sign, whole = ("−" if whole < 0 else ""), abs(whole)
    return f"{sign}{whole // 100:,}.{whole % 100:02d}"


def scale(factor: str) -> str:
    """`1/10,000`; another fraction with the round one beside it."""
    try:
        part = Fraction(factor)
    except (ValueError, ZeroDivisionError):
        return factor
    if part.numerator == 1 or part <= 0:
        return f"1/{part.denominator:,}" if part != 1 else "1"
    return f"{part.numerator:,}/{part.denominator:,} (≈ 1/{round(1 / part):,})"


def share_words(factor: str) -> Amount:
    """How much of the event. A plan at scale 1 plays all of its own event, however small: never *1 of the event*."""
    if whole(factor):
        return Amount("自己的那场活动，全部", "all of its own event")
    return Amount(f"整场活动的 {scale(factor)}", f"{scale(factor)} of the event")


def whole(factor: str) -> bool:
    """Is it the whole?"""
    try:
        return Fraction(factor) == 1
    except (ValueError, ZeroDivisionError):
        return False


def with_unit(value: float | int | None, unit: str) -> Amount:
    """A figure as it is said."""
    if value is None:
        return Amount("无数据", "no data")
    if unit == "fen":
        return Amount("0 分", "0 fen") if value == 0 else Amount(f"{yuan(value)} 元", f"{yuan(value)} yuan")
    if unit == "1":
        return Amount(f"{value:.2%}", f"{value:.2%}")
    zh, en = UNITS.get(unit, (f" {unit}".rstrip(), f" {unit}".rstrip()))
    return Amount(number(value) + zh, number(value) + en)


def band_text(row: Judged) -> Amount:
    """The band of an indicator, as it is said."""
    upper = with_unit(row.upper, row.unit)
    if row.lower == row.upper:
        return Amount(f"恰好 {upper.zh}", f"exactly {upper.en}")
    if row.cls == "quality":
        return Amount(f"至多 {upper.zh}", f"at most {upper.en}")
    lower = yuan(row.lower) if row.unit == "fen" else f"{row.lower:.2%}" if row.unit == "1" else number(row.lower)
    return Amount(f"{lower} – {upper.zh}", f"{lower} – {upper.en}")
