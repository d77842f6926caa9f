"""A rate that a real Prometheus recorded becomes a recording, and a plan replays it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plans.models.recording import read_recording
from tests.support.plan_files import with_step
from tests.support.prometheus_history import LENGTH_S, START_S
from xiu.cli import main

RISING = f'sum(irate(hongbao_requests_total{{outcome="win"}}[10s])) * (time() - {START_S})'
"""A counter that grows by one a second, times the seconds passed."""


def test_a_recorded_rate_is_replayed_by_a_plan(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = with_step(tmp_path, "{kind: replay, recording: monday.csv}")
    at = ("--prometheus", url, "--from", str(START_S), "--to", str(START_S + LENGTH_S), "--step", "5s")
    assert main(["plan", "record", "stress/monday.csv", "--query", RISING, *at, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["left_out"], told["length_s"]) == (12, 1, 55.0), "no rate of a single sample"
    assert told["highest_per_s"] == pytest.approx(LENGTH_S)
    points = read_recording(tmp_path / "stress" / "monday.csv")
    assert [at_s for at_s, _ in points] == [5.0 * number for number in range(12)]
    assert [share for _, share in points] == pytest.approx([(number + 1) / 12 for number in range(12)])

    assert main(["plan", "run", str(plan), "--dry-run", "--scale", "1/100000"]) == 0
    drawn = capsys.readouterr().out
    assert "6 s  55 s  replay" in drawn
    assert "3,500/s at the peak" in drawn


def test_what_is_no_rate_is_refused_in_prometheus_s_own_words(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    at = ("--prometheus", url, "--from", str(START_S), "--to", str(START_S + LENGTH_S))
    for query, says in (
        ("sum(rate(hongbao_requests_total[", "parse error"),
        ("hongbao_requests_total", "series; expected one"),
        ("hongbao_requests_totals", "no series in that range"),
    ):
        assert main(["plan", "record", "new.csv", "--query", query, *at]) == 2
        assert says in capsys.readouterr().err
    assert not Path("new.csv").exists()
