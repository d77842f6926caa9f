"""The windows of a climb on the tape of a locustfile's tasks: what stands is never moved, what is late is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.engine.tape import NEVER
from harness.guard.windows import WindowLine, write_window
from harness.journeys import task_tape
from harness.journeys.task_tape import TaskWindows, tape_of_tasks

S = 1_000_000_000
SHARES = (3.0, 1.0)


def segments(rate_rps: float) -> list[dict[str, Any]]:
    return [{"kind": "constant", "rate_rps": rate_rps, "duration_s": 3.0, "phase": 1}]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows are read at the second 100, where the plan begins."""
    monkeypatch.setattr(task_tape, "monotonic_ns", lambda: 100 * S)


@pytest.mark.usefixtures("at_once")
def test_windows_are_appended_behind_what_stands(tmp_path: Path) -> None:
    tape, plan_ns = tape_of_tasks({"segments": segments(10), "seed": 7, "room": 500}, SHARES)
    tape.shift(100 * S)
    stood = tape.times(tape.intended).tolist()
    write_window(tmp_path, WindowLine(1, [segments(20)]))
    write_window(tmp_path, WindowLine(2, [segments(40)]))
    windows = TaskWindows(tmp_path, 7, SHARES)
    ends_ns = windows.follow(tape, 100 * S + plan_ns)
    assert ends_ns == 109 * S
    times = tape.times(tape.intended)
    assert times[:30].tolist() == stood
    assert [int(((times >= at * S) & (times < (at + 3) * S)).sum()) for at in (100, 103, 106)] == [30, 60, 120]
    assert (np.diff(times) >= 0).all()
    assert tape.intended[len(tape)] == NEVER
    assert set(tape.journey.tolist()) == {0, 1}
    assert 0.6 < (tape.journey == 0).mean() < 0.9, "by their shares"
    assert [one["version"] for one in windows.versions.played] == [1, 2]
    assert windows.follow(tape, ends_ns) == ends_ns, "each of them once"
    again, _ = tape_of_tasks({"segments": segments(10), "seed": 7, "room": 500}, SHARES)
    again.shift(100 * S)
    TaskWindows(tmp_path, 7, SHARES).follow(again, 103 * S)
    assert again.journey.tolist() == tape.journey.tolist(), "the same seed, the same tasks"


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("line", "ends_s", "says"),
    [
        pytest.param(WindowLine(1, [segments(20)]), 100.5, "500 ms too late", id="late"),
        pytest.param(WindowLine(2, [segments(20)]), 103, "out of turn", id="out of turn"),
        pytest.param(WindowLine(1, [segments(1000)]), 103, "there is room for", id="more than there is room for"),
    ],
)
def test_a_window_that_cannot_be_taken_ends_the_climb_in_words(
    tmp_path: Path, line: WindowLine, ends_s: float, says: str
) -> None:
    tape, _ = tape_of_tasks({"segments": segments(10), "seed": 7, "room": 500}, SHARES)
    write_window(tmp_path, line)
    windows = TaskWindows(tmp_path, 7, SHARES)
    assert windows.follow(tape, int(ends_s * S)) == ends_s * S
    assert says in windows.refused
    assert len(tape) == 30
