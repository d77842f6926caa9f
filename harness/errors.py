"""The root error types of the harness: each knows the exit code with which it ends the command.

Knows no component. `BadInput` and its like read as `file:line: what is wrong; what was expected; did you mean`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

INTERNAL_EXIT = 1


class HarnessError(Exception):
    """Base of every error that a person gets as one line. `exit_code` is the command's."""

    exit_code = INTERNAL_EXIT


class BadInput(HarnessError):
    """The user's input is wrong; nothing was done. Exit code 2."""

    exit_code = 2

    def __init__(
        self,
        what: str,
        *,
        expected: str | None = None,
        did_you_mean: str | None = None,
        file: Path | str | None = None,
        line: int | None = None,
    ) -> None:
        self.what, self.expected, self.did_you_mean, self.file, self.line = what, expected, did_you_mean, file, line
        place = "" if file is None else f"{file}: " if line is None else f"{file}:{line}: "
        text = place + what
        if expected:
            text += f"; expected {expected}"
        if did_you_mean:
            text += f"; did you mean {did_you_mean}?"
        super().__init__(text)


class Aborted(HarnessError):
    """Interrupted by a person, a stop rule or the kill switch. Exit code 3."""

    exit_code = 3


class EnvironmentNotReady(HarnessError):
    """Something the command needs is missing, or did not come up; the message has the command that helps.

    Exit code 5.
    """

    exit_code = 5


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was probably meant to be, or None."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return near[0] if near else None
