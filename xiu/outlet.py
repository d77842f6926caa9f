"""Standard output and error that never raise: another encoding, closed, full, or no longer read.

Acting never depends on printing. What was lost of standard output is reported at the end.
"""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO, cast


class Outlet:
    """A text stream that takes everything. A character that its encoding lacks becomes `?`; what cannot be written is
    lost.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failure: OSError | None = None
        """Why the rest was lost. None also where the reader ended (`… | head`), because the reader wanted no more."""

    def write(self, text: str) -> int:
        """See `io.TextIOBase`."""
        self._try(lambda: self._stream.write(self._plain(text)))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """See `io.IOBase`."""
        self.write("".join(lines))

    def flush(self) -> None:
        """See `io.IOBase`."""
        self._try(self._stream.flush)

    def _plain(self, text: str) -> str:
        encoding = self._stream.encoding or "utf-8"
        try:
            text.encode(encoding)
        except UnicodeEncodeError:
            return text.encode(encoding, "replace").decode(encoding)
        return text

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except OSError as error:
            if not isinstance(error, BrokenPipeError) and self.failure is None:
                self.failure = error
            # What the stream still holds, and what follows, goes nowhere, so that closing it cannot fail again.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def speaks_every_language(stream: TextIO) -> bool:
    """Can its encoding write any character?"""
    return codecs.lookup(stream.encoding or "utf-8").name.startswith("utf-")


def open_what_is_closed() -> None:
    """Standard streams that this process was started without (`>&-`) lead to /dev/null.

    Otherwise the next file to be opened, a ledger say, would become standard output.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 (for good)


@contextmanager
def outlets() -> Iterator[Outlet]:
    """Standard output and error as outlets while the block lasts; yields the outlet of standard output."""
    open_what_is_closed()
    out, err = Outlet(sys.stdout), Outlet(sys.stderr)
    with redirect_stdout(cast(TextIO, out)), redirect_stderr(cast(TextIO, err)):
        try:
            yield out
        finally:
            out.flush()
            err.flush()
