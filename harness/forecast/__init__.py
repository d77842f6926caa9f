"""Forecast: inputs → bands (`compute.py`), locked before a run (`lock`), compared after it (`judge`). Never fitted to a
run.
"""

from __future__ import annotations

from harness.forecast.judge import Judged, judge
from harness.forecast.lock import LOCK_FILE, Lock, LockBroken, check_lock, lock, read_lock, write_lock
from harness.forecast.share import Share, ShareError, share_of
from harness.forecast.target import Target

__all__ = [
    "LOCK_FILE", "Judged", "Lock", "LockBroken", "Share", "ShareError", "Target",
    "check_lock", "judge", "lock", "read_lock", "share_of", "write_lock",
]  # fmt: skip
