"""Finding and reading runs: `last` by the run's own time; whatever lies there is one sentence, and hides no other."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.runs.find import RunNotFound, all_runs, find_run, read_events, read_run
from harness.runs.folder import append_event, new_run, rewrite_events, write_run, write_text
from harness.runs.record import (
    SCHEMA_VERSION,
    Environment,
    Event,
    LedgerFile,
    LedgerLine,
    Second,
    SponsorBooks,
    Timeline,
    VerdictFile,
)  # fmt: skip
from tests.support.json_schema import against_schema
from tests.support.sample_run import record, sponsors, timeline
from xiu.cli import dispatch, main

HOUR = "2026-01-01T{:02}:00:00+08:00"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def finished(runs: Path, hour: int = 20, **changes: object) -> Path:
    folder = new_run(runs, "gala-share")
    times = {"started_at": HOUR.format(hour), "ended_at": HOUR.format(hour)}
    write_run(folder, record(**{"run_id": folder.name, **times, **changes}), timeline(), sponsors())
    return folder


def test_last_is_by_the_run_s_own_time_not_the_file_s(runs: Path):
    newest, older = finished(runs, 21), finished(runs, 9)
    os.utime(newest / "run.json", ns=(1, 1))
    found = find_run("last", runs)
    assert found.record.run_id == newest.name
    (note,) = found.notes
    assert note.startswith(f"{older / 'run.json'} was written later")


def test_times_of_different_zones_are_one_order(runs: Path):
    early = finished(runs, started_at="2026-01-01T20:00:00+08:00")
    late = finished(runs, started_at="2026-01-01T13:00:00Z")
    assert [one.record.run_id for one in all_runs(runs).found] == [early.name, late.name]


def test_a_copied_folder_is_the_run_it_was(runs: Path):
    older, newest = finished(runs, 9), finished(runs, 10)
    shutil.copytree(older, runs / "from-elsewhere")
    assert find_run("last", runs).record.run_id == newest.name
    (runs / older.name).rename(runs / "renamed")
    assert find_run(older.name, runs).record.run_id == older.name


def test_a_newer_run_that_did_not_finish_is_said(runs: Path):
    done, half = finished(runs, 9), new_run(runs, "gala-share")
    found = find_run("last", runs)
    assert found.record.run_id == done.name
    assert found.notes == (f"{half} did not finish, or still goes on; the last finished run is {done.name}",)


def test_a_clock_that_went_back_is_said(runs: Path):
    finished(runs, started_at="2999-01-01T00:00:00+00:00")
    assert "has not come yet: the clock went back" in find_run("last", runs).notes[0]
    assert record(started_at=HOUR.format(9), ended_at=HOUR.format(8)).lasted_s is None


def loop(file: Path) -> None:
    file.symlink_to(file.name)


def shared(file: Path, change: Callable[[dict[str, object]], object]) -> None:
    data = record().model_dump(mode="json")
    change(data)
    file.write_text(json.dumps(data))


def huge(file: Path) -> None:
    with file.open("wb") as out:
        out.truncate(1 << 40)


DAMAGES = [
    pytest.param(lambda f: f.write_text(""), "it is empty", id="empty"),
    pytest.param(lambda f: f.write_text(" \n"), "it is empty", id="blank"),
    pytest.param(lambda f: f.write_text(record().model_dump_json()[:900]), "eof while parsing", id="cut off"),
    pytest.param(lambda f: f.write_text(record().model_dump_json(), encoding="utf-16"), "not UTF-8", id="UTF-16"),
    pytest.param(lambda f: f.write_bytes(b"\xff\xfe\x00"), "not UTF-8", id="bytes"),
    pytest.param(huge, "64 MiB are the most", id="huge"),
    pytest.param(lambda f: f.write_text("[" * 100_000), "not a run's record", id="deep"),
    pytest.param(lambda f: f.write_text("[]"), "not a run's record", id="a list"),
    pytest.param(lambda f: f.write_text("9" * 5_000), "not a run's record", id="a number of 5,000 digits"),
    pytest.param(lambda f: f.write_text('{"seed": ' + "9" * 5_000 + "}"), "not a run's record", id="an absurd seed"),
    pytest.param(lambda f: shared(f, lambda d: d.update({"k" * 9_999: 1})), "not a run's record", id="an absurd key"),
    pytest.param(lambda f: f.write_text('{"run_id": "\\ud800"}'), "not a run's record", id="half a pair"),
    *(pytest.param(lambda f, n=n: f.write_text(record().model_dump_json().replace('"p99":3.42', f'"p99":{n}')),
                   "a number without end, or none", id=n) for n in ("Infinity", "-Infinity", "NaN", "1e400")),
    pytest.param(lambda f: f.mkdir(), "no plain file", id="a folder"),
    pytest.param(os.mkfifo, "no plain file", id="a pipe that nobody writes to"),
    pytest.param(loop, "symbolic links", id="a loop of links"),
    pytest.param(lambda f: f.symlink_to("nowhere"), "cannot be read", id="a link to nothing"),
    pytest.param(
        lambda f: shared(f, lambda d: d.update(schema_version=SCHEMA_VERSION + 1, new_field=1)),
        "written by a newer xiu", id="of a newer version",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "says"), DAMAGES)
def test_a_damaged_record_is_one_sentence_and_hides_no_other(
    runs: Path, damage: Callable[[Path], object], says: str, capsys: pytest.CaptureFixture[str]
):
    good = finished(runs)
    bad = runs / "29990101-000000-bad-0000"
    bad.mkdir()
    damage(bad / "run.json")
    assert dispatch(["run", "list", "--json", "--runs", str(runs)]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["id"] for one in listed["runs"]] == [good.name]
    (sentence,) = listed["unreadable"]
    assert says in sentence
    for word in ("show", "report"):
        assert main(["run", word, bad.name, "--runs", str(runs)]) == 2
        err = capsys.readouterr().err
        assert says in err
        assert err.count("\n") == 1
        assert len(err) < 1_000
    found = find_run("last", runs)
    assert found.record.run_id == good.name
    assert any("cannot be read" in note for note in found.notes)


@pytest.mark.parametrize("name", ["timeline.json", "ledger.json"])
@pytest.mark.parametrize("text", ["", "{", '{"lines": 3}', "\x00"])
def test_a_damaged_file_beside_the_record_is_one_sentence(
    runs: Path, name: str, text: str, capsys: pytest.CaptureFixture[str]
):
    folder = finished(runs)
    (folder / name).write_text(text)
    assert main(["run", "report", folder.name, "--runs", str(runs)]) == 2
    assert capsys.readouterr().err.startswith(f"{folder / name}: not a run's record: ")


def test_no_name_is_an_internal_error(runs: Path, capsys: pytest.CaptureFixture[str]):
    finished(runs)
    for name in ("", "x" * 5_000, "a\x00b", "../..", "/", ".", "/dev/null", "/proc/self/mem"):
        assert main(["run", "show", name, "--runs", str(runs)]) == 2, name
        assert len(capsys.readouterr().err) < 500


def test_a_beginning_that_several_runs_share_is_told_as_such(runs: Path):
    one, two = sorted(finished(runs, hour).name for hour in (20, 21))
    shared_part = one[:4]
    says = f"^{shared_part}: 2 runs begin so; expected more of its name, as {one} or {two}$"
    with pytest.raises(RunNotFound, match=says):
        find_run(shared_part, runs)


def test_a_record_without_a_version_is_read_as_the_first(runs: Path):
    folder = finished(runs)
    data = json.loads((folder / "run.json").read_text())
    assert data.pop("schema_version") == SCHEMA_VERSION
    (folder / "run.json").write_text(json.dumps(data))
    assert read_run(folder / "run.json").record == record(
        run_id=folder.name, schema_version=1, started_at=data["started_at"], ended_at=data["ended_at"]
    )


def test_its_schema_is_printed_and_a_record_is_valid_against_it(runs: Path, capsys: pytest.CaptureFixture[str]):
    assert dispatch(["schema", "run"]) == 0
    schema = json.loads(capsys.readouterr().out)
    data = json.loads((finished(runs) / "run.json").read_text())
    assert against_schema(data, schema) == []
    assert against_schema({**data, "surprise": 1}, schema) == ["surprise: not in the schema"]
    assert against_schema({**data, "verdict": "FINE"}, schema) == ["verdict: not one of its values"]
    assert against_schema({**data, "seed": "7"}, schema) == ["seed: no integer"]
    assert against_schema({name: value for name, value in data.items() if name != "load"}, schema) == ["load: missing"]


def test_verdict_and_ledger_read_back_as_what_the_record_says(runs: Path):
    folder = finished(runs)
    verdict = VerdictFile.model_validate_json((folder / "verdict.json").read_text())
    books = LedgerFile.model_validate_json((folder / "ledger.json").read_text())
    run = read_run(folder / "run.json").record
    assert (verdict.verdict, verdict.exit_code, verdict.reasons) == (run.verdict, run.exit_code, run.reasons)
    assert (verdict.indicators, verdict.invariants) == (run.forecast, run.invariants)
    assert (books.run_id, books.closes, books.sponsors) == (run.run_id, True, sponsors())


def test_what_utf8_cannot_hold_costs_no_record(tmp_path: Path):
    """A file name in an error may have bytes of another encoding; Python shows them as halves of pairs."""
    write_text(tmp_path / "x", "a\udc80b")
    append_event(tmp_path, Event(t_s=0, kind="error", text="cannot open \udcff"))
    rewrite_events(tmp_path, [Event(t_s=0, kind="error", text="cannot open \udcff")])
    assert (tmp_path / "x").read_text() == "a?b"
    assert "cannot open ?" in (tmp_path / "events.jsonl").read_text()


def test_what_else_lies_among_the_runs_is_passed_by(runs: Path):
    good = finished(runs)
    (runs / "loop").symlink_to("loop")
    (runs / "gone").symlink_to("nowhere")
    (runs / "a file").write_text("x")
    (runs / ".generators").mkdir()
    (runs / "history").mkdir()
    listing = all_runs(runs)
    assert [one.folder for one in listing.found] == [good]
    assert (listing.broken, listing.unfinished) == ((), ())
    assert all_runs(runs / "loop").found == all_runs(runs / "a file").found == ()


DOCS = Path(__file__).parents[4] / "docs" / "report.md"
SMALL = {
    "verdict.json": (VerdictFile,),
    "ledger.json": (LedgerFile, LedgerLine, SponsorBooks),
    "environment.json": (Environment,),
    "events.jsonl": (Event,),
    "timeline.json": (Timeline, Second),
}


@pytest.mark.parametrize("name", SMALL)
def test_each_field_of_the_small_files_is_documented_and_read_back(runs: Path, name: str):
    text = DOCS.read_text(encoding="utf-8").split("### Fields of the small files", 1)[1].split("\n## ", 1)[0]
    rows = [line.split("|")[1:4] for line in text.splitlines() if line.startswith("|")]
    told, current = set(), ""
    for file, *cells in rows:
        current = file.strip(" `") or current
        if current == name:
            told |= set(re.findall(r"`([a-z0-9_]+)`", " ".join(cells)))
    models = SMALL[name]
    assert {field for model in models for field in model.model_fields} <= told
    folder = finished(runs)
    for event in timeline().events:
        append_event(folder, event)
    if name == "events.jsonl":
        assert read_events(folder) == timeline().events
    else:
        read = models[0].model_validate_json((folder / name).read_text(encoding="utf-8"))
        assert read.model_dump(mode="json") == json.loads((folder / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", ["[1]\n", "\x00\n", '{"t_s": "x"}\n', "{}\n"])
def test_a_damaged_line_of_events_is_one_sentence(tmp_path: Path, text: str):
    (tmp_path / "events.jsonl").write_text(text)
    with pytest.raises(RunNotFound, match="a line is no event"):
        read_events(tmp_path)
