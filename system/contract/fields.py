"""What a field of a body may hold: numbers the ledger can keep, text it can store. Pure.

Refused is what PostgreSQL would refuse later, or never: a NUL in a text, half a surrogate pair, a number beyond bigint,
text without end. In a text of one line also: whatever begins another line, cannot be seen (U+200B), or reverses the
line (U+202E). In a name also: a name that shows nothing.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

TEXT_CHARS_MAX = 2_000
LINE_CHARS_MAX = 200
SPONSOR_CHARS_MAX = 80
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters by Unicode's classes that show nothing."""
_SEEN = frozenset("LNPS")
"""Letters, numbers, punctuation, symbols: characters that can be seen by themselves. A mark or a blank cannot."""


def storable(text: str) -> str:
    """The text itself. Raises ValueError for characters that no database keeps."""
    for character in text:
        if character == "\0" or "\ud800" <= character <= "\udfff":
            raise ValueError(f"holds the character U+{ord(character):04X}, which cannot be stored")
    return text


def unseen(char: str) -> bool:
    """Is the character invisible, or taken for a plain blank? The wide blank of Chinese texts can be seen."""
    return char in _BLANK_LETTERS or not (char.isprintable() or char == "\u3000")


def one_line(text: str) -> str:
    """The text itself. Raises ValueError for ends of lines, control characters, and invisible characters."""
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
