"""The exporter says of a run what the catalogue promises, by value."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric as Family

from harness.engine.histogram import Histogram
from harness.phrases import sentence
from harness.runs.state import RunState
from harness.stack.ports import Ports
from harness.watch.exporter import KNOWN_S, TAKEN_UP_S, Exporter, RunCollector, buckets_of, until_read
from harness.watch.prom import PromError, Samples, read_metrics
from plans.metrics import METRICS, PHASES, STATES
from plans.models.forecast import Words
from system.contract.audit import INVARIANTS, Finding
from system.contract.metrics import LATENCY_BUCKETS_S
from tests.support.run_in_progress import begun, in_progress, judged, message, target

RUN = "20260207-200000-gala-0001"
CATALOGUE = {metric.name.removesuffix("_total"): metric for metric in METRICS if "run" in metric.process}


def families(state: RunState) -> dict[str, Family]:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(RunCollector(state, "c0ffee"))
    return {family.name: family for family in registry.collect()}


def finding(code: str, valid: bool | None = True, counted: int = 7) -> Finding:
    return Finding(code=code, says=INVARIANTS[code], valid=valid, counted=counted, violations=0)


@pytest.fixture
def finished() -> RunState:
    state = in_progress()
    state.judged, state.verdict = (judged(),), "WARN"
    state.targets = (
        *state.targets,
        target("sponsor_7_fen", why="half: of the packets", name=Words(zh="面馆", en="Noodle House")),
    )
    state.invariants = (finding("S1"), finding("S2", valid=False), finding("S3", valid=None), finding("S4", counted=0))
    cut = {"title_en": "cut off", "title_zh": "被切断"}
    state.tell("fault_injected", sentence("fault_injected", fault="n15", target="credit-postgres", **cut))
    return state


@pytest.fixture
def scraped(finished: RunState) -> Iterator[Samples]:
    exporter = Exporter(finished, "c0ffee")
    try:
        yield read_metrics(exporter.url)
    finally:
        exporter.stop()


def one(samples: Samples, name: str, /, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def test_the_families_are_those_of_the_catalogue(finished: RunState) -> None:
    found = families(finished)
    assert set(found) == set(CATALOGUE)
    for name, family in found.items():
        metric = CATALOGUE[name]
        assert (family.type, family.documentation) == (metric.kind, metric.help), name
        assert family.samples, name
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(metric.labels), sample.name


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("drill_requests_planned_total", {"lane": "stress"}, 2_020),
        ("drill_requests_sent_total", {"lane": "stress"}, 2_008),
        ("drill_requests_dropped_total", {"lane": "stress"}, 10),
        ("drill_requests_total", {"lane": "stress", "outcome": "win"}, 6),
        ("drill_requests_total", {"lane": "stress", "outcome": "unknown"}, 8),
        ("drill_client_response_seconds_bucket", {"lane": "stress", "le": "0.0005"}, 1_800),
        ("drill_client_response_seconds_bucket", {"lane": "stress", "le": "0.05"}, 1_980),
        ("drill_client_response_seconds_bucket", {"lane": "stress", "le": "0.1"}, 1_998),
        ("drill_client_response_seconds_bucket", {"lane": "stress", "le": "5.0"}, 1_998),
        ("drill_client_response_seconds_bucket", {"lane": "stress", "le": "+Inf"}, 2_000),
        ("drill_client_response_seconds_sum", {"lane": "stress"}, 16.0),
        ("drill_client_service_seconds_count", {"lane": "stress"}, 2_000),
        ("drill_schedule_lag_seconds_sum", {}, 0.1),
        ("drill_users", {}, 5_000),
        ("drill_generator_saturated", {}, 0),
        ("drill_generator_cpu_ratio", {}, 0.5),
        ("drill_phase", {"phase": "measured"}, 1),
        ("drill_phase", {"phase": "drain"}, 0),
        ("drill_forecast_target", {"run_id": RUN, "link": "front-valkey", "indicator": "wins", "bound": "lower"}, 1188),
        ("drill_forecast_actual", {"run_id": RUN, "link": "front-valkey", "indicator": "wins"}, 1195),
        ("drill_verdict_state", {"run_id": RUN, "indicator": "wins", "state": "PASS"}, 1),
        ("drill_verdict_state", {"run_id": RUN, "indicator": "wins", "state": "FAIL"}, 0),
        ("drill_verdict_state", {"run_id": RUN, "indicator": "sponsor_7_fen", "state": "PENDING"}, 1),
        ("drill_run_verdict", {"run_id": RUN, "verdict": "WARN"}, 1),
        ("drill_run_verdict", {"run_id": RUN, "verdict": "RUNNING"}, 0),
        ("drill_run_verdict", {"run_id": RUN, "verdict": "INVALID"}, 0),
        ("drill_invariant_state", {"run_id": RUN, "code": "S1", "state": "holds"}, 1),
        ("drill_invariant_state", {"run_id": RUN, "code": "S2", "state": "broken"}, 1),
        ("drill_invariant_state", {"run_id": RUN, "code": "S3", "state": "not_evaluated"}, 1),
        ("drill_invariant_state", {"run_id": RUN, "code": "S4", "state": "unknown"}, 1),
        ("drill_invariant_state", {"run_id": RUN, "code": "S5", "state": "unknown"}, 1),
        ("drill_sponsor_info", {"run_id": RUN, "indicator": "sponsor_7_fen", "name": "面馆 · Noodle House"}, 1),
        ("drill_money_fen", {"run_id": RUN, "lane": "stress", "place": "budget"}, 400_560),
        ("drill_money_fen", {"run_id": RUN, "lane": "stress", "place": "awarded"}, 123_956),
        ("drill_money_fen", {"run_id": RUN, "lane": "stress", "place": "credited"}, 123_000),
        ("drill_money_fen", {"run_id": RUN, "lane": "stress", "place": "suspense"}, 456),
        ("drill_won_packets", {"run_id": RUN, "lane": "stress"}, 371),
        (
            "drill_run_info",
            {
                "run_id": RUN, "scenario": "gala-share", "forecast_sha256": "ab" * 32, "git_sha": "c0ffee",
                "scale_factor": "1/10000",
            },
            1,
        ),
    ],
)  # fmt: skip
def test_values_over_the_wire(scraped: Samples, name: str, labels: dict[str, str], value: float) -> None:
    assert one(scraped, name, **labels) == pytest.approx(value)


def test_what_is_not_known_is_absent_and_what_is_known_is_there_from_the_start() -> None:
    found = families(begun())
    assert not found["drill_generator_cpu_ratio"].samples
    assert not found["drill_forecast_actual"].samples
    assert not found["drill_money_fen"].samples
    assert not found["drill_won_packets"].samples
    assert {sample.labels["phase"] for sample in found["drill_phase"].samples} == set(PHASES)
    assert {sample.value for sample in found["drill_requests"].samples} == {0}
    stands = {
        (sample.labels.get("code") or sample.labels.get("indicator") or "run"): sample.labels.get("verdict")
        or sample.labels["state"]
        for name in ("drill_run_verdict", "drill_verdict_state", "drill_invariant_state")
        for sample in found[name].samples
        if sample.value == 1
    }
    assert stands == {"run": "RUNNING", "wins": "PENDING", **dict.fromkeys(INVARIANTS, "pending")}


def test_an_indicator_without_data_has_a_state_and_no_actual() -> None:
    state = begun()
    state.judged = (judged(None),)
    found = families(state)
    assert not found["drill_forecast_actual"].samples
    states = {sample.labels["state"]: sample.value for sample in found["drill_verdict_state"].samples}
    assert states == dict.fromkeys(STATES, 0.0) | {"NO_DATA": 1.0}


def test_a_bucket_never_claims_more_than_is_known_and_little_less() -> None:
    times_us = [*range(1, 200_000, 37), 1_000, 5_000, 100_000]
    histogram = Histogram()
    histogram.record_us(np.array(times_us))
    found = dict(buckets_of(histogram.coarse()))
    for edge in LATENCY_BUCKETS_S:
        true = sum(us <= edge * 1e6 for us in times_us)
        surely = sum(us <= edge * 1e6 * (1 - 1 / 32) for us in times_us)
        assert surely <= found[str(edge)] <= true, edge
    assert found["+Inf"] == len(times_us)


def test_counts_of_a_cannon_that_told_nothing_of_service_are_empty() -> None:
    state = begun()
    bare = message()
    del bare["service_us"], bare["service_sum_us"]
    state.counts = {0: bare}
    counts = {s.name: s.value for s in families(state)["drill_client_service_seconds"].samples if "le" not in s.labels}
    assert counts["drill_client_service_seconds_count"] == 0


def test_port_and_threads_are_given_back(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    exporter = Exporter(begun())
    other = Exporter(begun())
    assert exporter.port != other.port
    assert 1_024 < exporter.port < 32_768
    for each in (exporter, other):
        each.stop()
    assert set(threading.enumerate()) <= before
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", exporter.port))
    with pytest.raises(PromError, match="does not answer"):
        read_metrics(exporter.url, timeout_s=0.5)


def test_a_target_is_whole_while_it_is_there_and_gone_afterwards(tmp_path: Path) -> None:
    exporter = Exporter(begun())
    try:
        exporter.register(tmp_path)
        [file] = list(tmp_path.iterdir())
        assert json.loads(file.read_text()) == [{"targets": [f"127.0.0.1:{exporter.port}"], "labels": {"part": "run"}}]
        assert file.suffix == ".json"
    finally:
        exporter.stop()
    assert not list(tmp_path.iterdir())


def test_where_prometheus_looks_for_a_run_it_need_not_be_told_and_a_second_run_tells_it(tmp_path: Path) -> None:
    with Ports(["run"]) as held:
        known = held.by_name["run"]
        first, second = Exporter(begun(), known=known), Exporter(begun(), known=known)
        try:
            assert first.port == known != second.port
            assert first.register(tmp_path) == KNOWN_S < TAKEN_UP_S == second.register(tmp_path)
            assert [file.name.rpartition("-")[2] for file in tmp_path.iterdir()] == [f"{second.port}.json"]
            assert read_metrics(first.url)
        finally:
            first.stop()
            second.stop()
        third = Exporter(begun(), known=known)
        third.stop()
        assert third.port == known, "given back"
    assert not list(tmp_path.iterdir())


def test_the_last_figures_wait_for_their_readers_and_for_nobody_for_ever() -> None:
    state = begun()
    exporter = Exporter(state)
    try:
        read_metrics(exporter.url)
        last = state.reads + 2
        waiting = threading.Thread(target=until_read, args=(state, last, 3600.0))
        waiting.start()
        read_metrics(exporter.url)
        assert not until_read(state, last, 0.05), "one of the two is missing"
        assert waiting.is_alive()
        read_metrics(exporter.url)
        waiting.join(30)
        assert not waiting.is_alive()
        assert until_read(state, last, 0.0)
    finally:
        exporter.stop()
