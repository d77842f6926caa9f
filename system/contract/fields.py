"""What a field of a body may hold: numbers the ledger can keep, text it can store. Pure.

Refused is what PostgreSQL would refuse later, or never: a NUL in a text, half a surrogate pair, a number beyond bigint,
text without end. In a text of one line also: whatever begins another line, cannot be seen (U+200B), or reverses the
line (U+202E). In a name also: a name that shows nothing. A pattern of the published schema is the rule itself: whoever
reads it knows what is refused, whatever version of Unicode he has.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from system.contract.errors import NoBudget

TEXT_CHARS_MAX = 2_000
LINE_CHARS_MAX = 200
SPONSOR_CHARS_MAX = 80
BUDGET_FEN_MAX = 1 << 40
_UNSEEN = (
    r"\u0000-\u001F\u007F-\u00A0\u00AD\u0600-\u0605\u061C\u06DD\u070F\u0890-\u0891\u08E2\u115F-\u1160\u1680\u180E"
    r"\u2000-\u200F\u2028-\u202F\u205F-\u206F\u2800\u3164\uE000-\uF8FF\uFDD0-\uFDEF\uFEFF\uFFA0\uFFF0-\uFFFB\uFFFE-\uFFFF"
    "\U000110bd\U000110cd\U00013430-\U00013438\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U0010ffff"
)
"""Part of a character class, alike in JavaScript, Python and Rust: controls, what formats, letters that show nothing,
blanks but the plain and the wide one, private use. Half a surrogate pair is none of it: no body in UTF-8 has one."""
_MARKS = (
    r"\u0300-\u036F\u0483-\u0489\u17B4-\u17B5\u180B-\u180F\u1AB0-\u1AFF\u1DC0-\u1DFF\u20D0-\u20FF\u3099-\u309A\uA66F-\uA672\uA674-\uA67D"
    "\\uFE00-\\uFE0F\\uFE20-\\uFE2F\U000e0100-\U000e01ef"
)
"""Accents, enclosing marks, choices of a variant: they change what stands before them."""
LINE_PATTERN = f"^[^{_UNSEEN}]*$"
NAME_PATTERN = f"^[^{_UNSEEN}]*[^{_UNSEEN}{_MARKS} \\u3000][^{_UNSEEN}]*$"
TEXT_PATTERN = r"^[^\u0000]*$"
_CANNOT_BE_SEEN = re.compile(rf"[{_UNSEEN}\uD800-\uDFFF]")
_SHOWS = re.compile(f"[^{_UNSEEN}{_MARKS} \\u3000]")


def storable(text: str) -> str:
    """The text itself. Raises ValueError for characters that no database keeps."""
    for character in text:
        if character == "\0" or "\ud800" <= character <= "\udfff":
            raise ValueError(f"holds the character U+{ord(character):04X}, which cannot be stored")
    return text


def unseen(char: str) -> bool:
    """Is the character invisible, or taken for a plain blank? The wide blank of Chinese texts can be seen."""
    return _CANNOT_BE_SEEN.match(char) is not None


def one_line(text: str) -> str:
    """The text itself. Raises ValueError for ends of lines, control characters, and invisible characters."""
    if found := _CANNOT_BE_SEEN.search(text):
        raise ValueError(f"holds the character U+{ord(found[0]):04X}; expected one line of text that is seen")
    return text


def name(text: str) -> str:
    """The text itself. Raises ValueError where it is no line, or shows nothing: blanks alone, an accent on none."""
    if not _SHOWS.search(one_line(text)):
        raise ValueError("shows nothing; expected a name")
    return text


def _not_nothing(given: Any) -> Any:
    """What was given. Raises PydanticCustomError for a budget of 0, which has a code of its own."""
    if type(given) is int and given == 0:
        raise PydanticCustomError(NoBudget.code, "a budget of 0 fen; expected at least one fen")
    return given


def _says(pattern: str, chars_max: int) -> Any:
    """The bounds of a text. The pattern is for readers of the schema: the validator beside it names the character."""
    return Field(max_length=chars_max, json_schema_extra={"pattern": pattern})


Text = Annotated[str, _says(TEXT_PATTERN, TEXT_CHARS_MAX), AfterValidator(storable)]
Line = Annotated[str, _says(LINE_PATTERN, LINE_CHARS_MAX), AfterValidator(one_line)]
Name = Annotated[str, _says(NAME_PATTERN, LINE_CHARS_MAX), AfterValidator(name)]
Budget = Annotated[int, Field(ge=1, le=BUDGET_FEN_MAX), BeforeValidator(_not_nothing)]
"""What is paid in, in fen."""
Int8 = Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]
Whole = Annotated[int, Field(ge=0, lt=1 << 63)]
