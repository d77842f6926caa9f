"""A folder that cannot be written stops nothing, and nothing is green that nobody can read again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.orchestrate.scribe import Scribe
from harness.runs.record import Event, Timeline
from harness.verdict import exit_code
from tests.support import sample_run
from xiu.commands.run import tell

EVENT = Event(t_s=1.0, kind="phase", text="measured")


@pytest.fixture
def gone(tmp_path: Path) -> Scribe:
    """Its folder went away under it, as a disk that is unmounted."""
    folder = tmp_path / "run"
    folder.mkdir()
    scribe = Scribe(folder)
    scribe.append(EVENT)
    assert not scribe.failed
    shutil.rmtree(folder)
    return scribe


def test_events_that_cannot_be_written_are_one_sentence(gone: Scribe) -> None:
    gone.append(EVENT)
    first = gone.failed
    gone.rewrite([EVENT])
    gone.append(EVENT)
    assert gone.failed == first
    assert first is not None
    assert "events.jsonl" in first
    assert "\n" not in first
    assert [reason.code for reason in gone.reasons()] == ["record_incomplete"]


@pytest.mark.parametrize(
    ("verdict", "stays"),
    [("PASS", "INVALID"), ("WARN", "INVALID"), ("FAIL", "FAIL"), ("ABORTED", "ABORTED"), ("NO_DATA", "NO_DATA")],
)
def test_a_record_that_cannot_be_written_is_never_green(gone: Scribe, verdict: str, stays: str) -> None:
    record = sample_run.record().model_copy(update={"verdict": verdict, "exit_code": exit_code(verdict)})
    sealed = gone.seal(record, Timeline(), ())
    assert (sealed.verdict, sealed.exit_code) == (stays, exit_code(stays))
    assert "record_incomplete" in {reason.code for reason in sealed.reasons}


def test_a_page_that_was_not_written_is_not_shown_to_anybody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = sample_run.record()
    folder = tmp_path / record.run_id
    folder.mkdir()
    tell(record, tmp_path, as_json=False)
    assert str(tmp_path) not in (said := capsys.readouterr().out)
    assert said.endswith("no report: it could not be written\n")
    Scribe(folder).seal(record, Timeline(), ())
    tell(record, tmp_path, as_json=False)
    assert capsys.readouterr().out.endswith(f"report: {folder / 'report.html'}\n")
