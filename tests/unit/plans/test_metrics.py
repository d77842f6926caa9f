"""The catalogue of the harness's metrics."""

from __future__ import annotations

import re

from plans.metrics import METRICS
from system.contract.metrics import METRICS as SYSTEM


def test_names_are_unique_and_follow_the_rules():
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    assert not set(names) & {metric.name for metric in SYSTEM}
    for metric in METRICS:
        assert re.fullmatch(r"drill_[a-z0-9_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert metric.help.endswith(".")
        assert (metric.kind == "histogram") == bool(metric.buckets), metric.name
        assert not metric.name.endswith(("_ms", "_pct"))


def test_a_run_s_id_stands_only_where_it_may():
    carriers = {metric.name for metric in METRICS if "run_id" in metric.labels}
    assert carriers == {
        "drill_run_info", "drill_forecast_target", "drill_forecast_actual", "drill_verdict_state", "drill_money_fen",
        "drill_won_packets", "drill_run_verdict", "drill_invariant_state", "drill_sponsor_info",
    }  # fmt: skip
    assert not any(label in metric.labels for metric in METRICS for label in ("user", "uid", "packet"))
