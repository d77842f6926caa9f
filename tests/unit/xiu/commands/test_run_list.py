"""`xiu run list` where there is no run: said in words, never an empty table; and a run in a screen of text."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import BadInput
from harness.orchestrate.rounds import no_load
from harness.phrases import sentence
from harness.runs.guarded import RunGuard, StopRecord
from tests.support.sample_run import SEASON, record
from xiu.cli import dispatch
from xiu.commands._summary import markdown
from xiu.commands.run import summary


def test_no_run_yet_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert dispatch(["run", "list"]) == 0
    assert capsys.readouterr().out == "no finished run in runs\n"


def test_a_folder_that_is_not_there_is_no_empty_list(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nowhere is not a folder"):
        dispatch(["run", "list", "--runs", str(tmp_path / "nowhere")])


def test_a_screen_of_text_tells_what_was_played_beside_the_draw() -> None:
    told = " ".join(" ".join(summary(record(season=SEASON))).split())
    assert "beside claim 591; 17 blessings of 1,264.70 yuan; not done: claim share_expired 1" in told
    assert "beside " not in " ".join(summary(record()))
    stopped = SEASON.model_copy(update={"operations": (), "blessings": 0, "each_fen": 0})
    assert "beside nothing was played; 0 blessings" in " ".join(" ".join(summary(record(season=stopped))).split())


def test_a_generator_that_left_no_account_shows_no_zeros() -> None:
    lost = record(load=no_load())
    assert "counts    not known: the generator left no whole account of what it sent" in summary(lost)
    assert "What was sent is not known" in markdown(lost)[-1]
    assert "not known" not in " ".join(summary(record()))


def test_a_screen_of_text_tells_when_what_a_stop_rule_guards_was_well_again() -> None:
    text = sentence("recovered_seen", signal="live_p99", after_s=1.5)
    stop = StopRecord(signal="live_p99", at_s=4.0, recovered_s=1.5, text=text)
    told = summary(record(guard=RunGuard(started_by="ann", stop=stop)))
    assert "  after the stop: live_p99 was within its bound again 1.5 s after the stop" in told
    assert not any("after the stop" in line for line in summary(record()))
