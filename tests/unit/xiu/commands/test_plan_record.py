"""xiu plan record: a rate out of Prometheus as the recording of a replay, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.watch.prom import MOST_POINTS, PromError, Prometheus
from plans.models.recording import read_recording

URL = ("--prometheus", "http://127.0.0.1:1")
START_S = 1_454_848_560
"""2016-02-07T20:36:00+08:00."""
RANGE = ("--from", "2016-02-07T20:36:00+08:00", "--to", str(START_S + 60))
ASK = ("plan", "record", "monday.csv", "--query", "sum(rate(taps[1m]))", *URL)


class CannedPrometheus:
    """Answers every range query with these series, and keeps what it was asked."""

    def __init__(self, *series: list[tuple[float, str]]) -> None:
        self.series, self.asked = series, list[tuple[str, float, float, int]]()

    def __call__(self, _: Prometheus, query: str, start_s: float, end_s: float, step_s: int) -> list[dict[str, Any]]:
        self.asked.append((query, start_s, end_s, step_s))
        return [{"metric": {}, "values": [[at_s, text] for at_s, text in one]} for one in self.series]


@pytest.fixture
def canned(monkeypatch: pytest.MonkeyPatch) -> Any:
    def answer(*series: list[tuple[float, str]]) -> CannedPrometheus:
        prometheus = CannedPrometheus(*series)
        monkeypatch.setattr(Prometheus, "series", lambda *asked: prometheus(*asked))
        return prometheus

    return answer


RATES = [(START_S + 15.0 * number, text) for number, text in enumerate(("0", "12.5", "NaN", "25", "10"))]


def test_a_range_is_written_as_the_recording_that_a_replay_reads(xiu: Any, canned: Any) -> None:
    asked = canned(RATES).asked
    code, out, _ = xiu(*ASK, *RANGE, "--step", "15s")
    assert code == 0
    assert asked == [("sum(rate(taps[1m]))", float(START_S), START_S + 60.0, 15)]
    assert Path("monday.csv").read_text(encoding="utf-8").splitlines() == [
        "time,rate_per_s",
        "2016-02-07T12:36:00Z,0.0",
        "2016-02-07T12:36:15Z,12.5",
        "2016-02-07T12:36:45Z,25.0",
        "2016-02-07T12:37:00Z,10.0",
    ]
    assert read_recording(Path("monday.csv")) == ((0.0, 0.0), (15.0, 0.5), (45.0, 1.0), (60.0, 0.4))
    assert out.splitlines() == [
        "monday.csv: 4 rows over 60 s, the highest 25/s",
        "1 point without a value: the rate goes in a straight line there, and the ends are cut off",
        "in a plan: {kind: replay, recording: monday.csv}",
    ]
    assert [file.name for file in Path().iterdir()] == ["monday.csv"]


def test_the_last_hour_in_steps_that_prometheus_answers_at_once(xiu: Any, canned: Any) -> None:
    asked = canned(RATES).asked
    code, out, _ = xiu(*ASK, "--last", "6h", "--to", str(START_S), "--json")
    assert code == 0
    assert asked == [("sum(rate(taps[1m]))", START_S - 21_600.0, float(START_S), 3)]
    assert json.loads(out) == {
        "file": "monday.csv",
        "rows": 4,
        "left_out": 7201 - 4,
        "length_s": 60.0,
        "step_s": 3,
        "highest_per_s": 25.0,
    }


def test_a_part_of_a_second_is_kept(xiu: Any, canned: Any) -> None:
    canned([(START_S + 0.25, "1"), (START_S + 1.25, "2")])
    assert xiu(*ASK, *RANGE)[0] == 0
    assert "12:36:00.250Z,1.0" in Path("monday.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param((), "a range without its start; expected one of --from and --last", id="no range"),
        pytest.param((*RANGE, "--last", "1h"), "expected one of --from and --last", id="two ranges"),
        pytest.param(("--from", "noon"), "--from: 'noon' is no time; expected 2016-", id="no time"),
        pytest.param(("--last", "1hour"), "--last: '1hour' is not a duration", id="no duration"),
        pytest.param(("--from", "20", "--to", "10"), "the range ends before it begins", id="the wrong way round"),
        pytest.param((*RANGE, "--step", "1.5s"), "--step: 1.5s; expected whole seconds", id="a part of a second"),
        pytest.param((*RANGE, "--step", "0s"), "--step: 0s; expected whole seconds", id="no step"),
        pytest.param(
            ("--last", "20h", "--step", "1s"),
            f"72,001 points; expected at most {MOST_POINTS:,}: --step 8s or more",
            id="more points than Prometheus gives",
        ),
    ],
)
def test_a_range_that_cannot_be_meant_is_refused_before_anybody_is_asked(
    xiu: Any, canned: Any, words: tuple[str, ...], says: str
) -> None:
    asked = canned(RATES).asked
    code, _, err = xiu(*ASK, *words)
    assert code == 2
    assert says in err
    assert asked == []
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("series", "says"),
    [
        pytest.param((), "no series in that range; expected one, such as sum(", id="none"),
        pytest.param((RATES, RATES, RATES), "3 series; expected one, such as sum(", id="several"),
        pytest.param((RATES[:1],), "1 rows of figures", id="one point"),
        pytest.param(([(0.0, "0"), (15.0, "0")],), "every rate is 0", id="nothing happened"),
        pytest.param(([(0.0, "1"), (15.0, "-3")],), "-3 at 1970-01-01T00:00:15Z is no rate", id="less than nothing"),
        pytest.param(([(0.0, "NaN"), (15.0, "+Inf")],), "0 rows of figures", id="no numbers"),
    ],
)
def test_an_answer_that_is_no_rate_leaves_no_file(xiu: Any, canned: Any, series: Any, says: str) -> None:
    canned(*series)
    code, _, err = xiu(*ASK, *RANGE)
    assert code == 2
    assert says in err
    assert list(Path().iterdir()) == []


def test_a_file_that_is_there_is_kept(xiu: Any, canned: Any) -> None:
    Path("monday.csv").write_text("mine")
    canned(RATES)
    code, _, err = xiu(*ASK, *RANGE)
    assert code == 2
    assert "monday.csv exists; expected a new name" in err
    assert Path("monday.csv").read_text() == "mine"


def test_a_folder_that_is_not_there_is_told(xiu: Any, canned: Any) -> None:
    canned(RATES)
    code, _, err = xiu("plan", "record", "away/monday.csv", "--query", "q", *URL, *RANGE)
    assert code == 2
    assert "away/monday.csv cannot be written: No such file or directory" in err


@pytest.mark.parametrize(
    ("away", "code"), [pytest.param(True, 5, id="nobody answers"), pytest.param(False, 2, id="a bad query")]
)
def test_what_prometheus_says_is_told(xiu: Any, monkeypatch: pytest.MonkeyPatch, away: bool, code: int) -> None:
    def fail(*_: object) -> None:
        raise PromError("sum(: parse error", away=away)

    monkeypatch.setattr(Prometheus, "series", fail)
    got, _, err = xiu(*ASK, *RANGE)
    assert got == code
    assert "sum(: parse error" in err


def test_without_a_stack_and_an_address_nothing_is_asked(xiu: Any) -> None:
    code, _, err = xiu("plan", "record", "monday.csv", "--query", "q", *RANGE)
    assert code == 5
    assert "no stack runs under" in err
