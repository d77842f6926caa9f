"""The audit log: who started, changed and ended which load, one line an act. Lines are added and never changed: each
carries the hash of the line before, so that one which was altered, or taken out, is seen.

One file for all runs of a folder. Owns no decision: whoever acts writes, and may have to act where it cannot.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

FILE = "audit.jsonl"
"""Under `runs`."""
FIRST = "0" * 64
"""The hash before the first line."""
LONGEST = 1 << 16
"""Bytes of a line; far more than any act needs."""
LOCK_S, POLL_S = 2.0, 0.02
Act = Literal["burst", "started", "refused", "rate", "kill", "ended"]
ACTS: tuple[Act, ...] = ("burst", "started", "refused", "rate", "kill", "ended")


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One act. `number`: of the line, from 1; `sha256`: of the line, which holds that of the line before."""

    number: int
    at: str
    who: str
    act: str
    about: Mapping[str, Any]
    sha256: str


def write(runs: Path, act: Act, who: str, **about: Any) -> str:
    """Adds a line and puts it on the disk; returns its hash. Raises OSError."""
    runs.mkdir(parents=True, exist_ok=True)
    # Append alone: even this code could not change what stands there.
    file = os.open(runs / FILE, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        _lock(file)
        before, torn = _last(file)
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"at": at, "who": who, "act": act, **about, "before": before}, ensure_ascii=False)
        data = line.encode()
        if len(data) > LONGEST:
            raise OSError(f"a line of {len(data):,} bytes")
        whole = (b"\n" if torn else b"") + data + b"\n"
        if os.write(file, whole) != len(whole):
            raise OSError(f"{runs / FILE}: the line was not written whole")
        os.fsync(file)
    finally:
        os.close(file)
    return _sha(data)


def _lock(file: int) -> None:
    """Raises OSError where another process, frozen perhaps, keeps the log for itself."""
    until = time.monotonic() + LOCK_S
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise
        time.sleep(POLL_S)


def read(runs: Path) -> Iterator[AuditLine]:
    """The lines, as far as they can be read; nothing where there are none. Raises OSError."""
    try:
        with (runs / FILE).open("rb") as file:
            for number, raw in enumerate(file, 1):
                try:
                    about = json.loads(raw)
                    at, who, act = about.pop("at"), about.pop("who"), about.pop("act")
                except (ValueError, KeyError, TypeError, AttributeError):
                    continue
                about.pop("before", None)
                yield AuditLine(number, at, who, act, about, _sha(raw.rstrip(b"\n")))
    except FileNotFoundError:
        return


def problems(runs: Path) -> list[str]:
    """What was done to the log beside adding lines, `file:line: …` each. Raises OSError."""
    found: list[str] = []
    before, path = FIRST, runs / FILE
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                says = _wrong(raw, before)
                if says:
                    found.append(f"{path}:{number}: {says}")
                before = _sha(raw.rstrip(b"\n"))
    except FileNotFoundError:
        return []
    return found


def _wrong(raw: bytes, before: str) -> str:
    try:
        line = json.loads(raw)
        told = line["before"]
    except (ValueError, KeyError, TypeError):
        return "not a line of this log; expected one JSON object an act"
    if not raw.endswith(b"\n"):
        return "a line that ends in the middle; expected an end of line"
    return "" if told == before else "it does not follow the line before; expected lines to be added alone"


def _last(file: int) -> tuple[str, bool]:
    """(hash of the last line, whether it ends in the middle)."""
    size = os.fstat(file).st_size
    if not size:
        return FIRST, False
    tail = os.pread(file, LONGEST + 2, max(0, size - LONGEST - 2))
    lines = tail.rstrip(b"\n").rsplit(b"\n", 1)
    return _sha(lines[-1]), not tail.endswith(b"\n")


def _sha(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
