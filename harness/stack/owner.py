"""Who may use a stack: only the process that started it for itself, or everybody who looks for one.

A file in the stack's folder names that process; when the process ends, the stack is not private any more. Compares the
start time as well, because pids are reused.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import psutil

from harness.stack.folder import write_private

FILE = "owner.json"
SAME_S = 0.01


def claim(folder: Path) -> None:
    """From now on the stack in `folder` is private to this process."""
    mine = {"pid": os.getpid(), "created": psutil.Process().create_time()}
    write_private(folder / FILE, json.dumps(mine))


def share(folder: Path) -> None:
    """From now on it is everybody's."""
    (folder / FILE).unlink(missing_ok=True)


def owner_of(folder: Path) -> int | None:
    """Pid of the process the stack is private to; None: it is everybody's, or that process is gone."""
    try:
        owner = json.loads((folder / FILE).read_text(encoding="utf-8"))
        process = psutil.Process(owner["pid"])
        lives = abs(process.create_time() - owner["created"]) < SAME_S and process.status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, psutil.NoSuchProcess, ValueError, KeyError, TypeError):
        return None  # a file that cannot be read names nobody
    return int(owner["pid"]) if lives else None
