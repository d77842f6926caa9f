"""What the last calibration on this machine carried, kept beside the runs, for runs whose scale is given.

A figure of another machine, or of fronts built another way, is none. Never stands in for a calibration.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from harness.environment import hot_path, machine
from harness.runs.folder import write_text

FILE = ".carried.json"
"""Under `runs`."""


def remember(runs: Path, carried_rps: float) -> None:
    """Keeps the figure; a disk that does not take it is no reason to stop."""
    with suppress(OSError):
        write_text(runs / FILE, json.dumps({**_here(), "carried_rps": round(carried_rps)}) + "\n")


def remembered(runs: Path) -> float | None:
    """Taps a second; None where nothing fits this machine and these fronts."""
    try:
        kept = json.loads((runs / FILE).read_text(encoding="utf-8"))
        carried_rps = float(kept.pop("carried_rps"))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return carried_rps if kept == _here() else None


def _here() -> dict[str, str]:
    return {"machine": machine(), "hot_path": str(hot_path())}
