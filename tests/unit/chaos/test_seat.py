"""One drill at a time on a stack, whoever died on the seat."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chaos.seat import seated, taken
from harness.errors import EnvironmentNotReady
from tests.support.children import started

SIT = """
import sys
from pathlib import Path
from chaos.seat import seated
with seated(Path(sys.argv[1]), "drill other"):
    print("sits", flush=True)
    sys.stdin.read()
"""


def test_a_second_drill_is_refused_until_the_first_is_gone_even_by_kill(tmp_path: Path) -> None:
    assert taken(tmp_path) == ""
    argv = [sys.executable, "-c", SIT, str(tmp_path)]
    with started(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "sits\n"
        assert taken(tmp_path) == f"drill other, process {other.pid}"
        with pytest.raises(EnvironmentNotReady, match="drill other, process"), seated(tmp_path, "drill mine"):
            pass
        other.kill()
    with seated(tmp_path, "drill mine"):
        assert taken(tmp_path).startswith("drill mine, process")
    assert taken(tmp_path) == ""


def test_a_seat_that_cannot_be_taken_is_said(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentNotReady, match="no drill can take its seat"), seated(tmp_path / "none", "drill"):
        pytest.fail("it was taken")
