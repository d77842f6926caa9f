"""The self-test: every verdict and every exit code is among its cases, and one that does not come out is red.

The cases that run a command are played in `acceptance/test_selftest.py`, all of them.
"""

from __future__ import annotations

import argparse
import json
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest

from chaos.drill_verdict import ORDER
from harness.errors import EnvironmentNotReady
from harness.verdict import EXIT_CODES
from xiu.commands import _gates_live, selftest
from xiu.commands._gates import COMMAND, JUDGED, Case, CaseResult, quick


def run(monkeypatch: pytest.MonkeyPatch, cases: list[Case], *, as_json: bool = False) -> int:
    monkeypatch.setattr(selftest, "quick", lambda: cases)
    return selftest.run(argparse.Namespace(quick=True, json=as_json))


def case(came: CaseResult | Exception, word: str = "FAIL", code: int = 99) -> Case:
    def produce(place: Path) -> CaseResult:
        assert place.is_dir()
        if isinstance(came, Exception):
            raise came
        return came

    return Case(word, code, "on purpose", COMMAND, produce)


def test_every_verdict_and_every_exit_code_is_produced() -> None:
    words = {each.word for each in quick()}
    assert words >= set(EXIT_CODES) - {"NOT_READY"}
    assert words >= {*ORDER, "PASS", "invalid input", "internal error", "not ready"}
    assert {each.exit_code for each in quick()} == {0, 1, 2, 3, 4, 5, 10, 99}
    for each in quick():
        assert EXIT_CODES.get(each.word, each.exit_code) == each.exit_code or (each.word, each.exit_code) == ("WARN", 4)


@pytest.mark.parametrize("each", [each for each in quick() if each.how == JUDGED], ids=lambda each: each.why)
def test_the_judging_code_comes_to_the_word_and_the_code(each: Case, tmp_path: Path) -> None:
    came = each.produce(tmp_path)
    assert (came.word, came.exit_code) == (each.word, each.exit_code)


@pytest.mark.parametrize(
    ("came", "code", "mark"),
    [
        pytest.param(CaseResult("FAIL", 99), 0, "ok", id="as it must"),
        pytest.param(CaseResult("PASS", 0), 99, "RED", id="a gate that lets it through"),
        pytest.param(CaseResult("FAIL", 0), 99, "RED", id="the right word with another code"),
        pytest.param(CaseResult("WARN", 99), 99, "RED", id="another word with the right code"),
        pytest.param(OSError("gone"), 99, "RED", id="what breaks on the way is no verdict"),
        pytest.param(EnvironmentNotReady("busy"), 5, "BUSY", id="a machine too busy to show it"),
    ],
)
def test_what_does_not_come_out_is_red(
    came: CaseResult | Exception,
    code: int,
    mark: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, [case(CaseResult("FAIL", 99)), case(came)]) == code
    out = capsys.readouterr().out
    assert f"99  {mark:<4}" in out
    assert ("2 of 2" if code == 0 else "1 of 2") in out
    assert max(map(len, out.splitlines()[:4])) <= 80


def test_in_the_background_ctrl_c_is_produced_too(tmp_path: Path) -> None:
    """Where a shell has this process ignore it."""
    (case,) = [each for each in quick() if (each.word, each.why) == ("ABORTED", "Ctrl-C")]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        came = case.produce(tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (came.word, came.exit_code) == ("ABORTED", 3)


def test_json_tells_each_case(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, [case(CaseResult("PASS", 0, "let through"))], as_json=True) == 99
    told = json.loads(capsys.readouterr().out)
    assert told["good"] is False
    (row,) = told["cases"]
    assert (row["word"], row["exit_code"], row["came"], row["came_exit_code"]) == ("FAIL", 99, "PASS", 0)
    assert (row["how"], row["said"], row["good"]) == (COMMAND, "let through", False)


def test_without_quick_the_real_runs_come_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    places: list[Path] = []

    class Held:
        def __enter__(self) -> list[Case]:
            return [case(CaseResult("PASS", 0), "PASS", 0)] * 2

        def __exit__(self, *_: object) -> None: ...

    def held(place: Path) -> Held:
        places.append(place)
        return Held()

    monkeypatch.setattr(_gates_live, "live", held)
    monkeypatch.setattr(selftest, "quick", lambda: [case(CaseResult("FAIL", 99))])
    assert selftest.run(argparse.Namespace(quick=False, json=False)) == 0
    assert len(places) == 1
    assert "3 of 3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("verdicts", "calls"),
    [
        pytest.param(["generator_limited", "no_effect"], 2, id="once more where the generator was the limit"),
        pytest.param(["no_effect"], 1, id="no more where it was not"),
    ],
)
def test_a_drill_whose_generator_was_the_limit_is_carried_out_once_more(
    verdicts: list[str], calls: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = iter(verdicts)
    words: list[tuple[str, ...]] = []

    def call(place: Path, *said: str, env: dict[str, str]) -> SimpleNamespace:
        words.append(said)
        drill = {"verdict": "FAULT_NOT_EFFECTIVE", "reasons": [{"code": next(told), "text": "why"}]}
        return SimpleNamespace(stdout=json.dumps({"drills": [drill]}), stderr="", returncode=10)

    monkeypatch.setattr(_gates_live, "call", call)
    came = _gates_live._left_out(tmp_path)
    assert (came.word, came.exit_code, len(words)) == ("FAULT_NOT_EFFECTIVE", 10, calls)


def test_a_machine_that_is_always_too_busy_is_told_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drill = {"verdict": "INVALID", "reasons": [{"code": "generator_limited", "text": "late"}]}
    answer = SimpleNamespace(stdout=json.dumps({"drills": [drill]}), stderr="", returncode=10)
    monkeypatch.setattr(_gates_live, "call", lambda *_, **__: answer)
    with pytest.raises(EnvironmentNotReady, match="late"):
        _gates_live._left_out(tmp_path)
