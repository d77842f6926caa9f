"""Has whoever looks at Locust's page seen the last figures? Two marks in the run's folder: when a browser last asked
for figures, and that it has been given the last ones often enough to show them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FIGURES = "/stats/requests"
TIMES = 3
"""A browser asks every two seconds; what it was given at first it shows by the third time."""
LOOKS_S = 20.0
"""Who has not asked for so long does not look any more."""
LONGEST_S = 60.0


def _asked(folder: Path) -> Path:
    return folder / ".page-asked"


def _seen(folder: Path) -> Path:
    return folder / ".page-seen"


def marks(app: Any, folder: Path, over: Callable[[], bool]) -> None:
    """Has a page's Flask application keep the marks; `over()`: is nothing sent any more?"""
    from flask import request

    last = 0

    def asked(answer: Any) -> Any:
        nonlocal last
        if request.path == FIGURES:
            _asked(folder).touch()
            last += over()
            if last >= TIMES:
                _seen(folder).touch()
        return answer

    app.after_request(asked)


def seen(folder: Path, since_s: float) -> bool:
    """Has everybody who looks seen the figures of `since_s` (Unix time), or does nobody look?"""
    now_s = time.time()
    try:
        looks = now_s - _asked(folder).stat().st_mtime < LOOKS_S
    except OSError:
        looks = False
    return not looks or _seen(folder).exists() or now_s > since_s + LONGEST_S


def forget(folder: Path) -> None:
    """Removes the marks."""
    for mark in (_asked(folder), _seen(folder)):
        mark.unlink(missing_ok=True)
