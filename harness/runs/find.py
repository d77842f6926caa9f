"""Finished runs read back from disk: one, or all of a folder. What is no record is reported in one sentence.

No file is trusted: it may be empty, cut off, huge, of another encoding, a pipe, a loop of links.
"""

from __future__ import annotations

import difflib
import math
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pydantic_core
from pydantic import BaseModel, TypeAdapter, ValidationError

from harness.runs.record import SCHEMA_VERSION, Event, LedgerFile, RunRecord, SponsorBooks, Timeline, started

RUN_FILE, TIMELINE_FILE, EVENTS_FILE, LEDGER_FILE = "run.json", "timeline.json", "events.jsonl", "ledger.json"
BROKEN = "not a run's record"
MOST_BYTES = 64 << 20
"""A run of hours has a run.json of some ten thousand bytes and a timeline of a few million."""
SOME = 120
"""Most characters of a file's content that an error repeats."""

Read = TypeVar("Read", bound=BaseModel)


class RunNotFound(Exception):
    """There is no such run, or the file is not a run's record. Exit code 2."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run that was read; `file` may be a lone `run.json` (a committed baseline). `notes`: what a reader should know
    of the choice, in sentences.
    """

    record: RunRecord
    file: Path
    notes: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        return self.file.parent

    def timeline(self) -> Timeline:
        """Empty where there is none, as beside a baseline. Raises RunNotFound for a damaged one."""
        return self._beside(TIMELINE_FILE, Timeline) or Timeline()

    def sponsors(self) -> tuple[SponsorBooks, ...]:
        """Empty where the books say nothing. Raises RunNotFound for a damaged file."""
        books = self._beside(LEDGER_FILE, LedgerFile)
        return books.sponsors if books else ()

    def _beside(self, name: str, model: type[Read]) -> Read | None:
        path = self.folder / name
        if self.file.name != RUN_FILE or not os.path.lexists(path):
            return None
        return _read_as(path, name, TypeAdapter(model).validate_json)


@dataclass(frozen=True, slots=True)
class Listing:
    """All runs under a folder, oldest first by their own time; `broken`: a sentence for each that cannot be read;
    `unfinished`: folders of runs without a record.
    """

    found: tuple[StoredRun, ...]
    broken: tuple[str, ...] = ()
    unfinished: tuple[Path, ...] = ()
    damaged: tuple[Path, ...] = field(default=())
    """The files of `broken`."""


def _text(path: Path) -> str:
    """Raises RunNotFound for whatever lies there, in one sentence. Never waits for a pipe, never reads without end."""
    expected = "expected a run's folder or run.json"
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as exc:
        raise RunNotFound(f"{path}: cannot be read: {exc.strerror}; {expected}") from exc
    except ValueError as exc:
        raise RunNotFound(f"{str(path)[:SOME]!r}: no name of a file; {expected}") from exc
    known = os.fstat(handle)
    if not stat.S_ISREG(known.st_mode):
        os.close(handle)
        raise RunNotFound(f"{path}: {BROKEN}: no plain file; {expected}")
    with os.fdopen(handle, "rb") as file:
        if known.st_size > MOST_BYTES:
            size = f"{known.st_size >> 20:,} MiB, and {MOST_BYTES >> 20} MiB are the most"
            raise RunNotFound(f"{path}: {BROKEN}: it has {size}; {expected}")
        try:
            text = file.read(MOST_BYTES + 1).decode("utf-8-sig")
        except UnicodeDecodeError as exc:
            raise RunNotFound(f"{path}: {BROKEN}: not UTF-8 text; expected a run.json") from exc
        except OSError as exc:
            raise RunNotFound(f"{path}: cannot be read: {exc.strerror}; {expected}") from exc
    if not text.strip():
        raise RunNotFound(f"{path}: {BROKEN}: it is empty; expected a run.json")
    return text


def _read_as(path: Path, what: str, validate: Callable[[str], Read]) -> Read:
    text = _text(path)
    if not _finite(_data(text)):
        raise RunNotFound(f"{path}: {BROKEN}: a number without end, or none; expected a {what} of this version")
    try:
        return validate(text)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:SOME] or "the file"
        says = first["msg"].lower()[: 2 * SOME]
        raise RunNotFound(f"{path}: {BROKEN}: {where}: {says}; expected a {what} of this version") from exc


def read_run(file: Path) -> StoredRun:
    """Older records are read too; one of a newer version is refused. Raises RunNotFound with what is wrong."""

    def validate(text: str) -> RunRecord:
        version = _version(text)
        if version > SCHEMA_VERSION:
            raise RunNotFound(
                f"{file}: a record of version {str(version)[:SOME]}, written by a newer xiu; "
                f"expected version {SCHEMA_VERSION} or older"
            )
        record = RunRecord.model_validate_json(text)
        return record if record.schema_version == version else record.model_copy(update={"schema_version": version})

    return StoredRun(_read_as(file, RUN_FILE, validate), file)


def _data(text: str) -> Any:
    """As JSON; None for what is not JSON."""
    try:
        return pydantic_core.from_json(text)
    except ValueError:
        return None


def _finite(data: Any) -> bool:
    """No figure of the project is infinite: anything compared with infinity would look as good."""
    if isinstance(data, float):
        return math.isfinite(data)
    parts = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return all(map(_finite, parts))


def _version(text: str) -> int:
    """The version that a record says, 1 for those written before there were any, and for what is no record."""
    data = _data(text)
    version = data.get("schema_version", 1) if isinstance(data, dict) else 1
    return version if isinstance(version, int) and not isinstance(version, bool) else 1


def read_events(folder: Path) -> tuple[Event, ...]:
    """The whole lines of `events.jsonl`; a line cut off by a crash is left out. Raises RunNotFound for a bad one."""
    path = folder / EVENTS_FILE
    if not path.exists() or not path.stat().st_size:
        return ()
    whole = [line for line in _text(path).splitlines(keepends=True) if line.endswith("\n")]
    try:
        return tuple(Event.model_validate_json(line) for line in whole if line.strip())
    except ValidationError as exc:
        raise RunNotFound(f"{path}: a line is no event; expected t_s, kind, text") from exc


def run_files(runs: Path) -> list[Path]:
    """`run.json` of each finished run, by the folders' names; read or not."""
    try:
        names = sorted(os.listdir(runs))
    except OSError:
        return []
    return [file for name in names if os.path.lexists(file := runs / name / RUN_FILE)]


def all_runs(runs: Path) -> Listing:
    """Every run there is; what cannot be read never hides the rest."""
    found: list[StoredRun] = []
    broken: list[tuple[Path, str]] = []
    for file in run_files(runs):
        try:
            found.append(read_run(file))
        except RunNotFound as exc:
            broken.append((file, str(exc)))
    found.sort(key=lambda one: (started(one.record), _written(one.file)))
    return Listing(
        tuple(found), tuple(says for _, says in broken), _unfinished(runs), tuple(file for file, _ in broken)
    )


def _unfinished(runs: Path) -> tuple[Path, ...]:
    """Folders in which a run began, and no record stands; one that may not be looked into is none."""
    try:
        names = sorted(os.listdir(runs))
    except OSError:
        return ()
    return tuple(
        runs / name
        for name in names
        if os.path.isdir(runs / name / "history") and not os.path.lexists(runs / name / RUN_FILE)
    )


def _written(file: Path) -> int:
    """When a file was written, in nanoseconds; 0 for one that has gone meanwhile."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def last_run(runs: Path) -> StoredRun:
    """The newest by its own time. `notes` say what might surprise. Raises RunNotFound."""
    listing = all_runs(runs)
    if not listing.found:
        if listing.broken:
            raise RunNotFound(f"{runs}: no run that can be read; the first: {listing.broken[0]}")
        raise RunNotFound(f"{runs}: no finished run; expected one, as `xiu demo` makes it")
    last = listing.found[-1]
    return StoredRun(last.record, last.file, tuple(_surprises(last, listing)))


def _surprises(last: StoredRun, listing: Listing) -> list[str]:
    """What a reader of `last` should know: newer ones without a record, and times that cannot be right."""
    name, its = last.record.run_id, started(last.record)
    out = [f"{path} did not finish, or still goes on; the last finished run is {name}"
           for path in listing.unfinished if _stamp(path) > its]  # fmt: skip
    out += [f"{path} cannot be read; the last run that can is {name}"
            for path in listing.damaged if _stamp(path.parent) > its]  # fmt: skip
    written = max(listing.found, key=lambda one: _written(one.file))
    if written.record.run_id != name and _written(written.file) > _written(last.file):
        out.append(
            f"{written.file} was written later, but its own time is earlier ({written.record.started_at}): "
            "a copy, or the clock went back"
        )
    if its > datetime.now(UTC):
        out.append(f"{name} began at {last.record.started_at}, which has not come yet: the clock went back")
    return out


def _stamp(folder: Path) -> datetime:
    """The time in a run folder's name; the beginning of time for another name."""
    try:
        return datetime.strptime(folder.name[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def find_run(run: str, runs: Path) -> StoredRun:
    """`run` is an id (or its unique beginning), a folder, a `run.json` file, or `last`. Raises RunNotFound."""
    if run == "last":
        return last_run(runs)
    for file in (Path(run) / RUN_FILE, runs / run / RUN_FILE):
        if os.path.lexists(file):
            return read_run(file)
    if os.path.lexists(run) and not os.path.isdir(run):
        return read_run(Path(run))
    folders = [file.parent.name for file in run_files(runs)]
    starting = [name for name in folders if run and name.startswith(run)]
    if len(starting) == 1:
        return read_run(runs / starting[0] / RUN_FILE)
    renamed = [one for one in all_runs(runs).found if one.record.run_id == run]
    if renamed:
        return renamed[-1]
    shown = run if len(run) <= SOME else f"{run[:SOME]}…"
    if os.path.isdir(run) or os.path.isdir(runs / run):
        raise RunNotFound(f"{shown}: the run did not finish, there is no {RUN_FILE}; expected a finished run")
    if starting:
        expected = "more of its name, as " + " or ".join(starting[-2:])
        raise RunNotFound(f"{shown}: {len(starting)} runs begin so; expected {expected}")
    near = difflib.get_close_matches(run, folders, n=1) if len(run) <= SOME else []
    hint = f"; did you mean {near[0]}?" if near else ""
    raise RunNotFound(f"{shown}: no such run; expected an id, a folder, a run.json file or `last`{hint}")
