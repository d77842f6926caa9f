"""A run for a job's summary, and the bars of a trend."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.runs.folder import new_run, write_run
from tests.support.sample_run import reason, record, sponsors, timeline
from xiu.commands._summary import bars, markdown


def test_a_job_s_summary_has_the_verdict_its_reasons_and_every_indicator() -> None:
    one = record(verdict="FAIL", reasons=(reason("stop_rule", "errors | 12 %"),))
    lines = markdown(one)
    assert lines[0] == "### ❌ FAIL: gala-share"
    assert "- `stop_rule`: errors \\| 12 %" in lines, "a bar ends no cell"
    rows = [line for line in lines if line.startswith("| ")]
    assert len(rows) == 1 + len(one.forecast)
    assert rows[1].startswith(f"| {one.forecast[0].indicator} | ")
    assert rows[1].endswith(f"| {one.forecast[0].state} |")
    assert lines[-1].startswith("Response in ms: p50 ")
    assert markdown(record())[0].startswith("### ✅ PASS")


def test_it_is_printed_by_show(xiu: Any) -> None:
    folder = new_run(Path("runs"), "gala-share")
    write_run(folder, record(run_id=folder.name), timeline(), sponsors())
    code, out, _ = xiu("run", "show", "last", "--markdown")
    assert code == 0
    assert out.startswith("### ✅ PASS: gala-share\n")
    assert xiu("run", "show", "last", "--markdown", "--json")[0] == 2
    assert json.loads(xiu("run", "show", "last", "--json")[1])["run_id"] == folder.name


def test_a_trend_has_a_bar_for_each_run(xiu: Any) -> None:
    for _ in range(2):
        folder = new_run(Path("runs"), "gala-share")
        write_run(folder, record(run_id=folder.name), timeline(), sponsors())
    code, out, _ = xiu("run", "trend", "gala-share")
    assert code == 0
    assert "p99 ms  ██  oldest first" in out


@pytest.mark.parametrize(
    ("values", "row"),
    [([], ""), ([1.0, 2.0, None, 8.0], "▂▃·█"), ([0.0, 0.0], "▁▁"), ([None], "·"), ([5.0], "█")],
)
def test_bars(values: list[float | None], row: str) -> None:
    assert bars(values) == row
