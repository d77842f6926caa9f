"""`xiu kill` and `xiu halt` reach what fires, wherever its run is kept and whatever else cannot be looked at."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.guard.kill import REGISTER, registered
from harness.stack.folder import Folder
from tests.support.children import started
from xiu.cli import main


@pytest.fixture
def generator() -> Iterator[subprocess.Popen[bytes]]:
    with started([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as process:
        yield process


@pytest.mark.parametrize("word", ["halt", "kill"])
def test_fire_of_a_run_kept_elsewhere_ceases_by_the_stack_that_it_is_aimed_at(
    word: str, generator: subprocess.Popen[bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Folder(tmp_path / "var" / "stack")
    folder.make()
    held = folder.lock()
    assert held is not None
    try:
        with registered([tmp_path / "theirs", folder.path / REGISTER], generator.pid, "run", tmp_path / "kill-file"):
            main([word, "--var", str(tmp_path / "var"), "--runs", str(tmp_path / "mine")])
            assert generator.wait(10) != 0
    finally:
        os.close(held)
    said = capsys.readouterr().out
    assert "written for 1 of 1" in said
    assert "sent to 1 of 1 generators" in said


@pytest.mark.parametrize("word", ["halt", "kill"])
def test_a_place_of_stacks_that_cannot_be_looked_at_keeps_no_fire_going(
    word: str, generator: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    with registered([tmp_path / "runs" / REGISTER], generator.pid, "run", tmp_path / "kill-file"):
        assert main([word, "--var", str(tmp_path / ("a" * 300)), "--runs", str(tmp_path / "runs")]) != 0
        assert generator.wait(10) != 0
