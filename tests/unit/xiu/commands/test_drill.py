"""`xiu drill`: folders of one's own, looked at before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from xiu.cli import main

DRILL = "credit-cut"


@pytest.mark.parametrize("sub", ["check", "run"])
def test_a_playbook_of_ones_own_that_cannot_be_used_is_told_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, sub: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "shed.yaml").write_text("kind: playbook\nid: shed\nnonsense: 1\n")
    assert main(["drill", sub, DRILL, "--playbooks", "mine"]) == 2
    err = capsys.readouterr().err
    assert "mine/shed.yaml:3: " in err
    assert list((tmp_path).glob("var/*")) == []


def test_a_folder_of_playbooks_that_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["drill", "check", DRILL, "--playbooks", "nowhere"]) == 2
    assert "--playbooks nowhere" in capsys.readouterr().err


@pytest.mark.parametrize("arms", ["C", "ABCD", ""])
def test_arms_that_there_are_not_are_not_promised(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arms: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["drill", "run", DRILL, "--arms", arms]) == 2
    assert "a drill plays no playbook, so there is no other arm" in capsys.readouterr().err
