"""Whole numbers that somebody else wrote, in a path, a query, an id. Owns the one strict reading of them. Pure.

Refuses what `int()` accepts (a sign, an underscore, a space, digits of other scripts) and never parses a long text:
`int()` takes quadratic time, and raises beyond 4,300 digits.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from system.contract.errors import OutOfRange, Refused

SHOWN_CHARS = 40
WRITTEN_CHARS_MAX = 64
_DIGITS = frozenset("0123456789")


def is_whole(text: str) -> bool:
    """Does `text` write a whole number of any size, without a sign and without leading zeros?"""
    return bool(text) and _DIGITS.issuperset(text) and (text[0] != "0" or len(text) == 1)


def whole_number(text: str, upper: int) -> int | None:
    """The number that `text` writes, from 0 to `upper` inclusive; None for anything else.

    One number has one spelling: no leading zeros.
    """
    if len(text) > len(str(upper)) or not is_whole(text):
        return None
    number = int(text)
    return number if number <= upper else None


def refused_as(text: str, otherwise: type[Refused]) -> type[Refused]:
    """What a text that is no number of its place is refused as. A whole number that is well written, also one below 0,
    lies outside of its bounds, wherever it stands; `otherwise` is for a text that is none.
    """
    return OutOfRange if is_whole(text.removeprefix("-")) and text != "-0" else otherwise


def exact(text: str) -> int | float:
    """What a JSON number with a point or an exponent is. A whole one (1.0, 1e3) is an int, exactly as it is written and
    never by way of a float, which would round an amount; a longer text than any amount needs stays a float.
    """
    try:
        number = Decimal(text) if len(text) <= WRITTEN_CHARS_MAX else Decimal("NaN")
    except InvalidOperation:
        return float(text)
    if number.is_nan() or number.adjusted() >= WRITTEN_CHARS_MAX or number != number.to_integral_value():
        return float(text)
    return int(number)


def number_pattern(upper: int) -> str:
    """A regular expression for what `whole_number` reads, exactly: for a description that others check against."""
    if upper < 10:
        return f"[0-{upper}]"
    digits = str(upper)
    choices = ["0", f"[1-9][0-9]{{0,{len(digits) - 2}}}"]
    for place, digit in enumerate(digits):
        lowest, behind = (0 if place else 1), len(digits) - place - 1
        if int(digit) > lowest:
            choices.append(f"{digits[:place]}[{lowest}-{int(digit) - 1}]" + (f"[0-9]{{{behind}}}" if behind else ""))
    return f"(?:{'|'.join([*choices, digits])})"


def shown(text: object) -> str:
    """The part of the input that an error repeats: quoted, at most 40 characters; of a huge number only its length."""
    if isinstance(text, int) and text.bit_length() > 4 * SHOWN_CHARS:
        return f"a number of about {round(text.bit_length() * 0.30103)} digits"
    whole = text if isinstance(text, str) else str(text)
    return repr(whole) if len(whole) <= SHOWN_CHARS else f"{whole[:SHOWN_CHARS]!r}…"
