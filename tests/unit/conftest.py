"""The command as a user types it, in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from xiu.cli import main
from xiu.commands import _sound


@pytest.fixture
def xiu(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Types words in a folder of the test's own; the exit code, what was printed, what was told on stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        code = main(list(words))
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def no_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything starts, a child reads every file of the system. Here nothing starts; the child itself is for
    `acceptance/test_extending.py`.
    """
    monkeypatch.setattr(_sound, "look", lambda: None)
