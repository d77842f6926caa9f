"""`faults.jsonl` in a stack's folder: what was injected, and what of it was healed. Append-only.

A line is on the disk before its fault is in force. So whatever dies, another process knows what to take back.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psutil
from pydantic import TypeAdapter

from harness.runs.durable import append_line

FILE, LOCK = "faults.jsonl", "faults.lock"
PATIENCE_S, POLL_S = 20.0, 0.05
"""Seconds; the ladder of one fault takes less, unless something hangs."""


@dataclass(frozen=True, slots=True)
class Injected:
    """One fault in force. `kind` and `detail` belong to its kind (chaos/faults): no other code reads them, so a new
    kind changes nothing here. `detail` is what the kind needs to take it back; times are unix seconds.

    `until`: when its drill means to heal it; `expires`: when the watchdog heals it in any case.
    """

    key: str
    fault: str
    target: str
    kind: str
    detail: dict[str, Any]
    at: float
    until: float
    expires: float
    owner_pid: int
    owner_created: float
    drill: str = ""
    home: str = ""
    """Folder of a kind of one's own: whoever heals may not have been given that folder."""

    def owner_lives(self) -> bool:
        """Does the process that injected it still live? A pid given to another process since does not count."""
        try:
            process = psutil.Process(self.owner_pid)
            return abs(process.create_time() - self.owner_created) < 0.01 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def left_s(self, now: float | None = None) -> float:
        """Seconds until it is meant to end; negative when it is overdue."""
        return self.until - (time.time() if now is None else now)


@cache
def _reader() -> TypeAdapter[Injected]:
    """Of a line. Made where a fault was ever injected: most who look find nothing."""
    return TypeAdapter(Injected)


@dataclass(frozen=True, slots=True)
class FaultLedgerEntry:
    """What a fault is to be entered as."""

    fault: str
    target: str
    kind: str
    lasts_s: float
    expires_s: float
    detail: dict[str, Any] = field(default_factory=dict)
    drill: str = ""
    home: str = ""


def enter(folder: Path, entry: FaultLedgerEntry) -> Injected:
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
        home=entry.home,
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
    """Numbers of the lines that cannot be read: torn by a crash, or damaged."""
    return [number for number, row in _lines(folder) if row is None]


def rows(folder: Path) -> list[dict[str, Any]]:
    """Every whole line. A line that a crash cut off stands for nothing done, because the fault comes after its line."""
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
            return {"do": do, **asdict(_reader().validate_python(row))}
        return row if do in ("healed", "rung") and isinstance(key, str) else None
    except (ValueError, TypeError, KeyError):
        return None


@contextmanager
def healing(folder: Path, patience_s: float = PATIENCE_S) -> Iterator[str]:
    """One healer at a time: drill, watchdog and `xiu heal` must not climb the same ladder at once.

    Yields a reason where this one acts although the lock is not free: the holder is frozen or takes longer than
    `patience_s`, or there is no lock. Healing twice does no harm.
    """
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        yield f"without a lock, which cannot be had: {exc.strerror}"
        return
    try:
        word = _take_turns(descriptor, patience_s)
        if not word:
            with suppress(OSError):  # its name helps those who wait, and is no reason not to heal
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield word
    finally:
        os.close(descriptor)


def _take_turns(descriptor: int, patience_s: float) -> str:
    """Waits for the lock; returns a reason where it stops waiting."""
    until = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return ""
        except OSError as exc:
            if exc.errno not in (errno.EAGAIN, errno.EACCES):
                return f"without a lock, which cannot be had: {exc.strerror}"
        who = os.pread(descriptor, 20, 0).decode(errors="replace")
        if _stands_still(who):
            return f"process {who}, which was healing, stands still: not waited for"
        if time.monotonic() > until:
            return f"process {who or '?'} has been healing for more than {patience_s:g} s: not waited for"
        time.sleep(POLL_S)


def _stands_still(pid: str) -> bool:
    """Is the process stopped by a signal? False where that is not known."""
    try:
        return psutil.Process(int(pid)).status() == psutil.STATUS_STOPPED
    except (ValueError, psutil.Error):
        return False


def _append(folder: Path, row: dict[str, Any]) -> None:
    append_line(folder / FILE, json.dumps(row).encode())
