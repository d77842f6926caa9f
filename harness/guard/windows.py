"""The windows of a climb on their way to the cannons: a file in the run's folder, a line for each, read by each pilot.

Pure but for that file. Decides nothing: see `harness.guard.climb`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

FILE = "windows.jsonl"


class WindowLine(NamedTuple):
    """`segments` of each journey, the plan's own first."""

    version: int
    segments: list[list[dict[str, Any]]]


def write_window(run: Path, line: WindowLine) -> None:
    """Adds the next window, whole or not at all for who reads. Raises OSError."""
    data = json.dumps(line._asdict(), separators=(",", ":")).encode() + b"\n"
    file = os.open(run / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        if (written := os.write(file, data)) < len(data):
            raise OSError(f"{run / FILE}: {written} of {len(data)} bytes written")
    finally:
        os.close(file)


def read_windows(run: Path, after: int = 0) -> list[WindowLine]:
    """The windows behind this version, in order; a line that is not whole yet is not read."""
    try:
        data = (run / FILE).read_bytes()
    except FileNotFoundError:
        return []
    lines = [WindowLine(**json.loads(line)) for line in data.split(b"\n")[:-1]]
    return [line for line in lines if line.version > after]
