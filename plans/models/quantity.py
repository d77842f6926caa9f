"""Quantities as people write them, `60s`, `1m30s`, `7/s`, `35_000`, `25%`, `200元`, as numbers. A missing unit is
refused; for another spelling of a unit the right one is named.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_NUMBER = r"[0-9](?:[0-9_]*[0-9])?(?:\.[0-9]+)?"
_PART = rf"({_NUMBER})\s*(us|ms|s|m|h)"
_DURATION = re.compile(rf"{_PART}(?:\s*{_PART})*")
_DURATION_PART = re.compile(_PART)
_RATE = re.compile(rf"({_NUMBER})\s*/\s*(s|m|h)")
_COUNT = re.compile(rf"({_NUMBER})\s*([kKMG万亿]?)")
_SHARE = re.compile(rf"({_NUMBER})\s*%")
_FACTOR = re.compile(rf"({_NUMBER})\s*x")
_MONEY = re.compile(rf"({_NUMBER})\s*(元|yuan|分|fen)")
_RATIO = re.compile(rf"({_NUMBER})\s*/\s*({_NUMBER})")

_SECONDS = {
    "us": Decimal("0.000001"),
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
}
_SHORTER = tuple(_SECONDS)
"""Units from the shortest on: a duration of several parts goes from long to short, each unit once."""
_MULTIPLES = {"": 1, "k": 1000, "K": 1000, "M": 10**6, "G": 10**9, "万": 10**4, "亿": 10**8}
MOST = 10**12
"""More than anything that is counted here; a larger number is a typing mistake."""
LONGEST_S = 24 * 3600
"""No round lasts longer than a day (system.contract.api.RoundOrder)."""
_FEN = {"元": 100, "yuan": 100, "分": 1, "fen": 1}
_TIMES = {
    "us": "usec usecs microsecond microseconds μs 微秒",
    "ms": "msec msecs milli millis millisecond milliseconds 毫秒",
    "s": "sec secs second seconds 秒 秒钟",
    "m": "min mins minute minutes 分钟",
    "h": "hr hrs hour hours 小时",
}
_COUNTS = {"k": "thousand 千", "M": "m mio million millions 百万", "G": "g b bn billion billions"}
_MONEY_WORDS = {"元": "rmb cny ¥ 块 圆", "分": "cent cents"}
_WORD = re.compile(r"[^\W\d_]+|¥")
_GROUPED = re.compile(r"(?<![0-9_.,])[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])")


def _plain(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refuse(value: object, what: str, examples: str, near: str = "") -> ValueError:
    text = repr(value)
    said = f"{text if len(text) <= 80 else text[:79] + '…'} is not {what}; expected {examples}"
    return ValueError(f"{said}; did you mean {near}?" if near else said)


def _meant(value: object, pattern: re.Pattern[str], units: dict[str, str]) -> str:
    """The quantity in its right spelling, if it is clear which is meant: `5min`, `1,000`, `25％`; else empty."""
    if not isinstance(value, str) or len(value) > 40:
        return ""
    spelt = {other: unit for unit, others in units.items() for other in others.split()}
    text = unicodedata.normalize("NFKC", value).strip()
    text = _GROUPED.sub(lambda found: found[0].replace(",", "_"), text)
    text = _WORD.sub(lambda found: spelt.get(found[0].lower(), found[0]), text)
    text = re.sub(r"^元\s*(.+)$", r"\1元", text)  # a currency in front, as ¥200
    text = re.sub(r"\s*/\s*|\s+(?=[^0-9])", lambda found: found[0].strip(), text)
    return text if pattern.fullmatch(text) else ""


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text.replace("_", ""))
    except InvalidOperation as exc:  # the patterns above let only numbers through
        raise ValueError(f"{text!r} is not a number") from exc


def _match(pattern: re.Pattern[str], value: object) -> re.Match[str] | None:
    return pattern.fullmatch(value.strip()) if isinstance(value, str) else None


def duration_s(value: object) -> float:
    """Seconds of `60s`, `5m`, `200ms`, `1m30s`. A bare number has no unit and is refused, 0 aside."""
    if found := _match(_DURATION, value):
        parts = _DURATION_PART.findall(found[0])
        order = [_SHORTER.index(unit) for _, unit in parts]
        if order != sorted(set(order), reverse=True):
            raise _refuse(value, "a duration", "its parts from long to short, each unit once, such as 1m30s")
        seconds = float(sum(_decimal(number) * _SECONDS[unit] for number, unit in parts))
        if seconds > LONGEST_S:
            raise _refuse(value, "a duration", f"at most {LONGEST_S // 3600} hours")
        return seconds
    if _plain(value) and value == 0:
        return 0.0
    near = _meant(value, _DURATION, _TIMES)
    raise _refuse(value, "a duration", "a number with its unit, such as 60s, 5m or 200ms", near)


def rate_per_s(value: object) -> float:
    """Events per second of `7/s`, `400/m`."""
    if found := _match(_RATE, value):
        per_s = _decimal(found[1]) / _SECONDS[found[2]]
        if per_s > MOST:
            raise _refuse(value, "a rate", f"at most {MOST:,}/s")
        return float(per_s)
    near = _meant(value, _RATE, {**_TIMES, "/s": "rps qps tps ps", "/": "per"})
    raise _refuse(value, "a rate", "a number per time, such as 7/s or 400/m", near)


def count(value: object) -> int:
    """A whole number: 35_000, `60M`, `2亿`; at most MOST."""
    number: Decimal | None = None
    found = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = Decimal(value)
    elif found := _match(_COUNT, value):
        number = _decimal(found[1]) * _MULTIPLES[found[2]]
    if number is not None and number > MOST:
        raise _refuse(value, "a count", f"at most {MOST:,}")
    if number is not None and number >= 0 and number == number.to_integral_value():
        return int(number)
    near = _meant(value, _COUNT, _COUNTS) if found is None else ""
    raise _refuse(value, "a count", "a whole number, such as 35_000, 60M or 2亿", near)


def share(value: object, most: int = 1) -> float:
    """A part of 1: `25%`, or 0.25; of a whole that may be more than once there (`most`): 120%."""
    if found := _match(_SHARE, value):
        part = float(_decimal(found[1]) / 100)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        part = float(value)
    else:
        near = _meant(value, _SHARE, {"%": "percent pct prozent"})
        raise _refuse(value, "a share", "a percentage, such as 25%", near)
    if not 0 <= part <= most:
        raise _refuse(value, "a share", f"0% to {100 * most}%")
    return part


def factor(value: object) -> float:
    """A multiple: `1.2x`. Never a bare number, which would be read as something else."""
    if found := _match(_FACTOR, value):
        return float(_decimal(found[1]))
    raise _refuse(value, "a multiple", "a number with an x, such as 1.2x")


def money_fen(value: object) -> int:
    """Whole fen of `200元`, `0.88元`, `88分`, `200yuan`. Never a float, never a bare number."""
    if found := _match(_MONEY, value):
        fen = _decimal(found[1]) * _FEN[found[2]]
        if fen >= 1 << 63:
            raise _refuse(value, "an amount of money", "at most what a ledger keeps, 2^63 - 1 fen")
        if fen == fen.to_integral_value():
            return int(fen)
        raise _refuse(value, "an amount", "whole fen, at most two digits behind the point")
    near = _meant(value, _MONEY, _MONEY_WORDS)
    raise _refuse(value, "an amount of money", "a number with its unit, such as 200元, 0.88元 or 88分", near)


def ratio(value: object) -> Fraction:
    """A scale: `1/10000`, `1/10_000`, or 1; above 0, at most 1."""
    part: Fraction | None = None
    if isinstance(value, Fraction):
        part = value
    elif (found := _match(_RATIO, value)) and _decimal(found[2]) > 0:
        part = Fraction(_decimal(found[1])) / Fraction(_decimal(found[2]))
    elif isinstance(value, str) and re.fullmatch(_NUMBER, value.strip()):
        part = Fraction(_decimal(value.strip()))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        part = Fraction(str(value))
    if part is None or not 0 < part <= 1:
        raise _refuse(value, "a scale", "a part of the event, such as 1/10000")
    return part


def ratio_text(value: Fraction) -> str:
    """`1/10000`; the exact fraction, so that it can be read back."""
    return f"{value.numerator}/{value.denominator}" if value != 1 else "1"


def _schema(pattern: re.Pattern[str], *examples: str, **numbers: Any) -> Any:
    """For editors: what a text must look like; `numbers`: the bounds of a plain number, where one is read."""
    text = pattern.pattern.replace("(?:", "(").replace("(", "(?:")
    kind = ["string", numbers.pop("type", "number")] if numbers else "string"
    shape = {"type": kind, "pattern": rf"^\s*(?:{text})\s*$", "examples": list(examples)}
    return WithJsonSchema({**shape, **numbers})


def _or_own(parse: Any, kind: type) -> Any:
    """Parses what a person wrote; passes on what was parsed before (a lock that is read back holds numbers)."""

    def read(value: object, info: Any) -> Any:
        if info.context is not None and info.context.get("parsed") and isinstance(value, kind):
            return value
        return parse(value)

    return BeforeValidator(read)


Duration = Annotated[
    float,
    _or_own(duration_s, (int | float)),
    _schema(_DURATION, "60s", "5m", "200ms", "1m30s", minimum=0, maximum=0),
]
Rate = Annotated[float, _or_own(rate_per_s, (int | float)), _schema(_RATE, "7/s", "400/m")]
Share = Annotated[float, BeforeValidator(share), _schema(_SHARE, "25%", minimum=0, maximum=1)]
Factor = Annotated[float, _or_own(factor, (int | float)), _schema(_FACTOR, "1.2x")]
Beyond = Annotated[float, BeforeValidator(partial(share, most=2)), _schema(_SHARE, "25%", "120%", minimum=0, maximum=2)]
"""A share of a peak that may be exceeded: up to 200%."""
Count = Annotated[
    int,
    BeforeValidator(count),
    _schema(_COUNT, "35_000", "60M", "2亿", type="integer", minimum=0, maximum=MOST),
]
Money = Annotated[int, _or_own(money_fen, int), _schema(_MONEY, "200元", "0.88元", "88分")]
Scale = Annotated[
    Fraction,
    BeforeValidator(ratio),
    PlainSerializer(ratio_text, return_type=str),
    _schema(re.compile(rf"{_RATIO.pattern}|{_NUMBER}"), "1/10000", exclusiveMinimum=0, maximum=1),
]
