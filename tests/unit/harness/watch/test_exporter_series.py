"""Exporter against catalogue, by value; the live view's plain line."""

from __future__ import annotations

from harness.forecast import judge
from harness.phrases import sentence
from harness.runs.state import MoneySample, RunState
from harness.watch.exporter import RunCollector, buckets_of
from harness.watch.live import plain
from plans.metrics import METRICS
from tests.support.sample_run import sample_lock

COUNTS = {
    "reached": 12, "sent": 11, "dropped": 1, "answered": 10, "outcomes": {"win": 2, "lose": 7, "unknown": 1},
    "response_us": [[900, 6], [1100, 4]], "response_sum_us": 10_000, "service_us": [[900, 10]], "service_sum_us": 9000,
    "lag_us": [[10, 12]], "lag_sum_us": 120, "response_p99_ms": 1.1,
}  # fmt: skip


def state() -> RunState:
    sealed = sample_lock()
    actuals = {target.indicator: target.expected for target in sealed.targets}
    return RunState(
        run_id="r", plan="p", lane="stress", scale="1", forecast_sha256=sealed.sha256, duration_s=9.0,
        targets=sealed.targets, phase="measured", counts={0: COUNTS, 1: COUNTS}, users=5, generator_cpu=0.5,
        money=MoneySample(credited_fen=150, budget_fen=300, issued_packets=7, backlog_entries=3),
        judged=tuple(judge(sealed, actuals)),
    )  # fmt: skip


def test_each_family_of_a_run_has_exactly_the_labels_declared() -> None:
    going = state()
    cut = {"title_en": "cut off", "title_zh": "被切断"}
    going.tell("fault_injected", sentence("fault_injected", fault="n15", target="credit-postgres", **cut))
    families = {family.name: family for family in RunCollector(going, "sha").collect()}
    for metric in (one for one in METRICS if "run" in one.process):
        family = families.pop(metric.name.removesuffix("_total"))
        assert family.type == metric.kind
        assert family.samples, metric.name
        assert {frozenset(sample.labels) - {"le"} for sample in family.samples} == {frozenset(metric.labels)}
    assert families == {}


def test_values() -> None:
    found = {
        (s.name, *sorted(s.labels.values())): s.value for f in RunCollector(state(), "").collect() for s in f.samples
    }
    assert found["drill_requests_planned_total", "stress"] == 24
    assert found["drill_requests_total", "stress", "win"] == 4
    assert found["drill_requests_total", "pending", "stress"] == 0
    assert found["drill_client_response_seconds_count", "stress"] == 20
    assert found["drill_client_response_seconds_sum", "stress"] == 0.02
    assert found["drill_phase", "measured"] == 1
    assert found["drill_phase", "drain"] == 0


def test_a_fault_is_there_from_its_event_to_the_heal() -> None:
    going = state()

    def seen() -> dict[tuple[str, str], float]:
        families = {family.name: family for family in RunCollector(going, "").collect()}
        samples = families["drill_chaos_active"].samples
        return {(sample.labels["experiment"], sample.labels["target"]): sample.value for sample in samples}

    assert seen() == {}, "nothing was injected, so there is nothing to call healthy"
    cut = {"title_en": "the credit worker is cut off: at once", "title_zh": "被切断"}
    going.tell("fault_injected", sentence("fault_injected", fault="n15-link-cut", target="credit-postgres", **cut))
    assert seen() == {("n15-link-cut", "credit-postgres"): 1}
    going.tell("effect_seen", "it is")
    going.tell("not_healed", "the proxy does not answer")
    assert seen() == {("n15-link-cut", "credit-postgres"): 1}
    going.tell("healed", "proxy")
    assert seen() == {("n15-link-cut", "credit-postgres"): 0}


def test_of_two_faults_the_one_that_is_named_is_healed() -> None:
    going = state()
    for target in ("valkey-0", "postgres"):
        going.tell(
            "fault_injected", sentence("fault_injected", fault="n1", target=target, title_en="on x: y", title_zh="")
        )
    going.tell("healed", sentence("healed", detail="killed on postgres: back", fault="n1", target="valkey-0"))
    (family,) = (one for one in RunCollector(going, "").collect() if one.name == "drill_chaos_active")
    there = {(sample.labels["experiment"], sample.labels["target"]): sample.value for sample in family.samples}
    assert there == {("n1", "valkey-0"): 0, ("n1", "postgres"): 1}


def test_no_bucket_claims_too_much() -> None:
    buckets = dict(buckets_of([[1001, 5]]))
    assert buckets["0.001"] == 0
    assert buckets["+Inf"] == 5


def test_the_plain_line() -> None:
    line = plain(state())
    assert "wins=4" in line
    assert "backlog=3 " in line
    assert "credited_yuan=1.50 awarded_yuan=? budget_yuan=3.00" in line
