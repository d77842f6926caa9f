"""A run's folder under `runs/`: created, written whole or not at all. `harness.runs.find` reads it."""

from __future__ import annotations

import json
import logging
import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel

from harness.errors import EnvironmentNotReady
from harness.report.html import render_html
from harness.report.junit import render_junit
from harness.report.links import runbooks
from harness.runs.find import (
    EVENTS_FILE,
    LEDGER_FILE,
    RUN_FILE,
    TIMELINE_FILE,
    RunNotFound,
    StoredRun,
    find_run,
    read_events,
    read_run,
    run_files,
)  # fmt: skip
from harness.runs.ledger_lines import books_of
from harness.runs.record import Event, RunRecord, SponsorBooks, Timeline, VerdictFile

log = logging.getLogger(__name__)

REPORT_FILE = "report.html"

__all__ = [
    "EVENTS_FILE",
    "REPORT_FILE",
    "RUN_FILE",
    "TIMELINE_FILE",
    "RunNotFound",
    "StoredRun",
    "append_event",
    "find_run",
    "new_run",
    "read_events",
    "read_run",
    "rewrite_events",
    "run_files",
    "verdict_file",
    "write_model",
    "write_run",
    "write_text",
]  # fmt: skip


def new_run(runs: Path, plan: str, now: datetime | None = None) -> Path:
    """A fresh folder `runs/<time>-<plan>-<random>`, with the folders it always has; its name is the run's id."""
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%d-%H%M%S")
    folder = runs / f"{stamp}-{plan}-{secrets.token_hex(2)}"
    try:
        for part in (folder, folder / "history", folder / "metrics"):
            part.mkdir(parents=True, exist_ok=False)
    except OSError as exc:
        raise EnvironmentNotReady(f"{folder} cannot be made: {exc.strerror or exc}; nothing was sent") from exc
    return folder


def write_text(path: Path, text: str) -> None:
    """Whole or not at all, also if the machine stops in between. What UTF-8 cannot hold becomes a question mark."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with beside.open("w", encoding="utf-8", errors="replace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_model(path: Path, model: BaseModel) -> None:
    """A model as readable JSON."""
    write_text(path, json.dumps(model.model_dump(mode="json"), ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def append_event(folder: Path, event: Event) -> None:
    """One line of `events.jsonl`, on disk when this returns."""
    with (folder / EVENTS_FILE).open("a", encoding="utf-8", errors="replace") as file:
        file.write(json.dumps(event.model_dump(mode="json"), ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def rewrite_events(folder: Path, events: Iterable[Event]) -> None:
    """All of `events.jsonl` anew, whole or not at all: their exact times are known now."""
    fresh = folder / f"{EVENTS_FILE}.new"
    with fresh.open("w", encoding="utf-8", errors="replace") as file:
        file.writelines(json.dumps(event.model_dump(mode="json"), ensure_ascii=False) + "\n" for event in events)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / EVENTS_FILE)


def write_run(folder: Path, record: RunRecord, timeline: Timeline, sponsors: Sequence[SponsorBooks] = ()) -> None:
    """Every file that follows from the record. `run.json` comes last: where it is, the others are."""
    books = books_of(record, sponsors)
    write_model(folder / TIMELINE_FILE, timeline)
    write_model(folder / LEDGER_FILE, books)
    write_model(folder / "verdict.json", verdict_file(record))
    if record.environment is not None:
        write_model(folder / "environment.json", record.environment)
    _rendered(folder / "junit.xml", lambda: render_junit(record))
    _rendered(folder / REPORT_FILE, lambda: render_html(record, timeline, books, runbooks(folder, os.environ)))
    write_model(folder / RUN_FILE, record)


def _rendered(path: Path, render: Callable[[], str]) -> None:
    """A page that cannot be drawn is a bug of ours, and must not lose the run's record."""
    try:
        text = render()
    except Exception:
        log.exception("not rendered: %s", path, extra={"event": "report_not_rendered"})
        return
    write_text(path, text)


def verdict_file(record: RunRecord) -> VerdictFile:
    return VerdictFile(
        run_id=record.run_id,
        verdict=record.verdict,
        exit_code=record.exit_code,
        reasons=record.reasons,
        indicators=record.forecast,
        invariants=record.invariants,
        forecast_sha256=record.forecast_sha256,
    )
