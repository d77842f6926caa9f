"""After a stop: when a rule was kept again, by what, and that what nobody told is not known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.guard.recovery import still_told, stop_of
from harness.phrases import chinese
from harness.runs.state import MoneySample
from plans.models.stress import StopAboveCount, StopRule
from plans.signals import Reading
from plans.signals.shape import QueryAnswers
from tests.support.stop_rules import AGE, BALANCES, DELAY, ERRORS, FEN, LIVE, P99, QUERY, delays, live, looks

BACKLOG = StopAboveCount(signal="backlog_entries", above=10)
Rows = list[Reading]


def answers(*seconds: tuple[int, int, int], of: str | None = None) -> Rows:
    """Each second so many answers within a second, so many within two, and how many are in flight behind it."""
    rows, quick, slow = [], 0, 0
    for t, (fast, late, flying) in enumerate(seconds):
        quick, slow = quick + fast, slow + late
        one = Reading(
            float(t), answered=quick + slow, unknown=slow,
            response_us=((900_000, quick), (2_000_000, slow)), flying=flying,
        )  # fmt: skip
        rows.append(one if of is None else Reading(float(t), flying=flying, journeys={of: one}))
    return rows


def asked(*values: float | None) -> Rows:
    return [
        Reading(float(t), asked=QueryAnswers(float(t), {} if value is None else {QUERY.query: value}))
        for t, value in enumerate(values)
    ]


def drained(rows: Rows, backlog: int) -> Rows:
    return [replace(row, money=replace(row.money, backlog_entries=backlog)) for row in rows]  # type: ignore[type-var]


def waiting(rows: Rows, *pending: int | None) -> Rows:
    """Wins of the public that wait at each reading; one number: at every one."""
    each = pending if len(pending) == len(rows) else pending * len(rows)
    return [
        replace(row, money=replace(row.money, live_pending=count, at_s=row.t_s))  # type: ignore[type-var]
        for row, count in zip(rows, each, strict=True)
    ]


def nobody_wins(*pending: int | None) -> Rows:
    """After a slow second of the public nobody wins any more."""
    return waiting([replace(live(15.0)[0], t_s=float(t)) for t in range(len(pending))], *pending)


@pytest.mark.parametrize(
    ("rule", "readings", "recovered_s", "says"),
    [
        pytest.param(AGE, looks(70.0, 80.0, 60.0, of="oldest_age_s"), 2.0, "seen", id="a level, once it stands lower"),
        pytest.param(AGE, looks(70.0, None, 5.0, of="oldest_age_s"), 2.0, "seen", id="what is not told is not lower"),
        pytest.param(AGE, looks(70.0, 80.0, 90.0, of="oldest_age_s"), None, "unseen", id="a level that never falls"),
        pytest.param(
            AGE, [Reading(4.0, money=MoneySample(oldest_age_s=70.0, at_s=3.0)),
                  Reading(4.5, money=MoneySample(oldest_age_s=1.0, at_s=3.9))],
            None, "unseen", id="a sample of before the stop",
        ),
        pytest.param(BACKLOG, looks(11, 11, 10, of="backlog_entries"), 2.0, "seen", id="a count"),
        pytest.param(QUERY, asked(9.0, 9.0, None, -3.0), 3.0, "seen", id="what Prometheus tells"),
        pytest.param(P99, answers((0, 100, 50), (0, 40, 10), (10, 0, 0)), 2.0, "seen", id="answers that come in time"),
        pytest.param(P99, answers((0, 100, 50), (0, 40, 10), (0, 10, 0), (0, 0, 0)), 2.0, "idle", id="the last answer"),
        pytest.param(P99, answers((0, 100, 50), (0, 0, 50), (0, 0, 50)), None, "unseen", id="answers that never come"),
        pytest.param(ERRORS, answers((0, 100, 9), (0, 9, 9), (9, 0, 9)), 2.0, "seen", id="answers that are right"),
        pytest.param(
            BALANCES, answers((0, 100, 9), (0, 9, 9), (9, 0, 9), of="balances"), 2.0, "seen", id="of one journey",
        ),
        pytest.param(BALANCES, answers((0, 9, 9), (0, 9, 0)), None, "unseen", id="of one that nobody tells of"),
        pytest.param(DELAY, delays(10.0, 10.0, 1.0), 2.0, "seen", id="money that comes in time"),
        pytest.param(
            DELAY, drained([Reading(float(t), money=MoneySample(credit_delay={0.1: 1.0})) for t in range(2)], 0),
            1.0, "idle", id="no money on its way",
        ),
        pytest.param(
            DELAY, drained([Reading(float(t), money=MoneySample(credit_delay={0.1: 1.0})) for t in range(2)], 5),
            None, "unseen", id="money that hangs",
        ),
        pytest.param(LIVE, live(15.0, 15.0, 11.0), 2.0, "seen", id="the public's wins"),
        pytest.param(LIVE, live(15.0, 15.0, 15.0), None, "unseen", id="which still wait"),
        pytest.param(
            LIVE, [replace(live(15.0)[0], t_s=float(t)) for t in range(3)], None, "unseen", id="nobody wins any more",
        ),
        pytest.param(LIVE, nobody_wins(3, 2, 0), 2.0, "idle", id="the public stopped, and its last win was answered"),
        pytest.param(LIVE, nobody_wins(3, 2, 1), None, "unseen", id="the public stopped, and a win still waits"),
        pytest.param(
            LIVE, [replace(row, money=nobody_wins(0)[0].money) for row in nobody_wins(0, 0, 0)], None, "unseen",
            id="a sample of before the stop, read again",
        ),
        pytest.param(LIVE, nobody_wins(3, None, None), None, "unseen", id="the public stopped, and no front tells"),
        pytest.param(
            LIVE, waiting(live(15.0, 15.0, 15.0), 0), None, "unseen", id="slow wins, though none waits at that moment",
        ),
        pytest.param(P99, answers((0, 100, 50))[:1], None, "unseen", id="nothing was read any more"),
    ],
)  # fmt: skip
def test_when_a_rule_was_kept_again(rule: StopRule, readings: Rows, recovered_s: float | None, says: str) -> None:
    found = stop_of(rule, readings)
    assert (found.at_s, found.recovered_s, found.says) == (readings[0].t_s, recovered_s, f"recovered_{says}")
    assert found.signal in found.text
    assert chinese(found.says, found.data)


def test_who_goes_on_telling_after_a_stop() -> None:
    assert [still_told(rule) for rule in (AGE, BACKLOG, QUERY, DELAY, LIVE)] == [True] * 5
    assert [still_told(rule) for rule in (P99, ERRORS, BALANCES, FEN)] == [False] * 4
