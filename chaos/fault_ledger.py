"""`faults.jsonl` in a stack's folder: what was injected, and what of it was healed. Append-only.

A line is on the disk before its fault is: whatever dies, the next one who looks knows what to take back.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import psutil
from pydantic import TypeAdapter

from harness.durable import append_line

FILE = "faults.jsonl"
Kind = Literal["toxics", "refuse", "signal", "flush"]


@dataclass(frozen=True, slots=True)
class Injected:
    """One fault in force. `detail` is what its injector needs to take it back; times are unix seconds.

    `until`: when its drill means to heal it; `expires`: when the watchdog does, whatever anybody means.
    """

    key: str
    fault: str
    target: str
    kind: Kind
    detail: dict[str, Any]
    at: float
    until: float
    expires: float
    owner_pid: int
    owner_created: float
    drill: str = ""

    def owner_lives(self) -> bool:
        """Is the process that injected it still there? A pid given to another process since does not count."""
        try:
            process = psutil.Process(self.owner_pid)
            return abs(process.create_time() - self.owner_created) < 0.01 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def left_s(self, now: float | None = None) -> float:
        """Seconds until it is meant to end; negative when it is overdue."""
        return self.until - (time.time() if now is None else now)


_INJECTED = TypeAdapter(Injected)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a fault is to be entered as."""

    fault: str
    target: str
    kind: Kind
    lasts_s: float
    expires_s: float
    detail: dict[str, Any] = field(default_factory=dict)
    drill: str = ""


def enter(folder: Path, entry: Entry) -> Injected:
    """Writes down that a fault is about to be injected by this process; on the disk when this returns."""
    now = time.time()
    row = Injected(
        key=secrets.token_hex(4),
        fault=entry.fault,
        target=entry.target,
        kind=entry.kind,
        detail=entry.detail,
        at=now,
        until=now + entry.lasts_s,
        expires=now + entry.expires_s,
        owner_pid=os.getpid(),
        owner_created=psutil.Process().create_time(),
        drill=entry.drill,
    )
    _append(folder, {"do": "inject", **asdict(row)})
    return row


def close(folder: Path, key: str, how: str) -> None:
    """Writes down that a fault is taken back."""
    _append(folder, {"do": "healed", "key": key, "at": time.time(), "how": how})


def rung(folder: Path, key: str, text: str) -> None:
    """Writes down a rung of the ladder, whether it held or not."""
    _append(folder, {"do": "rung", "key": key, "at": time.time(), "text": text})


def injected(folder: Path) -> list[Injected]:
    """What was injected and not healed, oldest first."""
    found: dict[str, Injected] = {}
    for row in rows(folder):
        if row["do"] == "inject":
            found[row["key"]] = Injected(**{key: value for key, value in row.items() if key != "do"})
        elif row["do"] == "healed":
            found.pop(row["key"], None)
    return list(found.values())


def unreadable(folder: Path) -> list[int]:
    """Numbers of the lines that say nothing: one torn by a crash, or spoilt by somebody."""
    return [number for number, row in _lines(folder) if row is None]


def rows(folder: Path) -> list[dict[str, Any]]:
    """Every whole line. One that a crash cut off stands for nothing done: the fault comes after its line."""
    return [row for _, row in _lines(folder) if row is not None]


def _lines(folder: Path) -> list[tuple[int, dict[str, Any] | None]]:
    try:
        lines = (folder / FILE).read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    return [(number, _row(line)) for number, line in enumerate(lines, 1) if line]


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row: dict[str, Any] = json.loads(line)
        do, key = row["do"], row["key"]
        if do == "inject":
            return {"do": do, **asdict(_INJECTED.validate_python(row))}
        return row if do in ("healed", "rung") and isinstance(key, str) else None
    except (ValueError, TypeError, KeyError):
        return None


@contextmanager
def healing(folder: Path) -> Iterator[None]:
    """One healer at a time: drill, watchdog and `xiu heal` must not climb the same ladder at once."""
    descriptor = os.open(folder / "faults.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _append(folder: Path, row: dict[str, Any]) -> None:
    append_line(folder / FILE, json.dumps(row).encode())
