"""What was carried is remembered, for this machine and this build alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.orchestrate import carried
from harness.orchestrate.carried import FILE, remember, remembered


def test_it_is_remembered(tmp_path: Path) -> None:
    assert remembered(tmp_path) is None
    remember(tmp_path, 41_234.6)
    assert remembered(tmp_path) == 41_235.0


@pytest.mark.parametrize(("what", "now"), [("machine", "another"), ("hot_path", "interpreted")])
def test_another_machine_or_build_is_another_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, now: str
) -> None:
    remember(tmp_path, 40_000.0)
    monkeypatch.setattr(carried, what, lambda: now)
    assert remembered(tmp_path) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"carried_rps": "much"}', json.dumps({"carried_rps": 5})])
def test_a_file_that_is_none_is_forgotten(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert remembered(tmp_path) is None


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    remember(tmp_path / "none", 1.0)
    assert remembered(tmp_path / "none") is None
