"""Turns an error into a sentence for a person and an exit code. *Internal error* is for bugs of this project alone.

Huge input and passwords are never repeated.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Sequence

from harness.errors import INTERNAL_EXIT, BadInput, EnvironmentNotReady
from harness.secrets import scrubbed

LONGEST_WORD, SHOWN = 240, 60
_HUGE = re.compile(rf"\S{{{LONGEST_WORD},}}")
_OF_THE_MACHINE = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EIO),
    *(errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EADDRINUSE, errno.ENOBUFS),
}
"""errno values that mean a trouble of the machine, whatever the call was for."""


def brief(text: str) -> str:
    """The text, with each huge word cut to its beginning and its length."""
    return _HUGE.sub(lambda found: f"{found[0][:SHOWN]}… ({len(found[0])} characters)", text)


def refuse_bytes(argv: Sequence[str]) -> None:
    """Raises BadInput for an argument that is no text: no file, record or message could hold it.

    Text in UTF-8 is accepted in every locale; in an ASCII locale it only looks like bytes.
    """
    for number, word in enumerate(argv, 1):
        try:
            whole = "\0" not in word and os.fsencode(word).decode("utf-8") is not None
        except UnicodeError:
            whole = False
        if not whole:
            raise BadInput(f"argument {number} is not UTF-8 text", expected="text, or a file's name in UTF-8")


def error_report(error: Exception, argv: Sequence[str]) -> tuple[str, int]:
    """One sentence and the exit code.

    An error that carries an exit code is meant for a person, whichever package raises it. A system call that failed on
    a file is not a bug: it is bad input where the user named that file, else trouble of the machine.
    """
    code = getattr(error, "exit_code", None)
    if isinstance(code, int):
        return brief(scrubbed(str(error))), code
    if isinstance(error, OSError) and (error.filename is not None or error.errno in _OF_THE_MACHINE):
        return _of_the_system(error, argv)
    if isinstance(error, FileNotFoundError) and error.filename is None and _lost():
        return "xiu: the folder one stands in is gone; cd into one that is there", EnvironmentNotReady.exit_code
    if isinstance(error, RuntimeError) and str(error).startswith("Symlink loop"):  # pathlib, before Python 3.13
        return brief(f"{error}; expected a file or folder"), BadInput.exit_code
    what = f"{type(error).__name__}: {brief(scrubbed(str(error)))}"
    return f"xiu: internal error: {what}; run it again with -v for the traceback", INTERNAL_EXIT


def _lost() -> bool:
    try:
        os.getcwd()
    except OSError:
        return True
    return False


def _of_the_system(error: OSError, argv: Sequence[str]) -> tuple[str, int]:
    why = error.strerror or type(error).__name__
    if error.filename is None:
        return f"xiu: {why}", EnvironmentNotReady.exit_code
    place = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else str(error.filename)
    named = [word.partition("=")[2] if word.startswith("--") else word for word in argv]
    mine = error.errno not in _OF_THE_MACHINE and any(word and _within(place, word) for word in named)
    return brief(scrubbed(f"{place}: {why}")), (BadInput if mine else EnvironmentNotReady).exit_code


def _within(place: str, word: str) -> bool:
    """Was this file named on the command line, or does it lie in a folder that was?"""
    try:
        whole, given = os.path.abspath(place), os.path.abspath(word)
    except OSError:
        return place == word
    return whole == given or whole.startswith(f"{given.rstrip(os.sep)}{os.sep}")
