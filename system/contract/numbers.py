"""Whole numbers that somebody else wrote, in a path, a query, an id. Owns the one strict reading of them. Pure.

Refuses what `int()` accepts (a sign, an underscore, a space, digits of other scripts) and never parses a long text:
`int()` takes quadratic time, and raises beyond 4,300 digits.
"""

from __future__ import annotations

SHOWN_CHARS = 40
_DIGITS = frozenset("0123456789")


def whole_number(text: str, upper: int) -> int | None:
    """The number that `text` writes, from 0 to `upper` inclusive; None for anything else.

    One number has one spelling: no leading zeros.
    """
    if not text or len(text) > len(str(upper)) or not _DIGITS.issuperset(text):
        return None
    if text[0] == "0" and len(text) > 1:
        return None
    number = int(text)
    return number if number <= upper else None


def shown(text: object) -> str:
    """The part of the input that an error repeats: quoted, at most 40 characters; of a huge number only its length."""
    if isinstance(text, int) and text.bit_length() > 4 * SHOWN_CHARS:
        return f"a number of about {round(text.bit_length() * 0.30103)} digits"
    whole = text if isinstance(text, str) else str(text)
    return repr(whole) if len(whole) <= SHOWN_CHARS else f"{whole[:SHOWN_CHARS]!r}…"
