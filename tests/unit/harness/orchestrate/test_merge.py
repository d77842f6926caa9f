"""Accounts of several workers and rounds come to one by value: counts and histograms are added, nothing is averaged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.engine.histogram import Histogram
from harness.orchestrate.cannon_reports import CannonReports
from harness.orchestrate.merge import one_after_the_other, side_by_side
from harness.runs.state import RunState
from harness.watch.live import percentile_ms
from plans.models.stress import StopAboveShare, StopAboveTime
from tests.support.sample_run import sample_lock

FAST, SLOW = [1_000] * 900, [100_000] * 100
"""Response times in µs, of 900 and of 100 taps."""


def histogram(times_us: list[int]) -> Histogram:
    found = Histogram()
    found.record_us(np.array(times_us, np.int64))
    return found


def account(times_us: list[int], unknown: int = 0, stop: str | None = None) -> dict[str, Any]:
    """Of a cannon that fired all its taps within one measured second."""
    count, times = len(times_us), histogram(times_us)
    counts = {"scheduled": count, "sent": count, "dropped": 0, "unsent": 0, "refused_by_status": {"429": 3}}
    counts |= {"outcomes": {"lose": count - unknown, "unknown": unknown, "win": 0, "repeat": 0, "refused": 0}}
    row = {"second": 0, "scheduled": count, "sent": count, "dropped": 0, "win": 0, "refused": 0, "unknown": unknown}
    buckets = {name: times.to_json() for name in ("response", "service", "lag")}
    percentiles = {name: times.percentile_ms(99) for name in ("response_p99_ms", "service_p99_ms", "lag_p99_ms")}
    names = ("response", "service", "lag", "queued", "good_response", "good_service")
    load = counts | {"residues": {"a": 0}, "measured": {**counts, "seconds": 1.0}, "users": 50, "kinds": {"tap": count}}
    load |= {"offered_rps": count, "achieved_rps": count, "good_rps": count - unknown}
    return {
        "start_ns": 10, "stopped_early": stop is not None, "journey": "tap", "shot": "tap", "load": load,
        "latency_ms": {}, "mean_ms": {}, "seconds": [row | percentiles | {"buckets": buckets}],
        "generator": {"valid": unknown == 0, "reasons": [], "said": [], "cpu_max": count / 1000, "late": 2,
                      "steal": None if unknown else 0.02, "steal_max": None if unknown else 0.4,
                      "seconds": 1, "bad_seconds": 0},
        "histograms": {name: times.to_json() for name in names},
        "clumps": {name: {"p50": 1.0 + unknown} for name in ("response", "service", "queued")},
        "beside": [], "stop": stop, "connections": 5, "awards": 1,
        "surprises": 1 + unknown, "tickets": [f"ticket {count}"],
        "resources": {"cpu_s": 1.5, "rss_mib_max": count},
    }  # fmt: skip


def test_one_account_stays_as_it_is() -> None:
    alone = account(FAST)
    assert side_by_side([alone]) is alone
    assert one_after_the_other([(0.0, alone)]) is alone


def test_two_workers_are_one_generator() -> None:
    both = side_by_side([account(FAST), account(SLOW, unknown=7, stop="stop")])
    load = both["load"]
    assert (load["scheduled"], load["sent"], load["users"], both["connections"]) == (1000, 1000, 100, 10)
    assert (load["outcomes"]["lose"], load["outcomes"]["unknown"], load["refused_by_status"]) == (993, 7, {"429": 6})
    assert (load["offered_rps"], load["good_rps"], load["measured"]["seconds"]) == (1000, 993, 1.0)
    # A tenth of all taps took 100 ms: the mean of the two 99th percentiles would be 50.5, that of the medians 50.5 too.
    assert both["latency_ms"]["response"]["p50"] == 1.0
    assert both["latency_ms"]["response"]["p99"] == 100.0
    assert both["seconds"][0]["response_p50_ms"] == 1.0
    assert both["seconds"][0]["response_p99_ms"] == both["seconds"][0]["lag_p99_ms"] == 100.0
    assert (both["seconds"][0]["sent"], both["seconds"][0]["unknown"]) == (1000, 7)
    generator = both["generator"]
    assert (generator["valid"], generator["cpu_max"], generator["late"]) == (False, 0.9, 4)
    assert (generator["steal"], generator["steal_max"]) == (0.02, 0.4), "of the one that tells"
    assert (both["stop"], both["stopped_early"]) == ("stop", True)
    assert both["clumps"]["response"]["p50"] == 8.0, "the most clumped: bounds may be too wide, never too narrow"
    assert (both["surprises"], both["tickets"]) == (9, ["ticket 900", "ticket 100"])
    assert both["resources"] == {"cpu_s": 3.0, "rss_mib_max": 900}


def test_two_rounds_are_one_run() -> None:
    both = one_after_the_other([(0.0, account(FAST)), (21.999, account(SLOW))])
    load = both["load"]
    assert (load["scheduled"], load["users"], both["connections"]) == (1000, 50, 5), "the same users play both"
    assert (load["measured"]["seconds"], load["offered_rps"]) == (2.0, 500)
    assert [row["second"] for row in both["seconds"]] == [0, 22]
    assert both["latency_ms"]["response"]["p99"] == 100.0


def counts(at_s: float, answered: int, unknown: int, p99_us: int, lag_ms: float = 0.1) -> dict[str, Any]:
    return {
        "event": "counts", "at_ns": int(at_s * 1e9), "answered": answered, "reached": answered, "sent": answered,
        "outcomes": {"lose": answered - unknown, "unknown": unknown}, "refused_by_status": {}, "lag_p99_ms": lag_ms,
        "lag_us": [[100, answered]], "response_us": [[p99_us, answered]],
    }  # fmt: skip


def hearing(*rules: Any) -> tuple[CannonReports, RunState]:
    _, plan = sample_lock().models()
    state = RunState("r", "smoke", "stress", "1", "", 5.0)
    state.rounds = 2
    return CannonReports(state, plan.model_copy(update={"stop": rules}), lambda kind, text: None), state


@pytest.mark.parametrize(("unknown", "stops"), [(100, False), (140, True)])
def test_a_stop_rule_sees_the_sum_of_two_workers(unknown: int, stops: bool) -> None:
    """Of 900 and 100 taps a second: 100 of all 1000 is at the bound, though it is all that the second worker has."""
    rule = StopAboveShare(signal="unknown_share", above="10%", window="2s", min_samples=100)
    mine, state = hearing(rule)
    said: list[str | None] = []
    for second in range(1, 6):
        state.now_s = float(second)
        said.append(mine.take(0, counts(second, 900 * second, 0, 1_000)))
        said.append(mine.take(1, counts(second, 100 * second, min(100, unknown) * second, 100_000, lag_ms=700.0)))
        if unknown > 100:
            said.append(mine.take(0, counts(second + 0.1, 900 * second, 40 * second, 1_000)))
    assert any(said) is stops, said
    assert state.saturated, "the later of the two tells how late the generator is"


def test_live_figures_of_two_workers_are_sums() -> None:
    mine, state = hearing(StopAboveTime(signal="response_p99", above="50ms", window="2s", min_samples=100))
    said = []
    for second in range(1, 5):
        state.now_s = float(second)
        said += [mine.take(0, counts(second, 900 * second, 0, 1_000)),
                 mine.take(1, counts(second, 100 * second, 0, 100_000))]  # fmt: skip
    assert (state.rate_rps, state.planned_rps, state.total("sent")) == (1000.0, 1000.0, 4000)
    assert (percentile_ms(state, 50), percentile_ms(state, 99)) == (1.0, 100.0)
    assert any(said), "a tenth of all answers took 100 ms"


def test_a_second_round_begins_where_the_first_ended() -> None:
    mine, state = hearing(StopAboveShare(signal="unknown_share", above="10%", window="2s", min_samples=100))
    state.now_s = 5.0
    mine.take(0, counts(5, 1000, 3, 1_000))
    state.round, state.begins_s, state.now_s = 2, 20.0, 21.0
    assert mine.take(0, counts(21, 10, 1, 1_000)) is None, "what the first round counted is no loss of the second"
    assert (state.total("sent"), state.outcome("unknown"), state.rate_rps) == (1010, 4, None)


def test_workers_that_played_other_windows_are_told_apart() -> None:
    def played(*versions: int) -> dict[str, Any]:
        windows = [{"version": number, "at_ns": number, "segments": [[{"rate_rps": number}]]} for number in versions]
        return account(FAST) | {"rate_versions": windows}

    assert side_by_side([played(1, 2), played(1, 2)])["plans_differ"] is False
    assert side_by_side([played(1, 2), played(1)])["plans_differ"] is True
    by_hand = account(FAST) | {"rate_versions": [{"version": 1, "at_ns": 5, "segments": [{"rate_rps": 7}]}]}
    assert side_by_side([by_hand, account(FAST)])["plans_differ"] is False, "moments differ by what clocks do"


def test_a_rule_on_a_journey_sees_that_journey_over_all_workers() -> None:
    mine, state = hearing(StopAboveTime(signal="response_p99", journey="balances", above="50ms", window="2s"))
    said: list[str | None] = []
    for second in range(1, 6):
        state.now_s = float(second)
        for worker, p99_us in ((0, 1_000), (1, 100_000)):
            beside = counts(second, 500 * second, 0, p99_us) | {"journey": "balances"}
            taps = counts(second, 900 * second, 0, 1_000) | {"journey": "tap", "beside": [beside]}
            said.append(mine.take(worker, taps))
    assert any(said), "half of the balances took 100 ms"
    assert mine.reading is not None
    assert mine.reading.journeys.keys() == {"tap", "balances"}
    assert mine.reading.journeys["balances"].answered == 5_000
    assert mine.reading.answered == 9_000, "a read of a balance is no tap"
    fine, state = hearing(StopAboveTime(signal="response_p99", journey="tap", above="50ms", window="2s"))
    for second in range(1, 6):
        state.now_s = float(second)
        assert fine.take(0, taps) is None
