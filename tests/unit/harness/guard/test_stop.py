"""Stop rules: each signal is read and fires at its bound over a full window, and never on too little data."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from harness.guard.stop import SIGNALS, Reading, StopRules
from harness.runs.state import MoneySample
from plans import signals
from plans.models.errors import PlanError
from plans.models.home import HOME
from plans.models.load import load_plan
from plans.models.stress import (
    StopAboveAge,
    StopAboveCount,
    StopAboveQuery,
    StopAboveShare,
    StopRule,
)
from plans.signals import table
from plans.signals.shape import QueryAnswers
from system.contract.errors import SettingsError
from system.contract.found import Piece
from tests.support.plan_files import line_of
from tests.support.stop_rules import (
    AGE,
    BALANCES,
    DELAY,
    ERRORS,
    FEN,
    LIVE,
    P99,
    PENDING,
    QUERY,
    SLOW,
    USUAL,
    Rows,
    asked,
    beside,
    delays,
    lags,
    live,
    looks,
    share,
    slow,
    taps,
)

CASES: list[Any] = [
    pytest.param(QUERY, asked(-2.4, -2.4, -2.4), True, id="a query above its bound"),
    pytest.param(QUERY, asked(-2.4, -2.5, -2.4), False, id="a query once at its bound"),
    pytest.param(QUERY, asked(-2.4, None, -2.4), True, id="a query unknown between two looks"),
    pytest.param(QUERY, asked(None, None, None), False, id="a query without data"),
    pytest.param(QUERY, asked(9, 9, 9, query="sum(down)"), False, id="another query"),
    pytest.param(QUERY, asked(9, 9, 9, at_s=1.0), False, id="one look at a query, read thrice"),
    pytest.param(ERRORS, taps(8, answered=1000, unknown=101), True, id="a share above its bound"),
    pytest.param(ERRORS, taps(8, answered=1000, unknown=100), False, id="a share at its bound"),
    pytest.param(ERRORS, taps(3, answered=1000, unknown=500), False, id="a window that is not full"),
    pytest.param(ERRORS, taps(8, answered=10, unknown=9), False, id="too few samples"),
    pytest.param(ERRORS, taps(8), False, id="nothing answered says nothing"),
    pytest.param(ERRORS, taps(8, answered=1000, s503=101), True, id="errors: refused though nothing was wrong"),
    pytest.param(ERRORS, taps(8, answered=1000, s429=900), False, id="errors: a client's limit is expected"),
    pytest.param(ERRORS, taps(8, answered=1000, s401=900), True, id="errors: more refused than probes"),
    pytest.param(
        ERRORS, [Reading(row.t_s, row.answered, 0, row.refused_by_status, probes=9000)
                 for row in taps(8, answered=1000, s401=900)], False, id="errors: probes are to be refused",
    ),
    pytest.param(ERRORS, taps(8, answered=1000, s409=900, early=900), False, id="errors: a door not open yet"),
    pytest.param(share("unknown_share"), taps(8, answered=1000, s503=900), False, id="unknown: a refusal is none"),
    pytest.param(share("unknown_share"), taps(8, answered=1000, unknown=101), True, id="unknown above"),
    pytest.param(share("refused_share"), taps(8, answered=1000, s429=101), True, id="refused for whatever reason"),
    pytest.param(share("refused_share"), taps(8, answered=1000, unknown=900), False, id="refused: unknown is none"),
    pytest.param(share("late_share"), lags(8, e10000=800, e20000=101), True, id="late by more than 10 ms"),
    pytest.param(share("late_share"), lags(8, e10000=900, e5000=101), False, id="in time, at the edge too"),
    pytest.param(DELAY, delays(0.1, 0.1, 5, 5, 5), True, id="money late in this window"),
    pytest.param(DELAY, delays(5, 5, 5, 0.1, 0.1, 0.1), False, id="money late before it"),
    pytest.param(DELAY, [*delays(5, 5, 5, 5), Reading(4.0, money=MoneySample(credit_delay={1.0: 0, float("inf"): 1}))],
                 False, id="a worker that began anew says nothing"),
    pytest.param(AGE, looks(61, 61, 61, of="oldest_age_s"), True, id="an old award"),
    pytest.param(AGE, looks(61, 59, 61, of="oldest_age_s"), False, id="an age that did not stay"),
    pytest.param(AGE, looks(None, None, None, of="oldest_age_s"), False, id="no data"),
    pytest.param(FEN, looks(0, -1, -1, of="imbalance_fen"), True, id="a fen short is a fen too many"),
    pytest.param(FEN, looks(0, 0, of="imbalance_fen"), False, id="balanced"),
    pytest.param(PENDING, looks(11, 11, 11, 11, 11, of="pending_awards"), True, id="a level over enough looks"),
    pytest.param(PENDING, looks(11, None, None, 11, of="pending_awards"), False, id="a level over too few looks"),
    pytest.param(LIVE, live(10, 10, 15, 15, 15), True, id="the public waits half as long again"),
    pytest.param(LIVE, live(10, 10, 11, 11, 11), False, id="the public waits a tenth more"),
    pytest.param(LIVE, live(15, 15, 15, base=None), False, id="nothing is known of before"),
    pytest.param(LIVE, live(15, 15, 15, base={0.01: 99.0, 0.02: 99.0, float("inf"): 99.0}), False,
                 id="hardly anybody won before"),
    pytest.param(LIVE, live(15, 15, 15, 15, wins=40), False, id="too few wins of the public"),
    pytest.param(LIVE, live(15, 15, 15, wins=0), False, id="nobody of the public"),
    pytest.param(LIVE, [*live(15, 15, 15), Reading(3.0, money=MoneySample(
        live_append={0.01: 1.0, 0.02: 2.0, float("inf"): 2.0}, live_baseline=USUAL))], False, id="a front began anew"),
    pytest.param(BALANCES, beside(taps(8, answered=1000, s503=101)), True, id="a journey's errors"),
    pytest.param(BALANCES, beside(taps(8, answered=1000, s503=100)), False, id="a journey's errors at the bound"),
    pytest.param(BALANCES, taps(8, answered=1000, s503=900), False, id="the taps' errors are not the journey's"),
    pytest.param(BALANCES, beside(taps(8, answered=1000, s503=900), "friends"), False, id="another journey's errors"),
    pytest.param(ERRORS, beside(taps(8, answered=1000, s503=900)), False, id="a journey's errors are not the taps'"),
    pytest.param(SLOW, beside(slow(5)), True, id="a journey's response"),
    pytest.param(SLOW, slow(5), False, id="the taps' response is not the journey's"),
    pytest.param(StopAboveCount(signal="backlog_entries", above=5), looks(6, 6, of="backlog_entries"), True,
                 id="backlog"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "rows", "fires"), CASES)
def test_rules(rule: StopRule, rows: Rows, fires: bool) -> None:
    rules = StopRules([rule])
    reasons = [rules.feed(row) for row in rows]
    assert (reasons[-1] is not None) is fires, reasons


def test_every_signal_a_plan_may_name_has_a_reader_and_a_case() -> None:
    named: dict[str, str] = {}
    for model in get_args(get_args(StopRule)[0]):
        if model is StopAboveQuery:
            continue  # a plan's own, not one of the signals
        unit = {"Share": "share", "Time": "time", "Age": "age", "Count": "count", "Factor": "factor"}[
            model.__name__[9:]
        ]
        named |= dict.fromkeys(get_args(model.model_fields["signal"].annotation), unit)
    assert named == {signal.name: signal.unit for signal in SIGNALS.values()}
    fired = {case.values[0].signal for case in CASES if case.values[2]} - {"promql"}
    assert fired | {"response_p99"} == named.keys()


@pytest.mark.parametrize("signal", ["oldest_award_age", "backlog_entries"])
def test_more_looks_than_a_window_has_are_refused(signal: str) -> None:
    model = StopAboveAge if signal == "oldest_award_age" else StopAboveCount
    above = "60s" if signal == "oldest_award_age" else 60
    model(signal=signal, above=above, window="5s", min_samples=5)  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="6 looks in 5 s"):
        model(signal=signal, above=above, window="5s", min_samples=6)  # type: ignore[arg-type]


def test_a_rule_that_nothing_is_told_for_is_known() -> None:
    rules = StopRules([ERRORS, AGE, FEN, DELAY, QUERY])
    for row in looks(None, None, None, of="oldest_age_s"):
        rules.feed(row)
    assert rules.blind() == ["credit_delay_p99", "imbalance_fen", "oldest_award_age", "sum(up)"]
    money = MoneySample(credit_delay={}, oldest_age_s=0.0, imbalance_fen=0)
    rules.feed(Reading(9.0, money=money, asked=QueryAnswers(9.0, {"sum(up)": 0.0})))
    assert rules.blind() == []


def test_a_percentile_is_of_the_window_alone() -> None:
    rules = StopRules([P99])
    slow_before = [Reading(float(t), answered=1000, response_us=((5_000_000, 1000),)) for t in range(3)]
    fast_now = [
        Reading(3.0 + t, answered=1000 + 500 * (t + 1), response_us=((2_000, 500 * (t + 1)), (5_000_000, 1000)))
        for t in range(3)
    ]
    assert [rules.feed(row) for row in slow_before + fast_now] == [None] * 6
    reason = rules.feed(Reading(6.0, answered=3500, response_us=((2_000, 1500), (5_000_000, 2000))))
    assert reason is not None
    assert reason.startswith("response_p99 5 above 1")


def test_a_window_is_full_with_readings_that_miss_its_edges() -> None:
    rule = StopAboveShare(signal="error_share", above="10%", window="1s", min_samples=100)
    rules = StopRules([rule])
    at = [0.0, 0.51, 1.03, 1.54, 2.06]  # half a second and a little: none lies within a window of one second but one
    reasons = [rules.feed(Reading(t, answered=round(1000 * t), unknown=round(500 * t))) for t in at]
    assert [reason is not None for reason in reasons] == [False, False, True, True, True]


def test_a_rule_on_a_signal_that_nobody_reads_is_refused_with_the_name_that_was_meant(tmp_path: Path) -> None:
    text = (Path(__file__).parents[4] / "plans" / "stress" / "smoke.yaml").read_text()
    file = tmp_path / "own.yaml"
    file.write_text(text.replace("signal: error_share", "signal: eror_share").replace("../", f"{HOME}/"))
    at = line_of(file, "eror_share")
    with pytest.raises(PlanError, match=rf"own\.yaml:{at}: .*eror_share.*did you mean.*error_share"):
        load_plan(file)


def test_a_signal_stands_once() -> None:
    first, second = (Piece(Path(name), ModuleType(name)) for name in ("a.py", "b.py"))
    for piece in (first, second):
        vars(piece.module)["SIGNAL"] = SIGNALS["error_share"]
    with pytest.raises(
        SettingsError, match=r"^b\.py:1: signal error_share stands in a\.py:1 as well; expected each name once$"
    ):
        table([first, second])


def test_a_file_is_all_that_a_signal_needs() -> None:
    """Each file of the folder is a signal of that name, and there is no other place that lists them."""
    folder = Path(signals.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} - {"__init__", "shape"} == SIGNALS.keys()


def test_a_rule_on_a_journey_says_so_and_one_that_nobody_played_is_blind() -> None:
    rules = StopRules([BALANCES])
    reasons = [rules.feed(row) for row in beside(taps(8, answered=1000, s503=101))]
    assert str(reasons[-1]).startswith("error_share of balances 0.101 above 0.1 over 5 s")
    assert rules.blind() == []
    unheard = StopRules([BALANCES])
    for row in taps(8, answered=1000):
        unheard.feed(row)
    assert unheard.blind() == ["error_share of balances"]


def test_a_public_of_which_nothing_is_known_leaves_its_rule_blind() -> None:
    rules = StopRules([LIVE])
    for row in live(15, 15, 15, wins=0):
        rules.feed(row)
    assert rules.blind() == ["live_p99"]
