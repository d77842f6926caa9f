"""The words plan, forecast, run, schema: what a user types and reads."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.engine import shots
from harness.forecast import lock, share_of, write_lock
from harness.runs.folder import new_run, write_run
from harness.runs.order import RunOrder
from plans.models import find, load_plan
from plans.models.home import HOME
from tests.support import other_event
from tests.support.sample_run import record, sample_lock, sponsors, timeline


def finished(**changes: object) -> Path:
    folder = new_run(Path("runs"), "gala-share")
    write_lock(sample_lock(), folder)
    write_run(folder, record(**{"run_id": folder.name, **changes}), timeline(), sponsors())
    return folder


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("plan", "list", "--json"), "plans"),
        (("run", "list", "--json"), "runs"),
        (("plan", "show", "gala-share", "--json"), "targets"),
        (("plan", "run", "gala-share", "--dry-run", "--json"), "segments"),
        (("forecast", "show", "gala-share", "--json"), "targets"),
        (("schema", "plan"), "properties"),
        (("schema", "forecast"), "properties"),
    ],
)
def test_json_is_one_object(xiu: Any, words: tuple[str, ...], key: str):
    code, out, _ = xiu(*words)
    assert code == 0
    assert key in json.loads(out)


def test_lists_have_ids(xiu: Any):
    finished()
    listed = {p["id"] for p in json.loads(xiu("plan", "list", "--json")[1])["plans"]}
    assert listed == {file.stem for file in (HOME / "stress").glob("*.yaml")}
    assert {"gala-share", "smoke"} <= listed
    runs = json.loads(xiu("run", "list", "--json")[1])["runs"]
    assert [run["verdict"] for run in runs] == ["PASS"]
    assert runs[0]["id"].endswith(tuple("0123456789abcdef"))


@pytest.mark.parametrize(
    "words", [("plan", "show", "gala-share"), ("forecast", "show", "gala-share"), ("run", "show", "last")]
)
def test_what_people_read_fits_eighty_columns(xiu: Any, words: tuple[str, ...]):
    finished()
    code, out, _ = xiu(*words)
    assert code == 0
    assert "offered_rps" in out
    wide = [line for line in out.splitlines() if len(line) > 80 and not line.startswith(("report:", "outcomes"))]
    assert wide == []


def test_plan_check_tells_all_problems_of_all_files(xiu: Any):
    Path("a.yaml").write_text("kind: stress\nlane: up\n")
    Path("b.yaml").write_text("kind: forecast\nid: B\n")
    code, out, err = xiu("plan", "check", "gala-share", "a.yaml", "b.yaml")
    assert code == 2
    assert "gala-share: good" in out
    assert "a.yaml:2: `lane`: 'up'; expected one of live, stress" in err
    assert any(line.startswith("b.yaml:2: `id`") for line in err.splitlines())
    code, out, _ = xiu("plan", "check", "a.yaml", "gala-share", "--json")
    assert code == 2
    files = json.loads(out)["files"]
    assert [file["valid"] for file in files] == [False, True]
    assert files[0]["problems"][0]["line"] >= 1


def test_plan_check_looks_into_the_file_of_a_shot(xiu: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "bell.py").write_text("\nSHOT = 7\n")
    monkeypatch.setenv(shots.VARIABLE, str(tmp_path / "own"))
    text = find("smoke", "stress").read_text(encoding="utf-8").replace("../", f"{HOME}/")
    more = "traffic: [{shot: tap, share: 100%}, {shot: bell, share: 5%, response_p99: 1s}]\n"
    Path("bells.yaml").write_text(text.replace("id: smoke\n", "id: bells\n") + more)
    code, _, err = xiu("plan", "check", "bells.yaml")
    assert code == 2
    assert err.startswith(f"{tmp_path}/own/bell.py:1: no shot: ")


def test_plan_new_copies_and_keeps_the_comments(xiu: Any):
    code, out, _ = xiu("plan", "new", "lunch.yaml", "--from", "gala-share")
    assert code == 0
    assert "xiu plan check lunch.yaml" in out
    text = Path("lunch.yaml").read_text(encoding="utf-8")
    assert "id: lunch\n" in text
    assert text.count("#") == find("gala-share", "stress").read_text(encoding="utf-8").count("#")
    assert xiu("plan", "check", "lunch.yaml")[0] == 0
    assert xiu("plan", "new", "lunch.yaml", "--from", "gala-share")[0] == 2, "never overwritten"


def test_plan_new_goes_where_plans_live(xiu: Any):
    Path("plans/stress").mkdir(parents=True)
    assert xiu("plan", "new", "lunch", "--from", "gala-share")[0] == 0
    assert Path("plans/stress/lunch.yaml").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("plan", "show", "gala-shar"), "did you mean gala-share?"),
        (("plan", "show", "nowhere.yaml"), "nowhere.yaml: cannot be read"),
        (("plan", "shwo", "x"), "did you mean show?"),
        (("plan", "run", "gala-share", "--scale", "2"), "expected a part of the event"),
        (("plan", "run", "gala-share", "--scale", "1/30000000", "--dry-run"), "without a packet"),
        (("plan", "run", "gala-share", "--seed", "-1"), "0 to 2^63"),
        (("demo", "--seed", "-1"), "0 to 2^63"),
        (("demo", "--seed", "99999999999999999999"), "0 to 2^63"),
        (("plan", "new", "No!", "--from", "gala-share"), "lower-case letters"),
        (("plan", "new", "far/away.yaml", "--from", "gala-share"), "a folder that exists"),
        (("plan", "rate", "fast"), "whole taps per second"),
        (("plan", "rate", "-5"), "expected"),
        (("forecast", "show", "gala-share", "--scale", "0"), "expected a part of the event"),
        (("forecast", "lock", "gala-share", "--out", "nowhere"), "a folder that exists"),
        (("forecast", "judge", "last"), "no finished run"),
        (("run", "show", "nothing"), "no such run"),
        (("schema", "pln"), "did you mean plan?"),
        (("plan", "run", "gala-share", "--on", "http://127.0.0.1:1"), "expected --yes"),
    ],
)
@pytest.mark.usefixtures("no_look")
def test_bad_input_is_one_clear_error(xiu: Any, words: tuple[str, ...], says: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    code, _, err = xiu(*words)
    assert code == 2
    assert says in err
    assert "Traceback" not in err


def test_forecast_lock_is_written_once(xiu: Any):
    code, out, _ = xiu("forecast", "lock", "gala-share", "--json")
    assert code == 0
    assert len(json.loads(out)["sha256"]) == 64
    assert Path("forecast.lock.json").exists()
    code, _, err = xiu("forecast", "lock", "gala-share")
    assert (code, "locked here already" in err) == (2, True)


def test_forecast_judge_judges_again_and_refuses_a_changed_lock(xiu: Any):
    folder = finished()
    code, out, _ = xiu("forecast", "judge", "last")
    assert code == 0
    assert "forecast alone: PASS" in out
    file = folder / "forecast.lock.json"
    file.write_text(file.read_text().replace("35000.0", "35001.0", 1))
    code, _, err = xiu("forecast", "judge", folder.name)
    assert code == 2
    assert "changed after it was locked" in err


def test_forecast_judge_refuses_another_runs_lock(xiu: Any, tmp_path: Path):
    folder = finished()
    (folder / "forecast.lock.json").unlink()
    loaded = load_plan(find("gala-share", "stress"))
    write_lock(lock(loaded, share_of(loaded.forecast, loaded.plan, loaded.forecast.scale)), folder)
    code, _, err = xiu("forecast", "judge", "last")
    assert code == 2
    assert "another forecast than the run began with" in err


def test_a_second_forecast_is_shown_from_either_of_its_files(xiu: Any, tmp_path: Path):
    plan = other_event.write(tmp_path)
    for name in (str(plan), "office-party.yaml"):
        code, out, _ = xiu("forecast", "show", name)
        assert code == 0
        assert "sponsor_9_fen" in out
    plan.unlink()
    code, _, err = xiu("forecast", "show", "office-party.yaml")
    assert (code, "no stress plan is made for this forecast" in err) == (2, True)


def test_run_report_renders_again(xiu: Any):
    folder = finished()
    before = (folder / "report.html").read_text()
    (folder / "report.html").unlink()
    code, out, _ = xiu("run", "report", "last")
    assert code == 0
    assert Path(out.strip()).read_text() == before


def test_run_compare(xiu: Any):
    first, second = finished(), finished()
    code, out, _ = xiu("run", "compare", first.name, str(second / "run.json"))
    assert code == 0
    assert "response p99" in out
    other = finished(plan="other")
    code, _, err = xiu("run", "compare", first.name, other.name)
    assert code == 2
    assert "different plans" in err


@pytest.mark.usefixtures("no_look")
def test_plan_run_hands_the_order_over_and_exits_with_the_verdict(xiu: Any, monkeypatch: pytest.MonkeyPatch):
    orders: list[RunOrder] = []

    def run_plan(order: RunOrder) -> object:
        orders.append(order)
        return record(verdict="FAIL", exit_code=99)

    monkeypatch.setattr("harness.orchestrate.run.run_plan", run_plan)
    code, out, _ = xiu("plan", "run", "gala-share", "--seed", "5", "--scale", "1/20000", "--json", "--strict")
    assert code == 99
    assert json.loads(out)["verdict"] == "FAIL"
    order = orders[0]
    assert (order.seed, order.loaded.plan.seed, order.strict, order.calibrates) == (5, 5, True, False)
    assert order.share().peak_rps == pytest.approx(17_500)
    code, _, err = xiu("plan", "rate", "5000")
    assert code == 5
    assert "no plan runs" in err


@pytest.mark.parametrize("words", [("plan", "check"), ("plan", "show"), ("forecast", "show"), ("forecast", "lock")])
@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(b"kind: forecast\n\xff\xfe", "odd.yaml:2: not UTF-8", id="bytes"),
        pytest.param(b"[" * 5000, "odd.yaml:1: nested", id="nested"),
    ],
)
def test_a_file_that_cannot_be_read_is_bad_input_with_its_line(
    xiu: Any, words: tuple[str, ...], text: bytes, says: str
):
    Path("odd.yaml").write_bytes(text)
    code, out, err = xiu(*words, "odd.yaml")
    assert (code, out) == (2, "")
    assert says in err


@pytest.mark.parametrize(
    ("scale", "says"), [("1/3", "(66,667/s over the round)"), ("1/10000", "(20/s over the round)")]
)
def test_a_plan_is_told_in_plain_figures(xiu: Any, scale: str, says: str):
    code, out, _ = xiu("plan", "show", "gala-share", "--scale", scale)
    assert code == 0
    assert says in out
    assert "e+" not in out


@pytest.mark.parametrize(
    "text", ["nan", "inf", "1e3", "５０", "٣", " 5", "5\n", "010", "-1", "9" * 5_000, "1" + "0" * 20]
)
def test_a_rate_is_plain_digits(xiu: Any, text: str):
    code, _, err = xiu("plan", "rate", "--", text)
    assert code == 2
    assert "is not a rate" in err
    assert len(err) < 300


def test_a_rate_may_be_written_in_groups(xiu: Any):
    assert xiu("plan", "rate", "35_000")[0] == 5, "no plan runs here"


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "0", "0.0", "1e3", "５", "9" * 5_000, "99999", ""])
def test_a_sample_has_a_length(xiu: Any, text: str):
    code, _, err = xiu("bench", "wins", f"--seconds={text}")
    assert code == 2
    assert "is no length" in err


def test_a_forecast_is_known_as_one_behind_a_byte_order_mark(xiu: Any):
    Path("f.yaml").write_text("\ufeff" + find("smoke", "forecasts").read_text(encoding="utf-8"), encoding="utf-8")
    text = Path("f.yaml").read_text(encoding="utf-8-sig").splitlines()
    head = [line for line in text if line.startswith("kind:")] + [line for line in text if not line.startswith("kind:")]
    Path("f.yaml").write_text("\ufeff" + "\n".join(head) + "\n", encoding="utf-8")
    assert xiu("plan", "check", "f.yaml") == (0, "f.yaml: good\n", "")


@pytest.mark.parametrize("named", ['"a\\u0000b"', '"\\ud800"', "x" * 4_000])
@pytest.mark.parametrize(("folder", "plan", "key"), [("stress", "smoke", "forecast"), ("drills", "flush", "plan")])
def test_a_file_named_by_a_file_can_be_one(xiu: Any, folder: str, plan: str, key: str, named: str):
    lines = (HOME / folder / f"{plan}.yaml").read_text(encoding="utf-8").splitlines()
    number = next(k for k, line in enumerate(lines, 1) if line.startswith(f"{key}:"))
    lines[number - 1] = f"{key}: {named}"
    Path("odd.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    code, _, err = xiu("drill" if folder == "drills" else "plan", "check", "./odd.yaml")
    assert code == 2
    assert err.startswith(f"odd.yaml:{number}: `{key}`: ")
    assert len(err.splitlines()) == 1
    assert len(err) < 300


def test_schemas_are_written_to_a_folder(xiu: Any) -> None:
    Path("here").mkdir()
    code, out, _ = xiu("schema", "all", "--to", "here", "--json")
    files = json.loads(out)["files"]
    assert code == 0
    assert "here/plan.schema.json" in files
    assert {"properties"} <= set(json.loads(Path("here/plan.schema.json").read_text(encoding="utf-8")))
    assert xiu("schema", "plan", "--to", "here")[1].splitlines() == ["here/plan.schema.json"]
    assert "expected one kind, or --to DIR" in xiu("schema", "all")[2]
    assert "expected a folder that exists" in xiu("schema", "all", "--to", "nowhere")[2]


def test_a_copied_plan_names_the_schema_from_where_it_lies(xiu: Any) -> None:
    Path("far/away").mkdir(parents=True)
    assert xiu("plan", "new", "far/away/lunch.yaml", "--from", "gala-share")[0] == 0
    named = Path("far/away/lunch.yaml").read_text(encoding="utf-8").splitlines()[0].partition("$schema=")[2]
    assert (Path("far/away") / named).resolve() == (HOME / "schemas" / "plan.schema.json").resolve()


OWN_CURVE = """
traffic:
  - {shot: tap, share: 100%}
  - shot: wallet
    share: 20%
    response_p99: 500ms
    steps: [{kind: stairs, shares: [10%, 100%], hold: 1s}]
rounds: [{}, {pause: 30s}]
"""


def own_plan(folder: Path) -> Path:
    """The smoke plan, with a replayed recording and a journey of its own curve."""
    text = find("smoke", "stress").read_text(encoding="utf-8").replace("../forecasts", str(HOME / "forecasts"))
    text = text.replace("{kind: constant, share: 100%, duration: 5s}", "{kind: replay, recording: day.csv}")
    folder.mkdir(parents=True)
    (folder / "day.csv").write_text("time,rate\n0,1\n1,4\n4,4\n5,0\n")
    (folder / "own.yaml").write_text(text.replace("id: smoke", "id: own") + OWN_CURVE, encoding="utf-8")
    return folder / "own.yaml"


def test_a_dry_run_draws_each_journey_and_says_how_long_it_takes(xiu: Any) -> None:
    file = str(own_plan(Path("mine")))
    code, out, _ = xiu("plan", "run", file, "--dry-run", "--scale", "1")
    assert code == 0
    lines = out.splitlines()
    taps, wallet = lines.index("taps"), lines.index("wallet")
    assert lines[taps + 1].lstrip().startswith("250/s │")
    assert "█" in lines[taps + 1], "the top is reached"
    assert lines[taps + 9].lstrip().startswith("0 └┄┄┄┄┄┄┄┄┄┄┄─")
    assert lines[wallet + 1].lstrip().startswith("50/s │")
    assert "4 points, up to 250/s" in out
    assert any(line.split()[:3] == ["wallet", "wallet", "50/s"] and line.endswith("500 ms") for line in lines)
    assert lines[lines.index("front-valkey") + 1].split()[0] == "wins", "targets stand under their link"
    assert "takes      44 s from first tap to last round's end (load: 2 rounds of 6 s)" in lines
    assert "at most 2 min 54 s, with every drain to its limit" in out
    assert "to calibrate" not in out
    assert all(len(line) <= 80 for line in lines)


def test_a_dry_run_says_its_length_as_data(xiu: Any) -> None:
    _, out, _ = xiu("plan", "run", "smoke", "--dry-run", "--json")
    takes = json.loads(out)["takes_s"]
    assert (takes["load_s"], takes["rounds"], takes["about_s"], takes["at_most_s"]) == (6, 1, 7, 72)
    assert takes["calibration_s"] > 0


def test_a_copied_plan_names_its_recording_from_where_it_lies(xiu: Any) -> None:
    file = own_plan(Path("mine"))
    Path("far/away").mkdir(parents=True)
    assert xiu("plan", "new", "far/away/lunch.yaml", "--from", str(file))[0] == 0
    assert "recording: ../../mine/day.csv}" in Path("far/away/lunch.yaml").read_text(encoding="utf-8")
    assert xiu("plan", "check", "far/away/lunch.yaml")[0] == 0


def test_a_dry_run_of_a_climb_says_that_it_need_not_be_green(xiu: Any) -> None:
    text = find("smoke", "stress").read_text(encoding="utf-8").replace("../forecasts", str(HOME / "forecasts"))
    climb = "{kind: climb, shares: [100%], window: 3s, hold: 1, patience: 0}"
    Path("up.yaml").write_text(text.replace("{kind: constant, share: 100%, duration: 5s}", climb), encoding="utf-8")
    code, out, _ = xiu("plan", "run", "up.yaml", "--dry-run", "--scale", "1")
    assert code == 0
    lines = out.splitlines()
    assert "climb      drawn as if every window were green; a stair takes 1 window" in lines
    assert "           of 3 s, and the next one needs 1 green in a row" in lines
    assert [line.split() for line in lines if line.endswith("measured") and "/s" in line] == [
        ["1", "s", "3", "s", "constant", "0.333/s", "measured"],
        ["4", "s", "3", "s", "constant", "250/s", "measured"],
    ]
    assert "takes      7 s from first tap to last round's end (load: 7 s)" in lines


def test_the_short_form_has_a_scale_of_its_own(xiu: Any):
    code, _, err = xiu("plan", "run", "full-link", "--short", "--scale", "1/2", "--dry-run")
    assert code == 2
    assert "--scale with --short" in err
    code, out, _ = xiu("plan", "run", "full-link", "--short", "--dry-run", "--json")
    assert code == 0
    assert sum(one["duration_s"] for one in json.loads(out)["segments"]) == pytest.approx(15.0)


def test_a_copy_names_the_journeys_from_where_it_stands(xiu: Any, tmp_path: Path):
    (tmp_path / "mine").mkdir()
    code, _, err = xiu("plan", "new", str(tmp_path / "mine" / "whole.yaml"), "--from", "full-link")
    assert (code, err) == (0, "")
    assert xiu("plan", "check", str(tmp_path / "mine" / "whole.yaml"))[0] == 0


def test_all_plans_are_played_in_short_form_alone(xiu: Any):
    code, _, err = xiu("plan", "run", "all")
    assert code == 2
    assert "--short" in err
    code, _, err = xiu("plan", "run", "all", "--short", "--seed", "5")
    assert code == 2
    assert "--seed" in err


def test_one_plan_that_cannot_be_played_keeps_no_other_back(xiu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.errors import EnvironmentNotReady
    from plans.models import stress_files
    from plans.models.service import is_service

    played: list[RunOrder] = []

    def run_plan(order: RunOrder) -> Any:
        played.append(order)
        if order.loaded.plan.id == "soak":
            raise EnvironmentNotReady("no stack today")
        if order.loaded.plan.id == "smoke":
            raise KeyError("a bug of ours")
        return record(plan=order.loaded.plan.id)

    own: list[str] = []

    def run_service(order: Any) -> Any:
        own.append(order.plan.id)
        return record(plan=order.plan.id)

    monkeypatch.setattr("harness.orchestrate.run.run_plan", run_plan)
    monkeypatch.setattr("harness.service.conduct.run_service", run_service)
    code, out, err = xiu("plan", "run", "all", "--short", "--json")
    rows = {row["plan"]: row for row in json.loads(out)["runs"]}
    assert [line.split()[0] for line in err.splitlines()] == list(rows), "each is told when it has ended"
    assert len(played) == sum(not is_service(file) for file in stress_files())
    assert own == ["closed-loop"], "of plans for services, the one that brings its own"
    assert rows.keys() == {*own, *(order.loaded.plan.id for order in played)}
    assert code == EnvironmentNotReady.exit_code
    assert rows["soak"]["why"] == "no stack today"
    assert rows["smoke"]["why"].startswith("xiu: internal error: KeyError")
    assert rows["two-workers"]["verdict"] == "PASS"
    assert all(order.share().duration_s <= 16.5 for order in played if order.loaded.plan.climb is None)


def test_who_stops_one_plan_stops_those_that_follow(xiu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[str] = []

    def run_plan(order: RunOrder) -> Any:
        played.append(order.loaded.plan.id)
        stopped = {"verdict": "ABORTED", "exit_code": 3} if len(played) == 2 else {}
        return record(plan=order.loaded.plan.id, **stopped)

    monkeypatch.setattr("harness.orchestrate.run.run_plan", run_plan)
    code, out, err = xiu("plan", "run", "all", "--short", "--json")
    assert (code, len(played)) == (3, 2)
    assert [row["plan"] for row in json.loads(out)["runs"]] == played
    assert err.splitlines()[-1] == "xiu: stopped: the plans that follow were not played"
