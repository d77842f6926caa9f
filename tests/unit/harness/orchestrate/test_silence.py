"""From the stop button to the last request sent."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from harness.engine.recorder import write_history
from harness.guard.kill import MARK, REGISTER
from harness.orchestrate.silence import fell_silent_s
from system.contract.history import OP_DTYPE, Kind


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Two taps that were sent two seconds ago and one, and a user who was asked again just now."""
    records, now_ns = np.zeros(3, OP_DTYPE), time.monotonic_ns()
    records["sent_ns"] = now_ns - 2 * 10**9, now_ns - 10**9, now_ns
    records["kind"] = Kind.TAP, Kind.TAP, Kind.SETTLE
    write_history(tmp_path / "history", records, "r1", 1, 0)
    return tmp_path / "history"


def pressed(folder: Path, ago_s: float) -> Path:
    (folder / REGISTER).mkdir(parents=True)
    mark = folder / REGISTER / MARK
    mark.touch()
    os.utime(mark, (time.time() - ago_s,) * 2)
    return folder / REGISTER


@pytest.mark.parametrize(
    ("ago_s", "silent_s"),
    [
        pytest.param(1.3, 0.3, id="a request was on its way"),
        pytest.param(0.5, 0.0, id="nothing was sent afterwards"),
        pytest.param(30.0, None, id="pressed for an earlier run"),
    ],
)
def test_how_long_it_went_on(history: Path, ago_s: float, silent_s: float | None) -> None:
    registers = [history.parent / "other", pressed(history.parent, ago_s)]
    found = fell_silent_s(registers, history, time.time() - 10.0)
    assert found == (None if silent_s is None else pytest.approx(silent_s, abs=0.1))


def test_nothing_was_pressed_or_recorded(history: Path, tmp_path: Path) -> None:
    assert fell_silent_s([tmp_path / "none"], history, 0.0) is None
    assert fell_silent_s([pressed(tmp_path / "x", 1.0)], tmp_path / "no history", 0.0) is None
