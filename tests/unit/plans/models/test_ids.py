"""Which file a name means: by its id, one file an id, also where folders are linked or named like an id."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from plans.models import load, load_plan
from plans.models.home import HOME


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of plans/ in the place of the project's own."""
    home = tmp_path / "kit"
    shutil.copytree(HOME, home, ignore=shutil.ignore_patterns("models", "*.py", "__pycache__"))
    monkeypatch.setattr(load, "HOME", home)
    return home


@pytest.mark.parametrize("words", [("plan", "check"), ("plan", "show"), ("plan", "run", "--dry-run")])
def test_one_id_in_two_stress_plans_is_refused_with_both_files_named(kit: Path, xiu: Any, words: Any) -> None:
    twin, first = kit / "stress" / "a-twin.yaml", kit / "stress" / "smoke.yaml"
    shutil.copy(first, twin)
    for name in ("smoke", str(first), str(twin)):
        code, _, err = xiu(*words[:2], name, *words[2:])
        assert (code, str(first) in err, str(twin) in err) == (2, True, True), err
        assert "stands in" in err
    code, _, err = xiu("plan", "list")
    assert (code, str(first) in err, str(twin) in err) == (2, True, True), err


def test_a_list_with_a_broken_plan_shows_the_others_and_says_what_is_wrong(kit: Path, xiu: Any) -> None:
    broken = kit / "stress" / "broken.yaml"
    broken.write_text("kind: stress\nid: broken\n")
    for more in ((), ("--json",)):
        code, out, err = xiu("plan", "list", *more)
        assert (code, "smoke" in out, f"{broken}:1: " in err) == (2, True, True), err


def test_one_id_in_two_forecasts_is_refused_with_both_files_named(kit: Path, xiu: Any) -> None:
    first = load_plan(kit / "stress" / "smoke.yaml").forecast_file
    twin = first.with_name("z-twin.yml")
    shutil.copy(first, twin)
    code, _, err = xiu("plan", "show", "smoke")
    assert (code, str(first) in err, str(twin) in err) == (2, True, True), err


@pytest.mark.usefixtures("no_look")
def test_one_id_in_two_drills_is_refused_with_both_files_named(
    kit: Path, xiu: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, twin = kit / "drills" / "kill9.yaml", kit / "drills" / "a-twin.yaml"
    shutil.copy(first, twin)
    monkeypatch.setattr("xiu.commands.drill.drill_files", lambda more: sorted((kit / "drills").glob("*.yaml")))
    for words in (("drill", "list"), ("drill", "check", str(first)), ("drill", "run", str(twin), "--dry-run")):
        code, _, err = xiu(*words)
        assert (code, str(first) in err, str(twin) in err) == (2, True, True), err


def test_a_plan_is_found_by_the_id_in_it_not_by_its_file(kit: Path, xiu: Any) -> None:
    (kit / "stress" / "smoke.yaml").rename(kit / "stress" / "other.yaml")
    assert xiu("plan", "show", "smoke")[0] == 0


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch])
def test_a_folder_or_file_named_like_an_id_hides_no_plan(xiu: Any, make: Any, tmp_path: Path) -> None:
    make(tmp_path / "smoke")
    for words in (
        ("plan", "show", "smoke"),
        ("forecast", "show", "smoke"),
        ("plan", "new", "lunch.yaml", "--from", "smoke"),
    ):
        code, _, err = xiu(*words)
        assert code == 0, err


def test_a_new_plan_in_a_linked_folder_is_good_through_both_names(xiu: Any, tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    deep = tmp_path.joinpath("a", "b", "c")
    deep.mkdir(parents=True)
    (deep / "near").symlink_to(tmp_path / "far")
    for name in ("a/b/c/near/lunch.yaml", "far/dinner.yaml"):
        code, _, err = xiu("plan", "new", name, "--from", "smoke")
        assert code == 0, err
    for name in ("a/b/c/near/lunch.yaml", "far/lunch.yaml", "a/b/c/near/dinner.yaml"):
        assert xiu("plan", "check", name)[0] == 0


def test_a_plan_that_would_not_be_good_leaves_no_file(xiu: Any, tmp_path: Path) -> None:
    assert xiu("plan", "new", "one.yaml", "--from", "smoke")[0] == 0
    text = (tmp_path / "one.yaml").read_text(encoding="utf-8")
    (tmp_path / "one.yaml").write_text(re.sub("^id: one", '"id": three', text, flags=re.MULTILINE), encoding="utf-8")
    code, _, err = xiu("plan", "new", "two.yaml", "--from", "one.yaml")
    assert (code, "no line `id" in err, (tmp_path / "two.yaml").exists()) == (2, True, False)
    (tmp_path / "gone.yaml").symlink_to("/nowhere/at/all")
    code, _, err = xiu("plan", "new", "gone.yaml", "--from", "smoke")
    assert (code, "gone.yaml" in err) == (2, True)
