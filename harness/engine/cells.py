"""Columns of numbers that take memory only where they are written, and give it back part by part.

Single cells are as quick as those of an ``array``; numpy views the same memory. What was given back reads as zeros.
"""

from __future__ import annotations

import mmap
import sys
from typing import TypeAlias

import numpy as np

Cells: TypeAlias = "memoryview[int]"
"""Of one number type; ``cells.obj`` is the memory itself."""


def blank(code: str, length: int) -> Cells:
    """So many zeros of a type (a code of ``array``), none of which takes memory yet."""
    size = max(length, 1) * np.dtype(code).itemsize
    if sys.platform == "win32":
        return memoryview(mmap.mmap(-1, size)).cast(code)[:length]  # type: ignore[call-overload, no-any-return]
    # Private: memory of a mapping that others could share stays when it is given back.
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return memoryview(memory).cast(code)[:length]  # type: ignore[call-overload, no-any-return]


def give_back(cells: Cells, first: int, last: int) -> None:
    """Memory of [first, last), as far as whole pages go; where the system cannot take it back, nothing happens."""
    if sys.platform != "linux":
        return
    size, page = cells.itemsize, mmap.PAGESIZE
    start, end = -(-first * size // page) * page, last * size // page * page
    if end > start:
        cells.obj.madvise(mmap.MADV_DONTNEED, start, end - start)  # type: ignore[attr-defined]
