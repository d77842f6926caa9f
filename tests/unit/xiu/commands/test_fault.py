"""`xiu fault check`, and folders of one's own: every mistake with its line, before anything starts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from plans.models.home import HOME
from xiu.cli import main

MINE = (HOME / "faults" / "n15-link-cut.yaml").read_text(encoding="utf-8").replace("id: N15", "id: X1")
DRILL = """kind: drill
id: mine
title: {zh: 我的, en: Mine}
plan: PLAN
faults:
  - {id: X1, target: credit-postgres, at: 3s, for: 4s}
  - {id: N1, target: front-valkey, at: 5s, for: 4s}
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder outside the checkout, with a fault and a drill of one's own."""
    (tmp_path / "faults").mkdir()
    (tmp_path / "faults" / "x1.yaml").write_text(MINE, encoding="utf-8")
    (tmp_path / "drills").mkdir()
    plan = HOME / "stress" / "drill-town.yaml"
    (tmp_path / "drills" / "mine.yaml").write_text(DRILL.replace("PLAN", str(plan)), encoding="utf-8")
    return tmp_path


def test_a_good_file_is_good_and_a_bad_one_has_its_line(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = mine / "faults" / "x1.yaml"
    assert main(["fault", "check", str(file)]) == 0
    assert f"{file}: good" in capsys.readouterr().out
    bad = mine / "bad.yaml"
    bad.write_text(MINE.replace("kind: toxics", "kind: toxic"), encoding="utf-8")
    assert main(["fault", "check", str(file), str(bad), "--json"]) == 2
    told = capsys.readouterr()
    assert json.loads(told.out)["files"] == [{"file": str(file), "valid": True}]
    assert f"{bad}:11: `inject`: 'toxic'; expected one of" in told.err
    assert "did you mean toxics?" in told.err


def test_an_id_of_the_library_is_taken(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = mine / "faults" / "x1.yaml"
    shutil.copy(HOME / "faults" / "n15-link-cut.yaml", file)
    assert main(["fault", "check", str(file)]) == 2
    assert "`id`: N15 stands in" in capsys.readouterr().err
    assert main(["fault", "check", str(HOME / "faults" / "n15-link-cut.yaml")]) == 0


def test_an_id_of_a_folder_of_one_s_own_is_taken(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, other = str(mine / "faults"), mine / "other.yaml"
    other.write_text(MINE, encoding="utf-8")
    assert main(["fault", "check", str(other)]) == 0
    assert main(["fault", "check", "--faults", folder, str(mine / "faults" / "x1.yaml")]) == 0
    assert main(["fault", "check", "--faults", folder, str(other)]) == 2
    assert f"`id`: X1 stands in {mine / 'faults' / 'x1.yaml'} too" in capsys.readouterr().err
    (mine / "faults" / "bad.yaml").write_text("kind: fault\nid: Z1\n", encoding="utf-8")
    assert main(["fault", "check", "--faults", folder, str(other)]) == 2
    assert f"{mine / 'faults' / 'bad.yaml'}:1: " in capsys.readouterr().err


def test_folders_of_one_s_own_stand_beside_the_library(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--faults", str(mine / "faults"), "--drills", str(mine / "drills")]
    assert main(["fault", "list", "--faults", str(mine / "faults")]) == 0
    assert "X1" in capsys.readouterr().out
    assert main(["fault", "show", "X1", "--faults", str(mine / "faults")]) == 0
    assert "link_silent, alone, within 3 s" in capsys.readouterr().out
    assert main(["drill", "list", *where]) == 0
    assert "X1 on credit-postgres, N1 on front-valkey" in capsys.readouterr().out
    assert main(["drill", "check", "mine", *where]) == 0
    assert main(["drill", "check", "mine", *where[2:]]) == 2
    assert "no fault X1" in capsys.readouterr().err
    assert main(["drill", "list", "--drills", str(mine / "none")]) == 2
    assert "expected a folder with .yaml files" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "file", "says"),
    [
        ("drill", "faults/n15-link-cut.yaml", "this is a fault, not a drill; it is checked by: xiu fault check"),
        ("fault", "drills/credit-cut.yaml", "this is a drill, not a fault; it is checked by: xiu drill check"),
        ("plan", "drills/credit-cut.yaml", "this is a drill, not a stress plan"),
        ("playbook", "faults/n15-link-cut.yaml", "this is a fault, not a playbook"),
        ("drill", "playbooks/credit-stalled.yaml", "this is a playbook, not a drill"),
    ],
)
def test_a_file_of_another_kind_is_told_in_one_sentence(
    word: str, file: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word, "check", str(HOME / file)]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1
    assert says in told[0]
    assert f"{HOME / file}:{3 if 'stalled' in file else 2}: `kind`: " in told[0]


def test_a_playbook_of_one_s_own_stands_beside_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (HOME / "playbooks" / "credit-stalled.yaml").read_text(encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(text.replace("id: credit-stalled", "id: mine"), encoding="utf-8")
    assert main(["playbook", "list", "--playbooks", str(tmp_path), "--json"]) == 2
    told = capsys.readouterr()
    found = {row["id"]: row for row in json.loads(told.out)["playbooks"]}
    assert f"{tmp_path / 'mine.yaml'}:" in told.err
    assert "mine" in found
    assert not found["mine"]["valid"], "one alert would start two playbooks that set one switch: nobody can tell which"
    assert "mine" not in [row["id"] for row in _listed(capsys)]


BROKEN = {
    "fault": "kind: fault\nid: Z1\n",
    "drill": "kind: drill\nid: broken\n",
    "playbook": "kind: playbook\nid: broken\n",
}


@pytest.mark.parametrize("word", BROKEN)
def test_a_list_with_a_broken_file_shows_the_others_and_says_what_is_wrong(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.yaml").write_text(BROKEN[word], encoding="utf-8")
    where = [f"--{word}s", str(tmp_path)]
    assert main([word, "list"]) == 0
    good = capsys.readouterr().out.splitlines()
    assert main([word, "list", *where]) == 2
    told = capsys.readouterr()
    assert len(good) > 2
    assert {line.split()[0] for line in good} <= {line.split()[0] for line in told.out.splitlines()}
    assert f"{tmp_path / 'broken.yaml'}:1: " in told.err
    assert main([word, "list", "--json", *where]) == 2
    told = capsys.readouterr()
    rows = {row["id"]: row for row in json.loads(told.out)[f"{word}s"]}
    assert [name for name, row in rows.items() if not row["valid"]] == ["broken"]
    assert rows["broken"]["problems"]
    assert {*rows["broken"]["problems"]} <= {*told.err.splitlines()}


def test_with_a_broken_action_no_playbook_is_listed_as_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wrong.py").write_text("def broken(:\n", encoding="utf-8")
    env = os.environ | {"XIU_ACTIONS": str(tmp_path), "PYTHONPATH": str(HOME.parent)}
    done = subprocess.run(
        [sys.executable, "-m", "xiu.cli", "playbook", "list"],
        cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"{tmp_path / 'wrong.py'}:1: " in done.stderr


def test_drills_are_listed_beside_a_broken_fault(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mine / "faults" / "bad.yaml").write_text(BROKEN["fault"], encoding="utf-8")
    assert main(["drill", "list", "--faults", str(mine / "faults"), "--drills", str(mine / "drills")]) == 2
    told = capsys.readouterr()
    assert "X1 on credit-postgres, N1 on front-valkey" in told.out
    assert f"{mine / 'faults' / 'bad.yaml'}:1: " in told.err


def _listed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    assert main(["playbook", "list", "--json"]) == 0
    rows: list[dict[str, object]] = json.loads(capsys.readouterr().out)["playbooks"]
    return rows


@pytest.mark.parametrize(
    ("query", "says"),
    [
        pytest.param("sum(", "( is never closed", id="no PromQL"),
        pytest.param("hongbao_nope", "no metric hongbao_nope in the code", id="no such metric"),
        pytest.param("sum(hongbao_stream_lag_entries)", "", id="good"),
    ],
)
def test_the_query_of_a_probe_is_looked_at(
    mine: Path, query: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = mine / "faults" / "x1.yaml"
    probe = f'effect_probe: {{kind: promql, query: "{query}", op: ">", value: 1, within: 5s}}'
    lines = [probe if line.startswith("effect_probe:") else line for line in MINE.splitlines()]
    file.write_text("\n".join(lines), encoding="utf-8")
    assert main(["fault", "check", str(file)]) == (2 if says else 0)
    said = capsys.readouterr().err
    assert (f"{file}:{lines.index(probe) + 1}: `effect_probe.query`: {says}" in said) == bool(says)
