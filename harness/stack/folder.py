"""The folder of a stack, `var/<stack-id>/`: names in it, its lock, its `stack.json`. Knows no parts.

A stack runs as long as a process holds the lock of its folder; so no pid has to be trusted.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import EnvironmentNotReady

LAST = "last"
LINES_BYTES = 8192


@dataclass(frozen=True)
class Folder:
    """Paths inside a stack's folder."""

    path: Path

    @property
    def plan(self) -> Path:
        """The supervisor's orders: what to run."""
        return self.path / "plan.json"

    @property
    def state(self) -> Path:
        """What runs now: pids, ports, addresses."""
        return self.path / "stack.json"

    @property
    def events(self) -> Path:
        """Events of the parts, one JSON document a line."""
        return self.path / "events.jsonl"

    @property
    def config(self) -> Path:
        """Generated configuration."""
        return self.path / "config"

    @property
    def targets(self) -> Path:
        """Scrape targets that are not parts: file_sd JSON, taken up within ten seconds."""
        return self.path / "targets"

    @property
    def secret(self) -> Path:
        """Key material and passwords, 0600."""
        return self.path / "secret"

    def data(self, part: str) -> Path:
        """A part's data."""
        return self.path / "data" / part

    def log(self, part: str) -> Path:
        """A part's log."""
        return self.path / "logs" / f"{part}.log"

    def make(self) -> None:
        """Create the folders that every stack has."""
        for path in (self.path, self.config, self.targets, self.path / "data", self.path / "logs"):
            path.mkdir(parents=True, exist_ok=True)
        self.secret.mkdir(mode=0o700, exist_ok=True)

    def read_state(self) -> dict[str, Any]:
        """The content of `stack.json`; empty if there is none."""
        try:
            data = json.loads(self.state.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}

    def log_tail(self, part: str, lines: int = 20) -> list[str]:
        """The last lines of a part's log."""
        try:
            with self.log(part).open("rb") as log:
                log.seek(max(0, os.fstat(log.fileno()).st_size - 16_384))
                return log.read().decode(errors="replace").splitlines()[-lines:]
        except OSError:
            # The log is information about a part, never a reason not to restart it.
            return []

    def has_space(self) -> bool:
        """Does the disk take a few lines?"""
        path = self.path / f".space.{os.getpid()}"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return False
        try:
            return os.write(descriptor, b"." * LINES_BYTES) == LINES_BYTES
        except OSError:
            return False
        finally:
            os.close(descriptor)
            with contextlib.suppress(OSError):
                path.unlink()

    def lock(self) -> int | None:
        """Takes the folder's lock; returns the file descriptor that holds it, or None if another process has it."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    @property
    def locked(self) -> bool:
        """Does a process hold the lock?"""
        if not (self.path / "lock").exists():
            return False
        descriptor = self.lock()
        if descriptor is None:
            return True
        os.close(descriptor)
        return False


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(text)
        draft.replace(path)
    except OSError:
        # A full disk: the old content stays, and no half of a file takes up room.
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def secret(path: Path) -> str:
    """The random hex secret kept in `path`, made the first time."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8").strip()
    write_private(path, secrets.token_hex(32))
    return path.read_text(encoding="utf-8").strip()


def new_folder(var: Path) -> Path:
    """A new stack folder under `var`; `var/last` names it once a stack starts there. Raises EnvironmentNotReady."""
    try:
        return _new_folder(var)
    except OSError as exc:
        raise EnvironmentNotReady(f"no folder for a stack can be made under {var}: {exc.strerror}") from exc


def _new_folder(var: Path) -> Path:
    var.mkdir(parents=True, exist_ok=True)
    now = datetime.datetime.now(datetime.UTC)
    path = var / f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    path.mkdir()
    return path


def name_last(path: Path) -> None:
    """From now on `last` beside it means this stack."""
    draft = path.parent / f".{LAST}.{os.getpid()}"
    draft.unlink(missing_ok=True)
    draft.symlink_to(path.name)
    draft.replace(path.parent / LAST)


def last_folder(var: Path) -> Path | None:
    """The newest stack's folder, or None."""
    link = var / LAST
    return link.resolve() if link.is_dir() else None


def running(var: Path) -> Iterator[Path]:
    """Folders under `var` whose stack runs, oldest first."""
    if not var.is_dir():
        return
    for path in sorted(p for p in var.iterdir() if p.is_dir() and not p.is_symlink()):
        if Folder(path).locked:
            yield path
