"""How long a run went on sending after a stop button: from the mark that the button set to the last request sent."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from harness.engine.recorder import HistoryFolderError, segments
from harness.guard.kill import pressed_s
from system.contract.history import Kind


def fell_silent_s(registers: Sequence[Path], history: Path, began_s: float) -> float | None:
    """Seconds, 0 where nothing was sent after the button; None where none was pressed after `began_s` (Unix time), or
    where the generator left no history.
    """
    at_s = max((pressed_s(folder) for folder in registers), default=0.0)
    if at_s <= began_s:
        return None
    last_ns = 0
    try:
        for _, records in segments(history, check=False):
            last_ns = max(last_ns, int(records["sent_ns"][records["kind"] != Kind.SETTLE].max(initial=0)))
    except HistoryFolderError:
        return None
    if not last_ns:
        return None
    wall_s = (time.time_ns() - time.monotonic_ns() + last_ns) / 1e9
    return max(0.0, wall_s - at_s)
