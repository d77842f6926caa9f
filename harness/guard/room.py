"""Is there room for a run's record? Checked before anything is started, so that no round is played without a record."""

from __future__ import annotations

import errno
import stat
import tempfile
from pathlib import Path

from harness.errors import EnvironmentNotReady

ANYBODY_WRITES = 0o222
ROOM_BYTES = 1 << 16
"""A disk that has not even this is full."""


def writable(runs: Path) -> None:
    """Makes the folder if need be. Raises EnvironmentNotReady, in one sentence, where no run could be written there."""
    try:
        runs.mkdir(parents=True, exist_ok=True)
        if not stat.S_IMODE(runs.stat().st_mode) & ANYBODY_WRITES:
            raise PermissionError(
                errno.EACCES, "nobody may write into it"
            )  # root could write there, but the folder says that it should not
        with tempfile.TemporaryFile(dir=runs) as file:
            file.write(bytes(ROOM_BYTES))
    except OSError as exc:
        why = exc.strerror or type(exc).__name__
        raise EnvironmentNotReady(f"--runs {runs}: no run can be written there: {why}; expected a folder") from exc
