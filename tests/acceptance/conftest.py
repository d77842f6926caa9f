"""The `xiu` command as a user calls it, in a folder of the test's own."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.stack import find_shared
from tests.support.command import Xiu


@pytest.fixture
def xiu(tmp_path: Path) -> Iterator[Xiu]:
    """The command; whatever it left running is ended after the test."""
    command = Xiu(tmp_path)
    yield command
    for process in command.started:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(60)
    if find_shared(tmp_path / "var"):
        command("down")
