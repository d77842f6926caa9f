"""A run's folder under `runs/`: created, written whole or not at all, found again. Refuses to guess which is meant."""

from __future__ import annotations

import difflib
import json
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from harness.report.html import render_html
from harness.report.junit import render_junit
from harness.run_books import books_of
from harness.run_record import Event, RunRecord, SponsorBooks, Timeline, VerdictFile

RUN_FILE, TIMELINE_FILE, EVENTS_FILE, REPORT_FILE = "run.json", "timeline.json", "events.jsonl", "report.html"
BROKEN = "not a run's record"


class RunNotFound(Exception):
    """No such run, or what is there is not a run's record. Exit code 2."""

    exit_code = 2


def new_run(runs: Path, plan: str, now: datetime | None = None) -> Path:
    """A fresh folder `runs/<time>-<plan>-<random>`, with the folders it always has; its name is the run's id."""
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%d-%H%M%S")
    folder = runs / f"{stamp}-{plan}-{secrets.token_hex(2)}"
    for part in (folder, folder / "history", folder / "metrics"):
        part.mkdir(parents=True, exist_ok=False)
    return folder


def write_text(path: Path, text: str) -> None:
    """Whole or not at all, also if the machine stops in between."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with beside.open("w", encoding="utf-8") as file:
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
    with (folder / EVENTS_FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(event.model_dump(mode="json"), ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def rewrite_events(folder: Path, events: Iterable[Event]) -> None:
    """All of `events.jsonl` anew, whole or not at all: their times are known better now."""
    fresh = folder / f"{EVENTS_FILE}.new"
    with fresh.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(event.model_dump(mode="json"), ensure_ascii=False) + "\n" for event in events)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / EVENTS_FILE)


def read_events(folder: Path) -> tuple[Event, ...]:
    """The whole lines of `events.jsonl`; a line cut off by a crash is left out."""
    path = folder / EVENTS_FILE
    if not path.exists():
        return ()
    whole = [line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")]
    return tuple(Event.model_validate_json(line) for line in whole if line.strip())


def write_run(folder: Path, record: RunRecord, timeline: Timeline, sponsors: Sequence[SponsorBooks] = ()) -> None:
    """Every file that follows from the record. `run.json` comes last: where it is, the rest is."""
    books = books_of(record, sponsors)
    write_model(folder / TIMELINE_FILE, timeline)
    write_model(folder / "ledger.json", books)
    write_model(folder / "verdict.json", verdict_file(record))
    if record.environment is not None:
        write_model(folder / "environment.json", record.environment)
    write_text(folder / "junit.xml", render_junit(record))
    write_text(folder / REPORT_FILE, render_html(record, timeline, books))
    write_model(folder / RUN_FILE, record)


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


@dataclass(frozen=True, slots=True)
class Found:
    """A run that was read; `folder` is None for a lone `run.json` (a committed baseline)."""

    record: RunRecord
    file: Path

    @property
    def folder(self) -> Path:
        return self.file.parent

    def timeline(self) -> Timeline:
        """Empty where there is none, as beside a baseline."""
        path = self.folder / TIMELINE_FILE
        if self.file.name != RUN_FILE or not path.exists():
            return Timeline()
        return Timeline.model_validate_json(path.read_text(encoding="utf-8"))

    def sponsors(self) -> tuple[SponsorBooks, ...]:
        path = self.folder / "ledger.json"
        if self.file.name != RUN_FILE or not path.exists():
            return ()
        data = json.loads(path.read_text(encoding="utf-8"))
        return tuple(SponsorBooks.model_validate(item) for item in data.get("sponsors", []))


def run_files(runs: Path) -> list[Path]:
    """`run.json` of each finished run, oldest first."""
    return sorted(runs.glob(f"*/{RUN_FILE}"), key=lambda path: (path.stat().st_mtime_ns, path.parent.name))


def read_run(file: Path) -> Found:
    """Raises RunNotFound with what is wrong."""
    try:
        return Found(RunRecord.model_validate_json(file.read_text(encoding="utf-8")), file)
    except OSError as exc:
        raise RunNotFound(f"{file}: cannot be read: {exc.strerror}; expected a run's folder or run.json") from exc
    except UnicodeDecodeError as exc:
        raise RunNotFound(f"{file}: {BROKEN}: not UTF-8 text; expected a run.json") from exc
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise RunNotFound(
            f"{file}: {BROKEN}: {where}: {first['msg'].lower()}; expected a run.json of this version"
        ) from exc


def find_run(run: str, runs: Path) -> Found:
    """`run` is an id, a folder, a `run.json` file, or `last`. Raises RunNotFound."""
    finished = run_files(runs)
    if run == "last":
        if not finished:
            raise RunNotFound(f"{runs}: no finished run; expected one, as `xiu demo` makes it")
        return read_run(finished[-1])
    for file in (Path(run) / RUN_FILE, runs / run / RUN_FILE):
        if file.is_file():
            return read_run(file)
    if Path(run).is_file():
        return read_run(Path(run))
    ids = [file.parent.name for file in finished]
    starting = [name for name in ids if name.startswith(run)]
    if len(starting) == 1:
        return read_run(runs / starting[0] / RUN_FILE)
    if Path(run).is_dir() or (runs / run).is_dir():
        raise RunNotFound(f"{run}: the run did not finish, there is no {RUN_FILE}; expected a finished run")
    near = difflib.get_close_matches(run, ids, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise RunNotFound(f"{run}: no such run; expected an id, a folder, a run.json file or `last`{hint}")
