"""Writes a tape off by blocks while the run goes on: what came to an end goes to a file, and its memory back.

A block is written once each of its requests has an outcome, and those before it are written: an answer that comes late
holds its block, never loses it. A thread writes, because a disk that is slow must not keep a due request waiting. The
file has no name: whatever ends the generator, nothing of it is left behind.
"""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.engine.cells import give_back
from harness.engine.tape import COLUMNS, Tape
from harness.waits import joined

BLOCK_TAPS = 1 << 16
"""Of a whole number of pages in each column."""
SPOOLED_FROM = 1 << 20
"""Requests from which on a tape is written off; what is shorter takes 51 MiB at most."""
TAPE_BYTES = sum(np.dtype(code).itemsize for code in COLUMNS.values())
"""On disk, of a request that was written off."""
WRITER_S = 60.0
"""The longest wait for the last block."""


class TapeSpool:
    """One tape's blocks on disk. ``came`` and ``turn`` are of the gun's thread."""

    def __init__(self, tape: Tape, folder: Path, block: int = BLOCK_TAPS) -> None:
        """Raises OSError where the folder takes no file."""
        self._tape, self._folder, self._block = tape, folder, block
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - open as long as the tape
        self._ended = np.zeros(-(-tape.capacity // block), np.int64)
        self._ordered = self._written = 0  # blocks
        self._failure: OSError | None = None
        self._orders: SimpleQueue[int | None] = SimpleQueue()
        self._bases, base = dict[str, int](), 0
        for name, code in COLUMNS.items():
            self._bases[name] = base
            base += np.dtype(code).itemsize * len(self._ended) * block
        self._writer = threading.Thread(target=self._write, name="tape-spool", daemon=True)
        self._writer.start()
        tape.elsewhere = self.read

    def came(self, taps: npt.NDArray[np.intp]) -> None:
        """These came to an end, each once."""
        if len(taps):
            counts = np.bincount(taps // self._block)
            self._ended[: len(counts)] += counts

    def turn(self, reached: int) -> None:
        """Gives memory back of what is written, and orders the next block; ``reached``: taps that came due so far.

        The block before the last one reached stays: the live view looks back at it. Raises OSError once a block could
        not be written.
        """
        self._take()
        block = self._ordered
        if block == self._written and (block + 2) * self._block <= reached and self._ended[block] == self._block:
            self._ordered += 1
            self._orders.put(block)

    def settle(self) -> None:
        """Waits for the block that is being written. Raises OSError where one could not be."""
        self._orders.put(None)
        if not joined(self._writer, WRITER_S):
            raise TimeoutError(None, f"no block written within {WRITER_S:g} s", str(self._folder))
        self._take()

    def close(self) -> None:
        """Leaves the file; the tape's written part is gone."""
        self._orders.put(None)
        if joined(self._writer, WRITER_S):
            self._file.close()

    def read(self, name: str, start: int, stop: int) -> npt.NDArray[Any]:
        """Cells [start, stop) of a column, which are written. Raises OSError."""
        kind = np.dtype(COLUMNS[name])
        out = np.empty(stop - start, kind)
        left, at = out.data.cast("B"), self._bases[name] + start * kind.itemsize
        while left:
            found = os.preadv(self._file.fileno(), [left], at)
            if not found:
                raise OSError(None, "the file of the tape ends too early", str(self._folder))
            left, at = left[found:], at + found
        return out

    def _take(self) -> None:
        if self._failure is not None:
            raise self._failure
        freed = self._written * self._block
        if freed > self._tape.freed:
            first, self._tape.freed = self._tape.freed, freed
            for name in (*COLUMNS, "connection"):
                give_back(getattr(self._tape, name), first, freed)

    def _write(self) -> None:
        while (block := self._orders.get()) is not None:
            first = block * self._block
            try:
                for name in COLUMNS:
                    self._put(name, first, first + self._block)
            except OSError as exc:
                self._failure = OSError(exc.errno, exc.strerror, str(self._folder))
                return
            self._written = block + 1

    def _put(self, name: str, first: int, last: int) -> None:
        cells = getattr(self._tape, name)[first:last].cast("B")
        at = self._bases[name] + first * (len(cells) // (last - first))
        while cells:
            done = os.pwrite(self._file.fileno(), cells, at)
            cells, at = cells[done:], at + done


def spool_of(tape: Tape, folder: Path) -> TapeSpool | None:
    """Of a tape with room for so many; of a shorter one none. Raises OSError."""
    return TapeSpool(tape, folder, BLOCK_TAPS) if tape.capacity > SPOOLED_FROM else None
