"""Broken plans, each refused at its line with the word that helps; and all of them in one file, told in one go."""

from __future__ import annotations

from pathlib import Path

import pytest

from plans.models import PlanError, load_plan
from tests.support.plan_files import PLAN, line_of, spoil

SHOTS = {"tap", "wallet", "spend"}
RICH = """
rounds: [{}, {pause: 30s}]
workers: 2
traffic:
  - {shot: tap, share: 100%}
  - {shot: wallet, journey: balances, share: 20%, response_p99: 500ms}
  - {shot: spend, rate: 700/s}
"""
"""What the gala's plan leaves out."""

ERRORS = "- {signal: error_share, above: 10%, window: 5s, min_samples: 1_000}"

BROKEN = [
    pytest.param("lane: stress", "lane: stres", "lane:", "did you mean stress?", id="a lane's name"),
    pytest.param("lane: stress", "lane: both", "lane:", "one of live, stress", id="two lanes"),
    pytest.param("warm_up:", "warmup:", "warmup:", "did you mean warm_up?", id="a key's name"),
    pytest.param("id: gala-share", "id: Gala Share", "id:", "pattern", id="an id with a blank"),
    pytest.param("seed: 20160207", "seed: -1", "seed:", "greater than or equal to 0", id="a negative seed"),
    pytest.param("seed: 20160207", "seed: lucky", "seed:", "'lucky'", id="a seed in words"),
    pytest.param("seed: 20160207", "sede: 20160207", "sede:", "did you mean seed?", id="a seed misspelt"),
    pytest.param("{duration: 6s", "{duration: 6", "warm_up:", "60s, 5m or 200ms", id="a duration without a unit"),
    pytest.param("{duration: 6s", "{duration: 6sec", "warm_up:", "did you mean 6s?", id="a unit's other name"),
    pytest.param("{duration: 6s", "{duration: -6s", "warm_up:", "is not a duration", id="a negative duration"),
    pytest.param("{duration: 6s", "{duration: 25h", "warm_up:", "at most 24 hours", id="more than a day"),
    pytest.param("{duration: 6s", "{duration: 6s1m", "warm_up:", "from long to short", id="parts upside down"),
    pytest.param("share: 30%}", "share: 0%}", "warm_up:", "greater than 0", id="a warm-up of nothing"),
    pytest.param("share: 30%}", "share: 130%}", "warm_up:", "0% to 100%", id="more than all"),
    pytest.param("share: 30%}", "share: 30 percent}", "warm_up:", "did you mean 30%?", id="percent in words"),
    pytest.param("duration: 60s, release", "duration: 0s, release", "round:", "greater than 0", id="no round at all"),
    pytest.param("duration: 60s, release", "duration: 70s, release", "round:", "the forecast's round",
                 id="another round than the forecast's"),
    pytest.param("release: 95%", "release: 0%", "round:", "greater than 0", id="no time to release in"),
    pytest.param("opens: 5s", "opens: 90s", "round:", "after the last tap", id="a round that opens after the end"),
    pytest.param("duration: 15s", "duration: 18s", "steps:", "closes at 65 s", id="taps after the close"),
    pytest.param("kind: spike", "kind: spyke", "spyke", "did you mean spike?", id="a kind of step"),
    pytest.param("kind: spike, ", "", "base: 50%", "kind` is missing", id="a step without a kind"),
    pytest.param("hold: 20s", "hodl: 20s", "hodl", "did you mean hold?", id="a step's key"),
    pytest.param("hold: 20s", "hold: 0s", "hold: 0s", "greater than 0", id="a peak of no length"),
    pytest.param("base: 50%", "base: 7/s", "base: 7/s", "25%", id="a rate where a share belongs"),
    pytest.param("to: 60%, duration: 10s", "to: 60%", "to: 60%}", "duration` is missing", id="a ramp without a time"),
    pytest.param("duration: 15s", "duration: 0s", "duration: 0s", "greater than 0", id="a step of no length"),
    pytest.param("arrivals: poisson", "arrivals: poison", "poison}", "did you mean poisson?", id="arrivals"),
    pytest.param("forged: 1_200", "forged: 1,200", "probes:", "unknown key `probes.200`", id="a count with a comma"),
    pytest.param("forged: 1_200", "forged: -5", "probes:", "whole number", id="fewer than none"),
    pytest.param("forged: 1_200", "forged: 1.5", "probes:", "whole number", id="half a probe"),
    pytest.param("forged: 1_200", "forgd: 1_200", "probes:", "did you mean forged?", id="a probe's name"),
    pytest.param("signal: error_share", "signal: eror_share", "eror_share", "did you mean error_share?",
                 id="a stop rule on nothing"),
    pytest.param("above: 10%", "above: 10s", "above: 10s", "25%", id="a time as a share"),
    pytest.param("above: 5s", "above: 5", "above: 5,", "60s, 5m or 200ms", id="a bound without a unit"),
    pytest.param("window: 5s, min_samples: 1_000}", "window: 0s, min_samples: 1_000}", "window: 0s", "greater than 0",
                 id="a window of no length"),
    pytest.param("min_samples: 1_000", "min_samples: 0", "min_samples: 0", "greater than or equal to 1",
                 id="a rule that needs no sample"),
    pytest.param("min_samples: 1}", "min_samples: 9}", "min_samples: 9", "at most 5",
                 id="more looks than a window has"),
    pytest.param(ERRORS, "- eror share > 10% in 5s", "- eror", "did you mean error_share?", id="a sentence on nothing"),
    pytest.param(ERRORS, "- errors < 10% in 5s", "- errors", "is not a stop rule", id="below a bound"),
    pytest.param(ERRORS, "- errors", "- errors", "is not a stop rule", id="a sentence without a bound"),
    pytest.param(ERRORS, "- errors != 0 in 5s", "- errors", "only a count", id="a share that is not 0"),
    pytest.param(ERRORS, "- residue != 5", "- residue", "only a count", id="a count that is not 5"),
    pytest.param(ERRORS, "- errors > 10s in 5s", "- errors", "25%", id="a time as a share, in a sentence"),
    pytest.param(ERRORS, "- errors > 10%", "- errors", "window` is missing", id="a sentence without a window"),
    pytest.param(ERRORS, "- response p99 > 50 for 3s", "- response", "60s, 5m or 200ms", id="a bare bound"),
    pytest.param(ERRORS, "- {signal: promql, above: 3}", "- {signal: promql", "query` is missing", id="no query"),
    pytest.param(ERRORS, "- {signal: promql, query: '', above: 3}", "- {signal: promql", "at least 1", id="no words"),
    pytest.param(ERRORS, "- {signal: promql, query: up, above: much}", "- {signal: promql", "'much'", id="much"),
    pytest.param(ERRORS, "- errors of balancs > 10% in 5s", "- errors", "did you mean balances?",
                 id="a stop rule on an unknown journey"),
    pytest.param(ERRORS, "- {signal: response_p99, journey: wallets, above: 50ms, window: 3s}",
                 "- {signal: response_p99", "balances", id="a stop rule on a shot's name"),
    pytest.param(ERRORS, "- live p99 > 1.2 for 5s", "- live", "1.2x", id="a multiple without its x"),
    pytest.param(ERRORS, "- errors > 110% in 5s", "- errors", "0% to 100%", id="more errors than answers"),
    pytest.param(ERRORS, "- errors > -1% in 5s", "- errors", "25%", id="fewer errors than none"),
    pytest.param("answers: 5s", "answers: 0s", "drain:", "greater than 0", id="a drain that waits for nothing"),
    pytest.param("credits: 60s", "credits: 60", "drain:", "60s, 5m or 200ms", id="a drain without a unit"),
    pytest.param(", close: 60s", "", "drain:", "close` is missing", id="a close that is not waited for"),
    pytest.param("response_p99: 100ms", "response_p99: 1ms", "objectives:", "already lost", id="a lost promise"),
    pytest.param("objectives: {response_p99: 100ms, ", "objectives: {", "objectives:", "response_p99` is missing",
                 id="no objective"),
    pytest.param("errors: 0", "errors: none", "objectives:", "whole number", id="errors in words"),
    pytest.param("gala-share.yaml", "gala-shar.yaml", "forecast:", "did you mean gala-share.yaml?", id="no forecast"),
    pytest.param("rounds: [{}, {pause: 30s}]", "rounds: 9", "rounds:", "1 to 8", id="too many rounds"),
    pytest.param("rounds: [{}, {pause", "rounds: [{}, {pasue", "rounds:", "did you mean pause?", id="a pause's name"),
    pytest.param("rounds: [{}, {pause: 30s}]", "rounds: [{pause: 30s}]", "rounds:", "first round has a pause",
                 id="a pause before everything"),
    pytest.param("workers: 2", "workers: 0", "workers:", "greater than or equal to 1", id="no workers"),
    pytest.param("workers: 2", "workers: 2.5", "workers:", "2.5", id="half a worker"),
    pytest.param("shot: wallet", "shot: walet", "walet", "did you mean wallet?", id="a shot that nobody knows"),
    pytest.param("{shot: tap, share: 100%}", "{shot: tap, share: 90%}", "shot: tap", "another rate",
                 id="other taps than the steps'"),
    pytest.param("rate: 700/s", "rate: 700", "shot: spend", "7/s or 400/m", id="a rate without a time"),
    pytest.param("rate: 700/s", "rate: 700rps", "shot: spend", "did you mean 700/s?", id="a rate in slang"),
    pytest.param("rate: 700/s", "rate: 0/s", "shot: spend", "greater than 0", id="a journey without requests"),
    pytest.param("rate: 700/s", "rate: -7/s", "shot: spend", "is not a rate", id="a negative rate"),
    pytest.param("rate: 700/s", "rate: 700/s, share: 3%", "shot: spend", "share and rate", id="a share and a rate"),
    pytest.param("rate: 700/s", "share: -3%", "shot: spend", "25%", id="a negative share of the taps"),
    pytest.param("response_p99: 500ms", "response_p99: 0ms", "shot: wallet", "greater than 0", id="promised at once"),
    pytest.param("{shot: tap, share: 100%}", "{shot: wallet, share: 100%}", "traffic:", "tap", id="nobody taps"),
    pytest.param("workers: 2", "workers: 99", "workers:", "less than or equal to 8", id="too many workers"),
    pytest.param("shot: spend", "shot: wallet, journey: balances", "rate: 700", "balances stands twice",
                 id="users of two journeys under one name"),
]  # fmt: skip


@pytest.fixture
def plan(files: Path) -> Path:
    """A plan that uses every key."""
    file = files / "stress" / PLAN.name
    file.write_text(file.read_text(encoding="utf-8") + RICH, encoding="utf-8")
    return file


def test_the_unbroken_one_is_good(plan: Path) -> None:
    assert load_plan(plan, SHOTS).plan.workers == 2
    assert len(BROKEN) >= 50


@pytest.mark.parametrize(("old", "new", "words", "says"), BROKEN)
def test_a_broken_plan_is_refused_at_its_line_with_the_right_word(
    plan: Path, old: str, new: str, words: str, says: str
) -> None:
    spoil(plan, (old, new))
    with pytest.raises(PlanError) as caught:
        load_plan(plan, SHOTS)
    start = f"{plan}:{line_of(plan, words)}: "
    told = [str(problem) for problem in caught.value.problems]
    assert any(one.startswith(start) and says in one for one in told), (start, told)
    assert caught.value.exit_code == 2
