"""What the listeners of somebody's own locustfile raised in a run: the file in the run's folder, and its reasons."""

from __future__ import annotations

import json
from pathlib import Path

from harness.phrases import sentence
from harness.verdict import Reason

FILE = "listeners.json"
CODE = "listener_raised"


def listener_reasons(folder: Path) -> list[Reason]:
    """One for each kind of fault; none where no listener raised anything."""
    file = folder / FILE
    if not file.exists():
        return []
    rows = json.loads(file.read_text(encoding="utf-8"))
    return [Reason(code=CODE, text=sentence(CODE, **row)) for row in rows]
