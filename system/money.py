"""Money is `int` fen. Owns reading amounts that people write, and showing them. Floats and parts of a fen are
refused.
"""

from __future__ import annotations

import re

FEN_PER_YUAN = 100
FEN_MAX = 2**63 - 1
"""Largest amount the ledger can hold (bigint)."""

# Digits of the fraction that still give whole fen, per unit: 1.2345万元 is 1,234,500 fen.
_UNITS: dict[str, int] = {
    "分": 1,
    "fen": 1,
    "元": FEN_PER_YUAN,
    "yuan": FEN_PER_YUAN,
    "万元": 10_000 * FEN_PER_YUAN,
    "亿元": 100_000_000 * FEN_PER_YUAN,
}
_AMOUNT = re.compile(
    r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3}){1,6}|[0-9]{1,20})(?:\.(?P<fraction>[0-9]{1,20}))?\s*(?P<unit>\D+)", re.ASCII
)


class MoneyError(ValueError):
    """An amount that cannot be read as whole, non-negative fen."""


def parse_fen(text: str) -> int:
    """Fen of an amount with its unit: `200元`, `0.01元`, `61,500万元`, `6.15亿元`, `30分`, `1.50 yuan`, `¥200`.

    Raises MoneyError: no unit, a sign, a part of a fen, more than the ledger can hold, not a string (a number has no
    unit, a float no exact value).
    """
    if not isinstance(text, str):
        raise MoneyError(f"{text!r} is no amount; expected text with a unit, such as '200元' or '30分'")
    plain = text.strip()
    if plain.startswith("¥"):
        plain = plain[1:].strip() + "元"
    match = _AMOUNT.fullmatch(plain)
    unit = _UNITS.get(match["unit"].strip()) if match else None
    if match is None or unit is None:
        raise MoneyError(f"{text!r} is no amount; expected text with a unit, such as '200元' or '30分'")
    fraction = match["fraction"] or ""
    scale: int = 10 ** len(fraction)
    numerator = int(match["whole"].replace(",", "") + fraction) * unit
    fen, rest = divmod(numerator, scale)
    if rest:
        raise MoneyError(f"{text!r} is not a whole number of fen")
    if fen > FEN_MAX:
        raise MoneyError(f"{text!r} is more than the ledger can hold")
    return fen


def check_fen(value: object, *, lowest: int = 0) -> int:
    """The value itself if it is an `int` (no bool, no float) and at least `lowest`; else MoneyError."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise MoneyError(f"{value!r} is no amount in fen; expected an integer")
    if not lowest <= value <= FEN_MAX:
        raise MoneyError(f"{value} fen is outside [{lowest}, {FEN_MAX}]")
    return value


def format_fen(fen: int) -> str:
    """Yuan with two digits, thousands separated: 20012 → `200.12元`, -1 → `-0.01元`."""
    if isinstance(fen, bool) or not isinstance(fen, int):
        raise MoneyError(f"{fen!r} is no amount in fen; expected an integer")
    yuan, rest = divmod(abs(fen), FEN_PER_YUAN)
    return f"{'-' if fen < 0 else ''}{yuan:,}.{rest:02d}元"
