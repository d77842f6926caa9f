"""`xiu plan log`: who started, changed and stopped which load, and whether the log is what was written."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from harness.errors import EnvironmentNotReady
from harness.guard.audit_log import FILE, AuditLine, problems, read
from xiu.commands._text import emit, table

BROKEN_EXIT_CODE = 99
HIDDEN = frozenset({"forecast_sha256", "seed"})
"""Of a line, what only `--json` shows."""


def show(runs: Path, *, as_json: bool) -> int:
    """Prints the log; 99 where a line was changed or taken out. Raises EnvironmentNotReady where it cannot be read."""
    try:
        lines, wrong = list(read(runs)), problems(runs)
        wrong += _gone(runs, {line.sha256 for line in lines})
    except OSError as exc:
        raise EnvironmentNotReady(f"{runs / FILE} cannot be read: {exc.strerror or exc}") from exc
    if as_json:
        emit({"file": str(runs / FILE), "lines": [asdict(line) for line in lines], "problems": wrong})
    elif not lines:
        print(f"nothing stands in {runs / FILE}")
    else:
        print(table(("at", "who", "act", "about"), [[line.at, line.who, line.act, _about(line)] for line in lines]))
    for text in wrong:
        print(text, file=sys.stderr)
    return BROKEN_EXIT_CODE if wrong else 0


def _gone(runs: Path, hashes: set[str]) -> list[str]:
    """Runs that name a line with which they began, and that is not there: the log's end was cut off."""
    found: list[str] = []
    for path in sorted(runs.glob("*/run.json")):
        try:
            guard = json.loads(path.read_bytes()).get("guard") or {}
            sha256 = guard.get("audit_sha256")
        except (OSError, ValueError, AttributeError):
            continue  # no record; `xiu run list` says so
        if sha256 is not None and sha256 not in hashes:
            found.append(f"{path}: the line with which this run began is gone; expected {sha256[:16]}…")
    return found


def _about(line: AuditLine) -> str:
    told = {key: value for key, value in line.about.items() if key not in HIDDEN and value not in (None, [], "")}
    words = {key: ", ".join(value) if isinstance(value, list) else str(value) for key, value in told.items()}
    return " ".join(f"{key}={value}" for key, value in words.items())
