"""Writes a run's folder. A folder that cannot be written never stops the run: load, faults and heals go on; that the
record has holes is kept as one sentence, for the verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from harness.phrases import Sentence, sentence
from harness.runs.folder import RUN_FILE, append_event, rewrite_events, verdict_file, write_model, write_run
from harness.runs.record import Event, RunRecord, SponsorBooks, Timeline
from harness.verdict import Reason, exit_code

CODE = "record_incomplete"
GREEN = ("PASS", "WARN")


class Scribe:
    """One run's folder. `failed`: the first thing that could not be written; None while all could."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.failed: Sentence | None = None

    def append(self, event: Event) -> None:
        """One event more."""
        try:
            append_event(self.folder, event)
        except OSError as exc:
            self._note(exc)

    def rewrite(self, events: Iterable[Event]) -> None:
        """All events anew: their exact times are known now."""
        try:
            rewrite_events(self.folder, events)
        except OSError as exc:
            self._note(exc)

    def reasons(self) -> list[Reason]:
        """Why the record does not show the whole run."""
        return [Reason(code=CODE, text=self.failed)] if self.failed else []

    def seal(self, record: RunRecord, timeline: Timeline, sponsors: Sequence[SponsorBooks]) -> RunRecord:
        """Everything that follows from the record; returns the record that is valid afterwards.

        A result that nobody can read again is never green: PASS becomes INVALID where it could not be written.
        """
        try:
            write_run(self.folder, record, timeline, sponsors)
            return record
        except OSError as exc:
            self._note(exc)
        record = self._with_failure(record)
        with suppress(OSError):  # a few KiB more may still fit: the verdict before the page that shows it
            write_model(self.folder / "verdict.json", verdict_file(record))
            write_model(self.folder / RUN_FILE, record)
        return record

    def _with_failure(self, record: RunRecord) -> RunRecord:
        if any(reason.code == CODE for reason in record.reasons):
            return record
        changes: dict[str, object] = {"reasons": (*record.reasons, *self.reasons())}
        if record.verdict in GREEN:
            changes |= {"verdict": "INVALID", "exit_code": exit_code("INVALID"), "reasons": tuple(self.reasons())}
        return record.model_copy(update=changes)

    def _note(self, exc: OSError) -> None:
        name = Path(str(exc.filename)).name if exc.filename else "a file"
        self.failed = self.failed or sentence(
            "folder_unwritable", folder=self.folder, name=name, detail=exc.strerror or exc
        )
