"""Prometheus's own tool, where set-up found or fetched it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def promtool() -> str:
    """The promtool that set-up found or fetched."""
    found = shutil.which("promtool") or next((str(p) for p in (ROOT / ".tools").rglob("promtool") if p.is_file()), None)
    if found is None:
        pytest.skip("promtool is not here; `xiu doctor` names the command that brings it")
    return found
