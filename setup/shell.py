"""Runs the commands of the set-up: output to a log, a line per step, the last lines when one fails.

Uses the standard library alone. Go and apt get homes inside `.tools/`, so that nothing outside the checkout changes, as
root neither.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / ".tools"
BIN = TOOLS / "bin"
VENV = ROOT / ".venv"
LOG = TOOLS / "setup.log"
TAIL_LINES = 15
_printing = threading.Lock()


class StepFailed(Exception):
    """A step of the set-up failed; the message says which, with the last lines of what it printed."""


def say(text: str) -> None:
    """Prints a line for the person who waits."""
    with _printing:
        print(text, file=sys.stderr, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Announces a step, and prints how long it took."""
    began = time.monotonic()
    say(f"setup: {what} …")
    yield
    say(f"setup: {what}: {time.monotonic() - began:.0f} s")


def run(argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> None:
    """Runs a command. Raises StepFailed with the last lines of its output."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise StepFailed(f"{words[0]}: {error}") from error
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(words)}\n{done.stdout}\n")
    if done.returncode != 0:
        lines = done.stdout.splitlines()[-TAIL_LINES:]
        tail = "".join(f"\n    {line}" for line in lines)
        raise StepFailed(f"{' '.join(words[:4])} …: exit code {done.returncode} (all of it: {LOG}){tail}")


def place(source: Path, name: str) -> None:
    """Puts a program into `.tools/bin`, whole or not at all."""
    BIN.mkdir(parents=True, exist_ok=True)
    draft = BIN / f".{name}.new"
    draft.write_bytes(source.read_bytes())
    draft.chmod(0o755)
    draft.replace(BIN / name)
