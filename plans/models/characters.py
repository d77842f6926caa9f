"""Characters that look like others, or cannot be seen: where they stand, and what they are called.

Texts for people (`about`, a sponsor's name) may hold any language. The structure of a file (indents, keys, the marks
between them) and its numbers are ASCII.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from system.contract.fields import unseen

LINE_ENDS = re.compile(r"\r\n|\r|\n")
_MARKS = (*":-#[]{},;'", '"', " ", *"\u2013\u2014\u2018\u2019\u201c\u201d\u3001\u3002\u3010\u3011")
_BEHIND_A_KEY = re.compile(r"^\s*(?:- +)?[A-Za-z_][A-Za-z0-9_]*:?([^\x00-\x7f])")
_FIRST = re.compile(r"^\s*([^\x00-\x7f])")
_BEHIND_A_WORD = re.compile(r"[A-Za-z0-9_%:] *([^\x00-\x7f])")
MOST_NAMED = 3


def called(char: str) -> str:
    """`U+FF1A FULLWIDTH COLON`."""
    return f"U+{ord(char):04X} {unicodedata.name(char, 'without a name')}"


def hidden(text: str) -> Iterator[tuple[int, str]]:
    """(line, character) of each character that cannot be seen or looks like a blank; comments of a whole line aside.

    Also of wide blanks that indent.
    """
    for number, line in enumerate(LINE_ENDS.split(text), 1):
        body = line.removeprefix("\ufeff") if number == 1 else line
        shown = body.lstrip()
        if not shown.startswith("#"):
            indent = body[: len(body) - len(shown)].replace(" ", "").replace("\t", "")
            yield from ((number, char) for char in (*indent, *filter(unseen, shown.replace("\t", ""))))


def instead_of_a_mark(text: str, line: int) -> tuple[int, str] | None:
    """(line, character) of the wide mark that best explains why YAML gave up at `line`; None where there is none.

    A wide mark that stands as a key's colon, or begins a line; or, on the line itself and the one before, after a plain
    word.
    """
    found = None
    for number, shown in enumerate(LINE_ENDS.split(text)[:line], 1):
        where = (_BEHIND_A_KEY, _FIRST, *((_BEHIND_A_WORD,) if number >= line - 1 else ()))
        for pattern in where:
            seen = pattern.search(shown)
            if seen and _instead(seen[1], anything=number == line):
                found = number, seen[1]
    return found


def _instead(char: str, *, anything: bool) -> bool:
    """Does it look like a mark; or, on that very line, like anything that is typed without it?"""
    plain = unicodedata.normalize("NFKC", char)
    return plain in _MARKS or (anything and plain.isascii())


def foreign(text: str) -> str:
    """The characters that a key or figure cannot have, in words; empty where there are none."""
    odd = [char for char in dict.fromkeys(text) if ord(char) > 127 and unicodedata.category(char) != "Lo"]
    return ", ".join(called(char) for char in odd[:MOST_NAMED])
