"""From accounts and books to figures: probes are no errors, percentiles of too few are bounded, drains are found."""

from __future__ import annotations

from typing import Any

import pytest

from harness.forecast import share_of
from harness.orchestrate import figures
from harness.runs.record import Money as RecordMoney
from harness.runs.record import Wins
from harness.runs.state import MoneySample
from plans.models import load_plan
from plans.models.steps import Replay
from system.contract.audit import AuditReport, Finding, RoundBooks
from tests.support.plan_files import PLAN
from tests.support.sample_run import record as sample_record


def account(**refused: int) -> dict[str, Any]:
    """A cannon's account with so many measured refusals by status (`s429=…`)."""
    by_status = {status[1:]: count for status, count in refused.items()}
    return {
        "load": {"measured": {"sent": 1000, "outcomes": {"unknown": 2}, "refused_by_status": by_status}},
        "seconds": [
            {"second": n, "scheduled": s, "sent": s, "unknown": u}
            for n, (s, u) in enumerate([(100, 0), (990, 0), (1000, 10), (1000, 0), (400, 0)])
        ],
    }


@pytest.mark.parametrize(
    ("refused", "errors"),
    [
        pytest.param({"s429": 50}, 2, id="the limit's refusals are planned"),
        pytest.param({"s401": 30}, 2, id="as many bad tokens as probes"),
        pytest.param({"s401": 31}, 3, id="one more than there were probes"),
        pytest.param({"s503": 5, "s410": 1}, 8, id="refusals nobody planned"),
    ],
)
def test_errors(refused: dict[str, int], errors: int) -> None:
    assert figures.errors_of(account(**refused), probes=30) == errors


def test_a_plan_that_never_stays_at_its_peak_is_looked_at_in_its_busiest_second() -> None:
    loaded = load_plan(PLAN)
    plan = loaded.plan
    share = share_of(loaded.forecast, plan, loaded.forecast.scale)
    assert figures.held_rps(plan, share) == pytest.approx(share.peak_rps)
    recorded = {"file": "x.csv", "points": [[0, 0.0], [29, 1.0], [58, 0.0]]}
    replay = Replay.model_validate({"kind": "replay", "recording": recorded}, context={"parsed": True})
    pointed = plan.model_copy(update={"steps": (replay,)})
    assert figures.held_rps(pointed, share) == pytest.approx(share.peak_rps * (1 - 0.5 / 29))


def test_the_peak_is_where_the_plan_stands_at_it() -> None:
    assert figures.peak_rates(account(), 1000, first_s=0) == (pytest.approx(2990 / 3), pytest.approx(2980 / 3))
    assert figures.peak_rates(account(), 5000, first_s=0) == (None, None)


@pytest.mark.parametrize(
    ("block", "shown"),
    [
        pytest.param({"p99": 3.0, "max": 9.0}, 3.0, id="enough samples"),
        pytest.param({"p99": None, "max": 9.0}, 9.0, id="too few: no more than the largest"),
        pytest.param({"p99": None, "max": None}, None, id="none: not known"),
    ],
)
def test_p99_or_more(block: dict[str, float | None], shown: float | None) -> None:
    assert figures.p99_or_more(block) == shown


def test_drain_is_the_first_empty_sample_after_the_end() -> None:
    samples = [
        (9.0, MoneySample(backlog_entries=0)),
        (10.5, MoneySample(backlog_entries=3)),
        (11.5, MoneySample(backlog_entries=0)),
    ]
    assert figures.drain_of(samples, 10.0) == 1.5
    assert figures.drain_of([(11.0, MoneySample())], 10.0) is None


def test_a_closed_rounds_money_is_the_books_and_no_longer_a_counters() -> None:
    """A front that began anew took its counter with it: what it awarded is unknown until the audit has read the log."""
    sampled = MoneySample(credited_fen=5, suspense_fen=0, budget_fen=10, awarded_fen=None, issued_packets=3, postings=2)
    wins, money = (
        Wins(seen=4, logged=4, posted=3),
        RecordMoney(budget_fen=10, awarded_fen=9, credited_fen=6, suspense_fen=3, refunded_fen=1, residue_fen=0),
    )
    assert figures.money_at_close(sampled, sample_record(money=money, wins=wins)) == MoneySample(
        credited_fen=9, suspense_fen=3, budget_fen=10, awarded_fen=9, issued_packets=4, postings=2
    )
    assert figures.money_at_close(sampled, sample_record(money=RecordMoney(), wins=Wins(seen=4))) == sampled


def books(logged: int, posted: int) -> RoundBooks:
    return RoundBooks(
        round=1, lane="live", state="closed", budget_fen=10, awarded_fen=10, credited_fen=10, suspense_fen=0,
        refunded_fen=0, residue_fen=0, wins_logged=logged, wins_posted=posted, wins_suspended=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "logged", "posted", "violations", "residue"),
    [
        pytest.param(5, 5, 5, 0, 0, id="all the same"),
        pytest.param(5, 6, 6, 0, 1, id="one nobody saw"),
        pytest.param(5, 5, 4, 0, 1, id="one not posted"),
        pytest.param(5, 3, 5, 0, 0, id="posted, and only then lost by the store"),
        pytest.param(4, 3, 5, 0, 1, id="lost by the store, and one nobody saw"),
        pytest.param(5, 5, 5, 2, 2, id="counts agree, sets do not"),
    ],
)
def test_wins_residue(seen: int, logged: int, posted: int, violations: int, residue: int) -> None:
    finding = Finding(code="S4", says="", valid=violations == 0, counted=5, violations=violations)
    report = AuditReport(lane="live", rounds=(books(logged, posted),), findings=(finding,), valid=violations == 0)
    assert figures.wins_of(seen, report.rounds[0], figures.wins_apart(report)).residue == residue


def test_without_books_nothing_is_known() -> None:
    assert figures.money_of(None).residue_fen is None
    assert figures.wins_of(3, None, 0).residue is None
