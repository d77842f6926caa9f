"""A stop rule that is one sentence means what the rule with the same keys means."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from plans.models import PlanError, load_plan
from plans.models.home import HOME
from plans.models.stop_sentence import as_rule
from plans.models.stress import StopAboveShare, StopAboveTime
from plans.signals import SIGNALS
from tests.support.plan_files import PLAN, line_of, spoil

MEANS = {
    "response p99 > 50ms for 3s": {"signal": "response_p99", "above": "50ms", "window": "3s"},
    "response_p99 > 50ms over 3s": {"signal": "response_p99", "above": "50ms", "window": "3s"},
    "errors > 0.1% in 5s": {"signal": "error_share", "above": "0.1%", "window": "5s"},
    "  Errors>0.1%   in 5s with 1_000 samples": {
        "signal": "error_share", "above": "0.1%", "window": "5s", "min_samples": 1000
    },
    "credit delay p99 > 5s in 10s": {"signal": "credit_delay_p99", "above": "5s", "window": "10s"},
    "backlog > 20_000": {"signal": "backlog_entries", "above": 20_000},
    "live p99 > 1.2x baseline for 5s": {"signal": "live_p99", "above": "1.2x", "window": "5s"},
    "errors of balances > 0.1% in 5s": {
        "signal": "error_share", "journey": "balances", "above": "0.1%", "window": "5s"
    },
    "response p99 of winner-looks > 50ms for 3s": {
        "signal": "response_p99", "journey": "winner-looks", "above": "50ms", "window": "3s"
    },
    "residue != 0": {"signal": "imbalance_fen", "above": 0},
}  # fmt: skip


@pytest.mark.parametrize("sentence", MEANS)
def test_a_sentence_is_its_keys(sentence: str) -> None:
    assert as_rule(sentence) == MEANS[sentence]


def test_every_signal_can_be_named() -> None:
    for name, signal in SIGNALS.items():
        for spoken in (name, name.replace("_", " "), *signal.spoken):
            assert as_rule(f"{spoken} > 1")["signal"] == name


def test_a_plan_reads_both_alike(files: Path) -> None:
    file = files / "stress" / PLAN.name
    before = load_plan(file).plan.stop
    spoil(file, ("- {signal: error_share, above: 10%, window: 5s, min_samples: 1_000}",
                 "- errors > 10% in 5s with 1_000 samples"))  # fmt: skip
    assert load_plan(file).plan.stop == before
    assert "errors" in file.read_text(encoding="utf-8")


BALANCE = HOME / "stress" / "balance.yaml"
RULE = "- {signal: response_p99, above: 5s, window: 5s, min_samples: 1_000}"
BAD = {
    "errors of balancs > 1% in 5s": ("no journey `balancs`", "did you mean balances?"),
    "errors of wallet > 1% in 5s": ("no journey `wallet`", "one of balances, tap"),
    "late of balances > 1% in 5s": ("late_share of one journey", "response_p99"),
    "backlog of balances > 5": ("unknown key `stop[2].backlog_entries.journey`", ""),
    "live p99 > 1.2 for 5s": ("is not a multiple", "1.2x"),
    "live p99 > 20% baseline for 5s": ("is not a multiple", "1.2x"),
    "live p99 > 1x baseline for 5s": ("", "greater than 1"),
    "live p99 > 1.2x baseline": ("`stop[2].live_p99.window` is missing", ""),
    "response p99 > 1.2x baseline for 5s": ("is not a duration", "60s"),
    "live p98 > 1.2x baseline for 5s": ("no signal `live p98`", "did you mean live_p99?"),
}


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A copy of the project's plans, with all that they name."""
    for folder in ("stress", "forecasts", "journeys"):
        shutil.copytree(HOME / folder, tmp_path / folder)
    return tmp_path


@pytest.mark.parametrize("sentence", BAD)
def test_a_wrong_sentence_is_refused_with_its_line_and_the_right_word(library: Path, sentence: str) -> None:
    file = library / "stress" / BALANCE.name
    spoil(file, (RULE, f'- "{sentence}"'))
    with pytest.raises(PlanError) as caught:
        load_plan(file)
    (problem,) = caught.value.problems
    assert problem.line == line_of(file, sentence)
    for words in BAD[sentence]:
        assert words in str(problem)


@pytest.mark.parametrize("sentence", ["errors of balances > 1% in 5s", "response p99 of tap > 1s in 5s"])
def test_a_rule_on_a_journey_of_the_plan_is_read(library: Path, sentence: str) -> None:
    file = library / "stress" / BALANCE.name
    spoil(file, (RULE, f'- "{sentence}"'))
    rule = load_plan(file).plan.stop[1]
    assert isinstance(rule, StopAboveShare | StopAboveTime)
    assert rule.journey == sentence.split()[-5]


def test_a_journey_may_come_from_a_file_that_the_plan_names(library: Path) -> None:
    file = library / "stress" / "full-link.yaml"
    names = [one.name for one in load_plan(file).plan.beside]
    spoil(file, ("stop:\n", f"stop:\n  - errors of {names[-1]} > 50% in 5s\n"))
    rule = load_plan(file).plan.stop[0]
    assert isinstance(rule, StopAboveShare)
    assert rule.journey == names[-1]
