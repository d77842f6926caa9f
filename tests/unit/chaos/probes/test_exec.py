"""Probe `exec`: a command's exit code; what does not end is ended with its children."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.own_probes import is_so, lacks, probe
from tests.support.stores import wait_until

SH = ["sh", "-c"]


@pytest.mark.parametrize(
    ("spec", "yes", "says"),
    [
        pytest.param({"command": ["true"]}, True, "exit code 0", id="a command that ends well"),
        pytest.param({"command": ["false"]}, False, "exit code 1, asked for 0", id="one that does not"),
        pytest.param({"command": ["false"], "exit": 1}, True, "exit code 1", id="as it was meant"),
        pytest.param({"command": [*SH, 'test "$XIU_TARGET" = credit-postgres']}, True, "0", id="target"),
        pytest.param({"command": [*SH, 'test -z "$SECRET_OF_THE_SHELL"']}, True, "0", id="its environment"),
    ],
)
def test_an_exit_code(spec: dict[str, Any], yes: bool, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SHELL", "1")
    is_so("", yes, says, kind="exec", **spec)


def ended(status: Path) -> bool:
    """A killed process may still run for a moment on a busy machine."""
    try:
        return status.read_text().split()[2] == "Z"
    except OSError:
        return True


def test_a_command_that_does_not_end_is_ended_with_its_children(tmp_path: Path) -> None:
    began, pid = time.monotonic(), tmp_path / "pid"
    command = [*SH, f"sh -c 'echo $$ > {pid}; exec sleep 600' & wait"]
    seen = probe("effect", "", kind="exec", command=command, timeout="1s").seen()
    assert (seen.yes, "not over within 1 s: killed" in seen.says) == (False, True)
    assert time.monotonic() - began < 30
    if pid.exists():  # on a busy machine it may not have come so far
        status = Path(f"/proc/{pid.read_text().strip()}/stat")
        wait_until(lambda: ended(status), 20, "the child's end")


def test_a_command_that_is_not_there() -> None:
    lacks("no-such-command-here is not there", kind="exec", command=["no-such-command-here"])
