"""Errors of plan files: every problem of a file at once, each with its line. Does not know what a plan means."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with a file; `str()`: `file:line: what; expected …; did you mean …?`. Line 0: the whole file."""

    file: str
    line: int
    what: str
    expected: str = ""
    did_you_mean: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        text = f"{place}: {self.what}"
        if self.expected:
            text += f"; expected {self.expected}"
        if self.did_you_mean:
            text += f"; did you mean {self.did_you_mean}?"
        return text


class PlanError(Exception):
    """A file cannot be used. `problems` has all of them; `exit_code` is that of invalid input."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class FileProblems(ValueError):
    """A value of a file names another one, which has these problems."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


def closest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, or the empty string."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return near[0] if near else ""
