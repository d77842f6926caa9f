"""`xiu playbook` without a stack: list, show, check, and what is said where none runs."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from chaos.playbook import journal
from chaos.playbook.journal import Transition
from harness.errors import EnvironmentNotReady
from harness.stack import Stack
from plans.models.playbook import playbook_files
from xiu.cli import dispatch, main
from xiu.commands import playbook


def test_list_and_show_tell_what_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch(["playbook", "list", "--json", "--var", str(tmp_path)]) == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)["playbooks"]}
    assert rows["credit-stalled"]["alert"] == "CreditStalled"
    assert rows["appends-slow"]["switches"] == ["draw.release_percent"]
    assert rows["appends-slow"]["state"] is None
    row = rows["appends-slow"]
    assert (row["matchers"], row["scope"], row["actions"]) == ([], ["lane"], ["set_switch"])
    assert dispatch(["playbook", "show", "credit-stalled"]) == 0
    told = capsys.readouterr().out
    for words in (
        "alert CreditStalled",
        "acts in     one lane",
        "draw.release_percent = 25",
        "read back within 2 s",
        "made good, then as before",
    ):
        assert words in told
    assert all(len(line) <= 80 for line in told.splitlines() if not line.startswith("file ")), told


def test_check_is_quiet_on_sound_files_and_names_the_line_of_a_broken_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dispatch(["playbook", "check", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["playbooks"]) == len(playbook_files())
    broken = tmp_path / "broken.yaml"
    good = next(file for file in playbook_files() if file.stem == "credit-stalled").read_text(encoding="utf-8")
    broken.write_text(good.replace("alert: CreditStalled", "alert: CreditStaled"), encoding="utf-8")
    line = next(number for number, row in enumerate(good.splitlines(), 1) if "alert:" in row)
    assert main(["playbook", "check", str(broken)]) == 2
    told = capsys.readouterr().err
    assert f"{broken}:{line}: " in told
    assert "did you mean CreditStalled?" in told


class EngineStub:
    """A stack of which only the journal's folder is asked."""

    def __init__(self, folder: Path, space: bool) -> None:
        self.folder = SimpleNamespace(path=folder, locked=True, has_space=lambda: space)

    def check(self) -> None:
        """It lives."""


@pytest.mark.parametrize(
    ("space", "wait_s", "said"),
    [
        pytest.param(False, 20.0, "is full, so nothing is told; last told of it: held", id="a full disk"),
        pytest.param(True, 0.3, "did not end within 0.3 s; last told of it: held", id="a fault that lasts"),
    ],
)
def test_a_run_that_tells_no_more_is_not_followed_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, space: bool, wait_s: float, said: str
) -> None:
    line = Transition(time.time(), "r1", "credit-stalled", "held", "", {})
    journal.Journal(tmp_path / journal.FILE).tell(line)
    monkeypatch.setattr(playbook, "SILENT_S", 0.2)
    with pytest.raises(EnvironmentNotReady, match=said):
        playbook._follow(cast(Stack, EngineStub(tmp_path, space)), "r1", wait_s, quiet=True)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(["show", "credit-staled"], 2, "did you mean credit-stalled", id="an unknown id"),
        pytest.param(["run", "credit-stalled"], 5, "no stack runs", id="run without a stack"),
        pytest.param(["run", "credit-stalled", "--wait", "soon"], 2, "--wait: ", id="run for how long"),
        pytest.param(["resume"], 5, "no stack runs", id="resume without a stack"),
    ],
)
def test_what_cannot_be_done_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    var = [] if words[0] == "show" else ["--var", str(tmp_path)]
    assert main(["playbook", *words, *var]) == code
    assert said in capsys.readouterr().err


def test_a_bad_file_among_good_ones_is_named_and_hides_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken file, a folder named like one, and, where the shell stands, a folder named like an id."""
    bad, folder = tmp_path / "bad.yaml", tmp_path / "folder.yaml"
    bad.write_text("kind: playbook\nid: bad\nowner: [}\n", encoding="utf-8")
    folder.mkdir()
    (tmp_path / "credit-stalled").mkdir()
    monkeypatch.chdir(tmp_path)
    files = [*playbook_files(), bad, folder]
    monkeypatch.setattr("chaos.playbook.library.playbook_files", lambda: files)
    var = ["--var", str(tmp_path / "var")]
    assert main(["playbook", "list", *var]) == 2
    out, err = capsys.readouterr()
    assert "credit-stalled" in out
    assert f"{bad}:3: " in err
    assert f"{folder}: " in err
    assert main(["playbook", "list", "--json", *var]) == 2
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)["playbooks"]}
    assert (rows["credit-stalled"]["valid"], rows["bad"]["valid"], rows["folder"]["valid"]) == (True, False, False)
    assert main(["playbook", "show", "credit-stalled"]) == 0
    assert main(["playbook", "show", "bad"]) == 2
    assert f"{bad}:3: " in capsys.readouterr().err
    assert main(["playbook", "check"]) == 2
    assert f"{bad}:3: " in capsys.readouterr().err
    assert main(["playbook", "check", str(folder)]) == 2
    assert f"{folder}: " in capsys.readouterr().err


def test_playbooks_of_ones_own_are_checked_beside_the_projects(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = next(file for file in playbook_files() if file.stem == "credit-stalled").read_text(encoding="utf-8")
    mine = tmp_path / "mine.yaml"
    mine.write_text(text.replace("id: credit-stalled", "id: mine"), encoding="utf-8")
    assert main(["playbook", "check", str(mine)]) == 0, "alone nothing is wrong with it"
    for line in (["playbook", "check"], ["up"]):
        capsys.readouterr()
        assert main([*line, "--playbooks", str(tmp_path)]) == 2
        said = capsys.readouterr().err
        assert f"{mine}:11: alert CreditStalled starts credit-stalled as well" in said
    mine.write_text(text.replace("id: credit-stalled", "id: mine").replace("CreditStalled", "CreditSlow"))
    assert main(["playbook", "check", "--playbooks", str(tmp_path)]) == 0
    assert "mine is fine" in capsys.readouterr().out
