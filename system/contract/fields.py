"""What a field of a body may hold: numbers the ledger can keep, text it can store. Pure.

Refuses what PostgreSQL would refuse later, or never: a NUL in a text, half a surrogate pair, a number beyond bigint,
text without end; and, where a text is one line of a log or a table, whatever would begin another.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

TEXT_CHARS_MAX = 2_000
LINE_CHARS_MAX = 200


def storable(text: str) -> str:
    """The text itself. Raises ValueError for characters that no database keeps."""
    for character in text:
        if character == "\0" or "\ud800" <= character <= "\udfff":
            raise ValueError(f"holds the character U+{ord(character):04X}, which cannot be stored")
    return text


def one_line(text: str) -> str:
    """The text itself. Raises ValueError for control characters and ends of lines."""
    for character in storable(text):
        if ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 or character in "\u2028\u2029":
            raise ValueError(f"holds the character U+{ord(character):04X}; expected one line of text")
    return text


Text = Annotated[str, Field(max_length=TEXT_CHARS_MAX), AfterValidator(storable)]
Line = Annotated[str, Field(max_length=LINE_CHARS_MAX), AfterValidator(one_line)]
Int8 = Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]
Whole = Annotated[int, Field(ge=0, lt=1 << 63)]
