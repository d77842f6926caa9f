"""What a field of a body may hold: numbers the ledger can keep, text it can store. Pure.

Refuses what PostgreSQL would refuse later, or never: a NUL in a text, half a surrogate pair, a number beyond bigint,
text without end; where a text is one line of a log or a table, whatever would begin another, or is not seen (U+200B),
or turns the line around (U+202E); and a name that shows nothing.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

TEXT_CHARS_MAX = 2_000
LINE_CHARS_MAX = 200
SPONSOR_CHARS_MAX = 80
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters to Unicode, nothing to the eye."""
_SEEN = frozenset("LNPS")
"""Letters, numbers, punctuation, symbols: what stands there by itself. A mark or a blank does not."""


def storable(text: str) -> str:
    """The text itself. Raises ValueError for characters that no database keeps."""
    for character in text:
        if character == "\0" or "\ud800" <= character <= "\udfff":
            raise ValueError(f"holds the character U+{ord(character):04X}, which cannot be stored")
    return text


def unseen(char: str) -> bool:
    """Does nobody see it, or take it for a plain blank? The wide blank of Chinese texts is one that is seen."""
    return char in _BLANK_LETTERS or not (char.isprintable() or char == "\u3000")


def one_line(text: str) -> str:
    """The text itself. Raises ValueError for ends of lines, control characters, and what is not seen."""
    for character in storable(text):
        if unseen(character):
            raise ValueError(f"holds the character U+{ord(character):04X}; expected one line of text that is seen")
    return text


def name(text: str) -> str:
    """The text itself. Raises ValueError where it is no line, or shows nothing: blanks alone, an accent on none."""
    if not any(unicodedata.category(character)[0] in _SEEN for character in one_line(text)):
        raise ValueError("shows nothing; expected a name")
    return text


Text = Annotated[str, Field(max_length=TEXT_CHARS_MAX), AfterValidator(storable)]
Line = Annotated[str, Field(max_length=LINE_CHARS_MAX), AfterValidator(one_line)]
Name = Annotated[str, Field(max_length=LINE_CHARS_MAX), AfterValidator(name)]
Int8 = Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]
Whole = Annotated[int, Field(ge=0, lt=1 << 63)]
