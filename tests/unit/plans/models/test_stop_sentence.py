"""A stop rule that is one sentence means what the rule with the same keys means."""

from __future__ import annotations

from pathlib import Path

import pytest

from plans.models import load_plan
from plans.models.stop_sentence import as_rule
from plans.signals import SIGNALS
from tests.support.plan_files import PLAN, spoil

MEANS = {
    "response p99 > 50ms for 3s": {"signal": "response_p99", "above": "50ms", "window": "3s"},
    "response_p99 > 50ms over 3s": {"signal": "response_p99", "above": "50ms", "window": "3s"},
    "errors > 0.1% in 5s": {"signal": "error_share", "above": "0.1%", "window": "5s"},
    "  Errors>0.1%   in 5s with 1_000 samples": {
        "signal": "error_share", "above": "0.1%", "window": "5s", "min_samples": 1000
    },
    "credit delay p99 > 5s in 10s": {"signal": "credit_delay_p99", "above": "5s", "window": "10s"},
    "backlog > 20_000": {"signal": "backlog_entries", "above": 20_000},
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
