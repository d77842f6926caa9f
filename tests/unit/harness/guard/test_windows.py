"""The file of a climb's windows: every pilot reads the same lines, each once and whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.guard.windows import FILE, WindowLine, read_windows, write_window

LINES = [WindowLine(number, [[{"kind": "constant", "rate_rps": 1.5 * number, "duration_s": 5.0}]]) for number in (1, 2)]


def test_windows_are_read_in_order_each_once(tmp_path: Path) -> None:
    assert read_windows(tmp_path) == []
    write_window(tmp_path, LINES[0])
    assert read_windows(tmp_path) == LINES[:1]
    write_window(tmp_path, LINES[1])
    assert read_windows(tmp_path, after=1) == LINES[1:]
    assert read_windows(tmp_path, after=2) == []


def test_a_line_that_is_not_whole_is_not_read_yet(tmp_path: Path) -> None:
    write_window(tmp_path, LINES[0])
    whole = (tmp_path / FILE).read_bytes()
    with (tmp_path / FILE).open("ab") as file:
        file.write(whole[:-1])
    assert read_windows(tmp_path) == LINES[:1]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        write_window(tmp_path / "away", LINES[0])
