"""A run's record, its folder, its books; finding, reading and comparing runs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.runs.folder import (
    RunNotFound,
    append_event,
    find_run,
    new_run,
    read_events,
    read_run,
    write_run,
    write_text,
)
from harness.runs.ledger_lines import books_of
from harness.runs.record import Event, Load, Money, RunRecord, SponsorBooks, Timeline, Wins
from tests.support.sample_run import record, sponsors, timeline

FIELDS = {
    "run_id", "plan", "target", "lane", "seed", "started_at", "ended_at", "steps", "scale", "verdict", "exit_code",
    "reasons", "load", "latency_ms", "generator", "money", "wins", "credit_delay_s", "forecast", "invariants", "drills",
    "playbooks", "resources",
}  # fmt: skip
PARTS = {
    "scale": {"factor", "why"},
    "load": {
        "scheduled",
        "sent",
        "dropped",
        "unsent",
        "outcomes",
        "offered_rps",
        "achieved_rps",
        "users",
        "connections",
    },
    "latency_ms": {"response", "service", "lag", "queued"},
    "generator": {"valid", "ceiling_rps", "cpu_max", "late", "steal", "steal_max"},
    "money": {"budget_fen", "awarded_fen", "credited_fen", "suspense_fen", "refunded_fen", "residue_fen"},
    "wins": {"seen", "logged", "posted", "residue", "suspended"},
    "credit_delay_s": {"p50", "p99", "max", "in_faults"},
}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def finished(runs: Path, **changes: object) -> Path:
    folder = new_run(runs, "gala-share")
    write_run(folder, record(**{"run_id": folder.name, **changes}), timeline(), sponsors())
    return folder


def test_run_json_has_every_field_of_the_contract(runs: Path):
    data = json.loads((finished(runs) / "run.json").read_text())
    assert data.keys() == FIELDS | {
        "schema_version",
        "closed_loop",
        "fronts",
        "environment",
        "forecast_sha256",
        "stack",
        "quantile_bounds_ms",
        "about",
        "traffic",
        "season",
        "capacity",
        "service",
        "rounds",
        "guard",
    }
    for part, names in PARTS.items():
        assert data[part].keys() == names
    assert data["latency_ms"]["response"].keys() == {"p50", "p95", "p99", "p999", "max"}
    needed = {"indicator", "link", "lower", "expected", "upper", "actual", "state"}
    assert all(needed <= row.keys() for row in data["forecast"])
    assert [f["code"] for f in data["invariants"]] == [f"S{n}" for n in range(1, 19)]
    assert all({"code", "valid", "counted", "violations"} <= f.keys() for f in data["invariants"])


def test_the_folder_has_every_file_of_the_contract(runs: Path):
    folder = finished(runs)
    files = {path.name for path in folder.iterdir()}
    expected = {
        "run.json",
        "verdict.json",
        "ledger.json",
        "timeline.json",
        "environment.json",
        "junit.xml",
        "report.html",
    }
    assert files == expected | {"history", "metrics"}, "and nothing half written is left"
    assert json.loads((folder / "verdict.json").read_text())["verdict"] == "PASS"
    assert json.loads((folder / "ledger.json").read_text())["closes"] is True


def test_what_was_written_is_read_back(runs: Path):
    folder = finished(runs)
    found = read_run(folder / "run.json")
    assert found.record == record(run_id=folder.name)
    assert found.timeline() == timeline()
    assert found.sponsors() == sponsors()


def test_unknown_fields_are_refused():
    with pytest.raises(ValidationError, match="surprise"):
        RunRecord.model_validate({**record().model_dump(), "surprise": 1})


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "x.json"
    write_text(path, "old")

    def power_cut(*_: object) -> None:
        raise OSError("power cut")

    monkeypatch.setattr(os, "fsync", power_cut)
    with pytest.raises(OSError, match="power cut"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_page_that_cannot_be_drawn_costs_no_record(runs: Path, monkeypatch: pytest.MonkeyPatch):
    def bug(*_: object) -> str:
        raise AttributeError("a bug in the page")

    monkeypatch.setattr("harness.runs.folder.render_html", bug)
    folder = finished(runs)
    assert read_run(folder / "run.json").record.run_id == folder.name
    assert not (folder / "report.html").exists()


def test_events_are_appended_and_a_cut_line_is_left_out(tmp_path: Path):
    events = [Event(t_s=0.5, kind="phase", text="预热"), Event(t_s=6, kind="round", text="opens")]
    assert read_events(tmp_path) == ()
    for event in events:
        append_event(tmp_path, event)
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write('{"t_s": 7, "ki')
    assert read_events(tmp_path) == tuple(events)


def test_a_run_is_found_by_id_folder_file_last_and_unique_beginning(runs: Path, monkeypatch: pytest.MonkeyPatch):
    first, last = finished(runs), finished(runs)
    os.utime(first / "run.json", ns=(1, 1))
    for name in (first.name, str(first), str(first / "run.json"), first.name[:-1]):
        assert find_run(name, runs).record.run_id == first.name, name
    assert find_run("last", runs).record.run_id == last.name
    baseline = runs.parent / "baseline.json"
    baseline.write_bytes((first / "run.json").read_bytes())
    found = find_run(str(baseline), runs)
    assert found.record.run_id == first.name
    assert found.timeline() == Timeline()
    assert found.sponsors() == ()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        pytest.param("nothing-like-it", "no such run", id="unknown"),
        pytest.param("unfinished", "did not finish", id="a folder without run.json"),
        pytest.param("damaged.json", "not a run's record", id="damaged"),
        pytest.param("old.json", "expected a run.json of this version", id="a field of another version"),
    ],
)
def test_what_is_no_run_is_said_so(runs: Path, name: str, says: str, monkeypatch: pytest.MonkeyPatch):
    finished(runs)
    (runs / "unfinished").mkdir()
    monkeypatch.chdir(runs)
    Path("damaged.json").write_text("{")
    Path("old.json").write_text(json.dumps({**record().model_dump(mode="json"), "color": "red"}))
    with pytest.raises(RunNotFound, match=says) as caught:
        find_run(name, runs)
    assert caught.value.exit_code == 2


def test_no_run_at_all_says_how_to_make_one(runs: Path):
    with pytest.raises(RunNotFound, match="xiu demo"):
        find_run("last", runs)


def test_the_books_close_from_schedule_to_fen():
    books = books_of(record(), sponsors())
    assert books.closes
    assert [line.residue for line in books.lines] == [0] * 6


@pytest.mark.parametrize(
    ("changes", "line", "residue"),
    [
        pytest.param({"wins": Wins(seen=1201, logged=1200, posted=1200, residue=1)}, "wins_logged", 1, id="a win lost"),
        pytest.param(
            {"wins": Wins(seen=9, logged=9, posted=8, suspended=1, residue=0)}, "wins_posted", 0, id="a win in suspense"
        ),
        pytest.param({"wins": Wins(seen=1, logged=1, posted=None, residue=None)}, "wins_posted", None, id="unknown"),
        pytest.param(
            {
                "money": Money(
                    budget_fen=10, awarded_fen=9, credited_fen=8, suspense_fen=0, refunded_fen=1, residue_fen=1
                )
            },
            "fen_credited",
            1,
            id="a fen lost on the way",
        ),
        pytest.param(
            {
                "money": Money(
                    budget_fen=10, awarded_fen=9, credited_fen=8, suspense_fen=1, refunded_fen=1, residue_fen=0
                )
            },
            "fen_budget",
            0,
            id="suspense is a place too",
        ),
    ],
)
def test_each_link_of_the_chain_is_looked_at(changes: dict[str, object], line: str, residue: int | None):
    books = books_of(record(**changes))
    assert {x.code: x.residue for x in books.lines}[line] == residue
    assert books.closes == (residue == 0)


def test_a_sponsor_s_residue_keeps_the_books_open():
    off = SponsorBooks(sponsor=1, name="x", budget_fen=2, credited_fen=1, residue_fen=1)
    assert not books_of(record(), [off]).closes


def test_outcomes_that_do_not_add_up_keep_the_books_open():
    load = record().load.model_dump()
    load["outcomes"]["lose"] -= 1
    books = books_of(record(load=Load(**load)))
    assert {x.code: x.residue for x in books.lines}["outcomes"] == 1
    assert not books.closes
