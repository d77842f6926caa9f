"""Playbook files: the project's own are sound; a broken one is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.playbook import library
from chaos.playbook.shelf import Shelf
from plans.models.alerts import Alerts, alerts
from plans.models.errors import PlanError
from plans.models.playbook import playbook_files
from tests.support.playbook_world import ALERTS, text


def problems(*files: Path) -> list[str]:
    with pytest.raises(PlanError) as told:
        library.load(files, ALERTS)
    return [str(problem) for problem in told.value.problems]


def test_the_project_s_own_are_sound_and_their_alerts_tested() -> None:
    found = library.load()
    assert {"credit-stalled", "appends-slow"} <= found.keys()
    known = alerts()
    assert all(entry.playbook.trigger.alert in known.tested for entry in found.values())
    assert all(entry.playbook.healed.all for entry in found.values())


UNDO = "    undo: {restore: before}\n"
SHED = "switch: draw.shed_percent, to: 10"


@pytest.mark.parametrize(
    ("old", "new", "at", "words"),
    [
        pytest.param(UNDO + "verify", "verify", "- id: shed", "`actions[2].undo` is missing", id="undo missing"),
        pytest.param("alert: Slow", "alert: Slwo", "Slwo", "no such alert", id="unknown alert"),
        pytest.param("alert: Slow", "alert: Slwo", "Slwo", "did you mean Slow?", id="what was meant"),
        pytest.param("shed_percent", "shed_precent", "shed_precent", "no switch 'draw.shed_precent'", id="switch"),
        pytest.param("to: 10", "to: 101", "to: 101", "whole number from 0 to 100", id="value out of bounds"),
        pytest.param("to: 10", "to: 1.5", "to: 1.5", "whole number from 0 to 100", id="no whole number"),
        pytest.param("id: shed", "id: slow-down  # again", "# again", "action slow-down stands twice",
                     id="action twice"),
        pytest.param(SHED, "switch: draw.release_percent, to: 50", "to: 50", "stands twice", id="switch twice"),
        pytest.param(UNDO, "    undo: {restore: before, catch_up: 50}\n", "catch_up: 50", "= 50 behind 25",
                     id="catching up more slowly than before"),
        pytest.param(UNDO + "verify", "    undo: {restore: before, catch_up: 200}\nverify", "catch_up: 200",
                     "expected it there alone", id="catching up with another switch"),
        pytest.param('op: "<", value: 1}]\nroll', 'op: "<", of_baseline: 1}]\nroll', "of_baseline: 1}",
                     "there is a baseline", id="healed against a baseline"),
        pytest.param("read_back: 2s", "read_bakc: 2s", "read_bakc", "did you mean read_back", id="a misspelt key"),
        pytest.param('op: "<=", of', 'op: "=<", of', "=<", "'=<'", id="no such comparison"),
        pytest.param("  hold: 1s\n  all: [{what: aw", "  hold: 6s\n  all: [{what: aw", "hold: 6s",
                     "holds longer than there is time", id="no time to hold"),
        pytest.param("$lane", "$lain", "$lain", "$lain stands for nothing", id="a word that stands for nothing"),
        pytest.param("impact: people wait longer\n", "impact: people wait longer\ncovers: [ZZ]\n", "ZZ", "covers",
                     id="no fault's number"),
        pytest.param(", of_baseline: 0.7", ", value: .nan", ".nan", "number", id="not a number"),
        pytest.param(", of_baseline: 0.7", ", of_baseline: 0.7, value: 3", "value: 3", "expected `value` or `of_b",
                     id="two bounds"),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_with_its_line(tmp_path: Path, old: str, new: str, at: str, words: str) -> None:
    assert old in text()
    broken = text().replace(old, new, 1)
    file = tmp_path / "p.yaml"
    file.write_text(broken, encoding="utf-8")
    line = next(number for number, row in enumerate(broken.splitlines(), 1) if at in row)
    found = problems(file)
    assert any(one.startswith(f"{file}:{line}: ") and words in one for one in found), found


def test_all_problems_of_all_files_at_once_and_an_id_once(tmp_path: Path) -> None:
    first, second, third = (tmp_path / f"{name}.yaml" for name in "abc")
    first.write_text(text(), encoding="utf-8")
    second.write_text(text(), encoding="utf-8")
    third.write_text(text(id="third", alert="Nothing"), encoding="utf-8")
    found = problems(first, second, third)
    assert len(found) == 2
    assert found[0] == f"{second}:2: `id`: slow stands in {first} as well; expected each id once"
    assert found[1].startswith(f"{third}:7: `trigger.alert`: Nothing: no such alert")


def test_one_alert_does_not_start_two_that_set_one_switch(tmp_path: Path) -> None:
    first, second = (tmp_path / f"{name}.yaml" for name in "ab")
    first.write_text(text(), encoding="utf-8")
    second.write_text(text(id="second"), encoding="utf-8")
    found = problems(first, second)
    assert found[0].startswith(f"{second}:7: alert Slow starts slow as well, which sets draw.release_percent, too")


@pytest.mark.parametrize(
    ("expression", "tested", "words"),
    [
        pytest.param("absent(x)", True, "fires on missing data", id="an alert on no data"),
        pytest.param("x > 1", False, "no test that sees it fire", id="an alert nobody tests"),
    ],
)
def test_not_every_alert_may_start_a_playbook(tmp_path: Path, expression: str, tested: bool, words: str) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(text(), encoding="utf-8")
    known = Alerts({"Slow": expression}, frozenset(("Slow",) if tested else ()))
    with pytest.raises(PlanError, match=words):
        library.load([file], known)


def test_an_unknown_id_is_told_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="did you mean credit-stalled"):
        library.one(library.survey(), "credit-staled")


def test_a_bad_file_keeps_no_good_one_from_being_used(tmp_path: Path) -> None:
    good, bad, folder = tmp_path / "good.yaml", tmp_path / "bad.yaml", tmp_path / "folder.yaml"
    good.write_text(text(), encoding="utf-8")
    bad.write_text(text(id="bad", alert="Other").replace("owner: nobody", "owner: [}"), encoding="utf-8")
    folder.mkdir()
    found = library.survey([good, bad, folder, tmp_path / "gone.yaml"], ALERTS)
    assert list(found.entries) == ["slow"]
    assert sorted(found.refused) == [bad, folder, tmp_path / "gone.yaml"]
    assert any(str(problem).startswith(f"{bad}:4: ") for problem in found.problems), found.problems
    assert library.one(found, "slow").file == good
    with pytest.raises(PlanError, match=r"bad\.yaml:4: "):
        library.one(found, "bad")


def test_of_two_files_with_one_id_neither_is_used_and_both_are_named(tmp_path: Path) -> None:
    first, second, other = (tmp_path / f"{name}.yaml" for name in "abc")
    first.write_text(text(), encoding="utf-8")
    second.write_text(text(), encoding="utf-8")
    other.write_text(text(id="other", alert="Other"), encoding="utf-8")
    found = library.survey([first, second, other], ALERTS)
    assert list(found.entries) == ["other"]
    (problem,) = found.problems
    assert str(first) in str(problem)
    assert str(problem).startswith(f"{second}:2: ")


@pytest.mark.parametrize("broken", ["groups: [}", "groups: 3", "- x", "\ud800".encode("utf-8", "surrogatepass")])
def test_rules_that_cannot_be_read_are_a_problem_with_their_file(tmp_path: Path, broken: str | bytes) -> None:
    rules = tmp_path / "alerts.yml"
    rules.write_bytes(broken if isinstance(broken, bytes) else broken.encode())
    with pytest.raises(PlanError, match=r"alerts\.yml"):
        alerts(tmp_path, None)


def test_the_shelf_reads_again_what_has_changed_and_nothing_else(tmp_path: Path) -> None:
    """The project's own playbook, broken, mended, joined by a second, taken away."""
    file, more = tmp_path / "a.yaml", tmp_path / "b.yaml"
    good = next(each for each in playbook_files() if each.stem == "credit-stalled").read_text(encoding="utf-8")
    other = next(each for each in playbook_files() if each.stem == "appends-slow").read_text(encoding="utf-8")
    file.write_text(good.replace("cooldown: 10s", "cooldown: ten"), encoding="utf-8")
    shelf = Shelf(tmp_path)

    def seen() -> list[str] | None:
        found = shelf.look()
        return None if found is None else [*found.entries, *(path.name for path in found.refused)]

    assert seen() == ["a.yaml"]
    assert seen() is None
    file.write_text(good, encoding="utf-8")
    assert seen() == ["credit-stalled"]
    more.write_text(other, encoding="utf-8")
    assert seen() == ["credit-stalled", "appends-slow"]
    assert seen() is None
    file.unlink()
    assert seen() == ["appends-slow"]
