"""The thinnest run: nothing of it runs on, and what is tampered with afterwards is named."""

from __future__ import annotations

from pathlib import Path

from tests.support.command import SLICE, Xiu


def test_the_forecast_may_not_change_between_lock_and_judgement(xiu: Xiu) -> None:
    assert xiu("demo", "--plan", SLICE, "--scale", "1").returncode in (0, 10)
    assert xiu.processes() == []
    path: Path = xiu.runs()[-1] / "forecast.lock.json"
    path.write_text(path.read_text().replace('"expected": 40', '"expected": 39', 1))
    judged = xiu("forecast", "judge", "last")
    assert judged.returncode == 2
    assert "changed after it was locked" in judged.stderr
