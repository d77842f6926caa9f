"""A small disk of its own for a test, really full when it is full: a tmpfs in a mount namespace that ends with its
process. Refuses to mount anything where others see it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_MOUNT = 'mount -t tmpfs -o size="$0" none "$1" && shift && exec "$@"'


def on_small_disk(place: Path, size: str, script: str, timeout_s: float = 90.0) -> subprocess.CompletedProcess[str]:
    """Runs Python text whose `sys.argv[1]` is `place`, an empty disk of `size`. Skips where none can be mounted."""
    place.mkdir(parents=True, exist_ok=True)
    alone = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _MOUNT, size, str(place)]
    try:
        asked = subprocess.run([*alone, "true"], capture_output=True, text=True, timeout=timeout_s, check=False)
    except OSError as exc:
        pytest.skip(f"no small disk here: {exc}")
    if asked.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {asked.stderr.strip()}")
    env = {k: v for k, v in os.environ.items() if not k.startswith("XIU_")} | {"PYTHONPATH": str(ROOT)}
    argv = [*alone, sys.executable, "-c", script, str(place)]
    return subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False)


def fill(place: Path) -> Path:
    """Takes every byte that is left on the disk; the file that has them."""
    path = place / "filler"
    with path.open("ab", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(b"." * 65_536)
    with path.open("ab", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(b".")
    return path
