"""`xiu run compare` and `trend`: worse beyond noise or not, and never a comparison of what was not measured alike."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.engine.clumps import clumping
from harness.engine.histogram import Histogram
from harness.runs.compare import NotComparable, NothingToCompare, alike, compare, obstacles
from harness.runs.folder import new_run, write_run
from harness.runs.percentiles import Percentiles
from harness.runs.quantile_bounds import bounds_of
from harness.runs.record import Resource, RunRecord
from harness.runs.trend import trend
from tests.support.sample_run import GOOD, SEASON, findings, reason, record, sponsors, timeline
from xiu.cli import main


def slower(p99: float, **more: object) -> RunRecord:
    latency = record().latency_ms
    response = latency.response.model_copy(update={"p99": p99})
    return record(run_id="b", latency_ms=latency.model_copy(update={"response": response}), **more)


def changed(part: str, **fields: object) -> RunRecord:
    return record(run_id="b", **{part: getattr(record(), part).model_copy(update=fields)})


@pytest.mark.parametrize(
    ("b", "worse"),
    [
        pytest.param(record(run_id="b"), (), id="the same figures"),
        pytest.param(slower(3.42 * 1.25), (), id="a little slower: noise"),
        pytest.param(slower(3.42 * 2), ("response p99",), id="twice as slow"),
        pytest.param(slower(3.42 / 2), (), id="quicker is no regression"),
        pytest.param(changed("load", achieved_rps=33_000.0), ("answered at the peak",), id="fewer answers"),
        pytest.param(changed("load", outcomes={"win": 1, "unknown": 3}), (), id="a few unknown ones happen"),
        pytest.param(changed("load", outcomes={"win": 1, "unknown": 60}), ("unknown outcomes",), id="many do not"),
        pytest.param(changed("credit_delay_s", p99=2.0), ("credit delay p99",), id="money comes later"),
        pytest.param(changed("money", residue_fen=1), ("money residue",), id="one fen off"),
        pytest.param(changed("wins", residue=-1), ("wins residue",), id="one win off, either way"),
        pytest.param(
            record(run_id="b", evidence={"invariants": findings(S3=1)}), ("verdict", "invariants broken"), id="broken"
        ),
        pytest.param(
            record(run_id="b", resources={**record().resources, "front-0": Resource(cpu_s=80.0, rss_mib_max=171.0)}),
            ("front-0 CPU",), id="the front works twice as much",
        ),
        pytest.param(
            record(run_id="b", resources={**record().resources, "cannon": Resource(cpu_s=99.0, rss_mib_max=999.0)}),
            (), id="what the generator uses is not the system's",
        ),
        pytest.param(record(replace(GOOD, response_p99_ms=999.0), run_id="b"), ("verdict",), id="missed its forecast"),
    ],
)  # fmt: skip
def test_worse_beyond_noise_is_a_regression(b: RunRecord, worse: tuple[str, ...]):
    comparison = compare(record(), b)
    assert comparison.regressions == worse
    assert (comparison.verdict, comparison.exit_code) == (("FAIL", 99) if worse else ("PASS", 0))


def test_a_baseline_that_failed_is_no_yardstick_for_the_verdict():
    failed = record(replace(GOOD, response_p99_ms=999.0))
    assert compare(failed, failed).verdict == "PASS"


def test_what_b_does_not_tell_is_not_as_good():
    silent = record(run_id="b", latency_ms=record().latency_ms.model_copy(update={"response": Percentiles()}))
    comparison = compare(record(), silent)
    assert (comparison.verdict, comparison.exit_code, comparison.missing) == ("UNKNOWN", 10, ("response p99",))


def test_an_invariant_that_b_did_not_evaluate_is_missed():
    silent = record(run_id="b").model_copy(update={"invariants": record().invariants[2:]})
    comparison = compare(record(), silent)
    assert (comparison.verdict, comparison.missing) == ("UNKNOWN", ("invariant S1", "invariant S2"))
    assert compare(silent, record()).verdict == "PASS", "B may tell more"


def unplayed(*codes: str, **fields: object) -> RunRecord:
    """A run in whose lane nothing was there for these rules."""
    rows = [
        one.model_copy(update={"valid": None, "counted": 0}) if one.code in codes else one
        for one in record().invariants
    ]
    return record(**{"run_id": "b", **fields}).model_copy(update={"invariants": tuple(rows)})


OF_PLAYS_ALONE = ("S13", "S14", "S15", "S16", "S18")


def test_plays_that_only_one_lane_has_seen_are_told_and_forbid_nothing():
    played, plain = record(), unplayed(*OF_PLAYS_ALONE)
    told = f"alone, for the other lane has no such play: {', '.join(OF_PLAYS_ALONE)}"
    forth, back = compare(played, plain), compare(plain, played)
    assert (forth.verdict, forth.missing) == ("PASS", ())
    assert f"evaluated in A {told}" in forth.notes
    assert (back.verdict, back.missing) == ("PASS", ())
    assert f"evaluated in B {told}" in back.notes
    assert not any("evaluated in" in note for note in compare(plain, plain).notes)


@pytest.mark.parametrize("code", ["S1", "S17"])
def test_a_rule_that_every_run_can_be_judged_by_is_missed(code: str):
    """S17 counts taps, and every run taps."""
    assert compare(record(), unplayed(code)).missing == (f"invariant {code}",)


def test_a_rule_of_a_play_that_could_not_be_decided_or_is_not_told_is_missed():
    doubtful = [
        one.model_copy(update={"valid": "unknown"}) if one.code == "S13" else one for one in record().invariants
    ]
    for rows in (doubtful, [one for one in record().invariants if one.code != "S13"]):
        b = record(run_id="b").model_copy(update={"invariants": tuple(rows)})
        assert compare(record(), b).missing == ("invariant S13",)


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        pytest.param({}, (), id="played, and paid"),
        pytest.param({"state": None, "blessings": None, "each_fen": None}, ("season",), id="it never ended"),
        pytest.param({"state": "ended"}, ("season",), id="its pot was not paid"),
        pytest.param({"operations": ()}, ("season",), id="nobody played"),
    ],
)
def test_a_season_that_was_ordered_and_did_not_happen_is_missed(changes: dict[str, object], missing: tuple[str, ...]):
    a = record(season=SEASON)
    b = record(run_id="b", season=SEASON.model_copy(update=changes))
    found = compare(a, b)
    assert (found.missing, found.verdict) == (missing, "UNKNOWN" if missing else "PASS")
    assert compare(b, a).missing == (), "B may do more"


def test_a_run_that_opened_no_season_lacks_none():
    played, plain = record(season=SEASON), record(run_id="b")
    forth, back = compare(played, plain), compare(plain, played)
    assert (forth.missing, back.missing) == ((), ())
    told = "a season was played in {} alone"
    assert told.format("A") in forth.notes
    assert told.format("B") in back.notes


def test_more_runs_widen_the_noise_to_what_they_show():
    others = [slower(p99, plan="gala-share") for p99 in (2.0, 3.4, 6.0, 9.0, 4.0)]
    assert compare(record(), slower(6.84)).regressions == ("response p99",)
    assert compare(record(), slower(6.84), others).regressions == ()
    calm = [slower(3.42) for _ in range(5)]
    assert compare(record(), slower(6.84), calm).regressions == ("response p99",)


def test_only_runs_under_the_same_conditions_tell_the_noise():
    mine = [record(run_id=f"r{n}") for n in range(4)]
    theirs = [record(run_id="x", plan="other"), record(run_id="y", verdict="INVALID"), record()]
    found = alike([*mine, *theirs], record(), record(run_id="b"), 3)
    assert [run.run_id for run in found] == ["r1", "r2", "r3"]


def test_the_bounds_of_a_percentile_widen_its_noise():
    wide = {"response": {"p99": (1.0, 12.0)}}
    sure, slow = {"response": {"p99": (3.4, 3.5)}}, {"response": {"p99": (6.8, 6.9)}}
    assert compare(record(quantile_bounds_ms=wide), slower(6.84, quantile_bounds_ms=wide)).regressions == ()
    assert compare(record(quantile_bounds_ms=sure), slower(6.84, quantile_bounds_ms=slow)).regressions != ()


def test_a_percentile_of_few_samples_moves_by_chance():
    few = record().load.model_copy(update={"sent": 1_250})
    assert compare(record(load=few), slower(6.84, load=few)).regressions == ()
    assert compare(record(load=few), slower(34.2, load=few)).regressions == ("response p99",)


def late(run: RunRecord, p99: float) -> RunRecord:
    lag = run.latency_ms.lag.model_copy(update={"p99": p99})
    return run.model_copy(update={"latency_ms": run.latency_ms.model_copy(update={"lag": lag})})


def test_what_the_machine_was_later_by_itself_is_no_regression():
    assert compare(late(record(), 0.3), late(slower(6.84), 1.9)).regressions == (), "B on the busier machine"
    for calm, busy in ((4.0, 4.0), (4.0, 0.3)):
        found = compare(late(record(), calm), late(slower(6.84), busy)).regressions
        assert found == ("response p99",), "a machine as busy, or busier in A, is no excuse"


def played(seed: int, taps: int, rate: int, stalls: int = 1, longest_ms: int = 40, slower: float = 1.0) -> RunRecord:
    """A run on a busy machine: so many stalls a second, so long at most; all taps of that time are late."""
    rng = np.random.default_rng(seed)
    at = np.arange(taps, dtype=np.int64) * (1_000_000_000 // rate)
    lasted = rng.exponential(400_000, taps)
    starts = rng.integers(0, at[-1], stalls * taps // rate)
    lengths = rng.integers(5_000_000, longest_ms * 1_000_000, len(starts))
    for start, length in zip(starts, lengths, strict=True):
        inside = (at >= start) & (at < start + length)
        lasted[inside] += start + length - at[inside]
    lasted = (lasted * slower).astype(np.int64)
    histogram = Histogram.of_ns(lasted)
    account: dict[str, Any] = {
        "latency_ms": {"response": histogram.summary_ms(), "service": {}, "queued": {}},
        "histograms": {"response": histogram.to_json(), "service": {}, "queued": {}},
        "clumps": {"response": clumping(at, lasted), "service": {}, "queued": {}},
    }
    latency = record().latency_ms.model_copy(update={"response": Percentiles(**account["latency_ms"]["response"])})
    load = record().load.model_copy(update={"sent": taps})
    return record(latency_ms=latency, load=load, quantile_bounds_ms=bounds_of(account))


@pytest.mark.parametrize(
    ("taps", "rate"), [pytest.param(1_250, 250, id="short"), pytest.param(60_000, 2_000, id="long")]
)
def test_equal_runs_on_a_busy_machine_are_equal(taps: int, rate: int):
    runs = [played(seed, taps, rate) for seed in range(16)]
    pairs = list(itertools.permutations(runs, 2))
    false = sum(bool(compare(a, b).regressions) for a, b in pairs)
    assert false <= len(pairs) * 0.05


def test_of_few_samples_the_bounds_must_not_touch():
    """Halves of 2.4 ms, a difference of 3.42 ms: beyond their squares' root, not beyond their sum."""
    a = record(quantile_bounds_ms={"response": {"p99": (1.0, 5.82)}})
    b = slower(6.84, quantile_bounds_ms={"response": {"p99": (4.44, 9.0)}})
    few = record().load.model_copy(update={"sent": 1_250})
    assert compare(a, b).regressions == ("response p99",)
    assert compare(a, b.model_copy(update={"load": few})).regressions == ()


def test_a_doubling_is_found_on_a_busy_machine():
    runs = [
        (played(seed, 60_000, 2_000, 4, 20), played(seed + 50, 60_000, 2_000, 4, 20, slower=2.0)) for seed in range(16)
    ]
    found = sum("response p99" in compare(a, b).regressions for a, b in runs)
    assert found >= 15


def test_late_answers_in_clumps_are_fewer_samples():
    rng = np.random.default_rng(3)
    at = np.arange(20_000, dtype=np.int64) * 1_000_000
    alone = rng.exponential(1e6, 20_000).astype(np.int64)
    assert 1.0 <= clumping(at, alone)["p99"] < 2.0
    together = np.repeat(alone[:1_000], 20)
    assert 10 < clumping(at, together)["p95"] < 60
    rising = (alone[:20_000] * np.linspace(1, 10, 20_000)).astype(np.int64)
    assert clumping(at, rising)["p95"] < 2.5, "what the plan's own rise brings is no clump"


def test_bounds_hold_the_true_percentile_as_often_as_they_say():
    """200 samples of 2,000 exponential times: the true p95 lies inside in about 99 of 100."""
    rng, true_ms, inside = random.Random(7), 2.9957, 0
    for _ in range(200):
        histogram = Histogram()
        histogram.record_us(np.array([round(rng.expovariate(1.0) * 1000) for _ in range(2_000)]))
        block = {"response": {"p95": 3.0}, "service": {}, "queued": {}}
        account = {
            "latency_ms": block,
            "histograms": {name: histogram.to_json() for name in block},
            "clumps": {"response": {"p95": 1.0}, "service": {}, "queued": {}},
        }
        low, high = bounds_of(account)["response"]["p95"]
        inside += low <= true_ms <= high
    assert 192 <= inside <= 200


def test_no_answer_has_no_bounds():
    empty = Histogram().to_json()
    names = ("response", "service", "queued")
    account: dict[str, Any] = {
        "latency_ms": {n: {"p50": None} for n in names},
        "histograms": dict.fromkeys(names, empty),
        "clumps": {n: {} for n in names},
    }
    assert bounds_of(account) == {"response": {}, "service": {}, "queued": {}}


@pytest.mark.parametrize("evidence", [
    {"invalid": [reason("lag")]}, {"no_data": [reason("no_scrape")]}, {"aborted": reason("interrupted")},
])  # fmt: skip
@pytest.mark.parametrize("side", ["A", "B"])
def test_a_run_without_a_judgement_is_no_side_of_a_comparison(evidence: dict[str, Any], side: str):
    bad = record(evidence=evidence, run_id="bad")
    pair = (bad, record()) if side == "A" else (record(), bad)
    with pytest.raises(NothingToCompare, match=rf"{side} \(bad\) is {bad.verdict}") as caught:
        compare(*pair, anyway=True)
    assert caught.value.exit_code == 10


FAULT = {"id": "x", "fault": "N15", "target": "credit-postgres", "injected_s": 3.0}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"plan": "other"}, "different plans: gala-share and other", id="plan"),
        pytest.param({"target": "elsewhere"}, "different targets", id="target"),
        pytest.param({"lane": "stress"}, "different lanes", id="lane"),
        pytest.param({"drills": (FAULT,)}, "different faults: none and N15 on credit-postgres", id="a fault"),
        pytest.param({"environment": None}, "no environment is recorded for", id="unknown machine"),
        pytest.param({"cores": 4}, "different numbers of cores: 2 and 4", id="cores"),
        pytest.param({"cpu": "Other"}, "different processors", id="processor"),
        pytest.param({"memory_mib": 16_000}, "different memory", id="memory"),
    ],
)
def test_other_conditions_are_refused_in_words(change: dict[str, object], says: str):
    environment = record().environment
    assert environment is not None
    ours = change.keys() & {"plan", "target", "lane", "environment", "drills"}
    other = record(**change) if ours else record(environment=environment.model_copy(update=change))
    with pytest.raises(NotComparable, match=says) as caught:
        compare(record(), other)
    assert "expected equal conditions" in str(caught.value)
    assert caught.value.exit_code == 2
    assert says in compare(record(), other, anyway=True).notes[0]


def test_versions_seeds_and_host_names_are_notes_not_obstacles():
    environment = record().environment
    assert environment is not None
    versions = {**environment.versions, "valkey": "9.2.0"}
    update = {"commit": "fff", "versions": versions, "machine": "another-container"}
    other = record(seed=5, environment=environment.model_copy(update=update))
    assert obstacles(record(), other) == []
    notes = " ".join(compare(record(), other).notes)
    for said in ("seeds", "commits", "valkey 9.1.0 and 9.2.0", "hosts"):
        assert said in notes


def test_a_little_memory_more_is_the_same_machine():
    environment = record().environment
    assert environment is not None
    assert obstacles(record(), record(environment=environment.model_copy(update={"memory_mib": 7_900}))) == []


def test_a_trend_compares_each_run_with_the_one_before_that_was_measured_alike():
    environment = record().environment
    assert environment is not None
    other = record(run_id="4cores", environment=environment.model_copy(update={"cores": 4}))
    invalid = record(run_id="bad", evidence={"invalid": [reason("lag")]})
    points = trend([record(run_id="first"), other, invalid, slower(6.84)])
    assert [(point.id, point.against, point.worse) for point in points] == [
        ("first", None, None), ("4cores", None, None), ("bad", None, None), ("b", "first", ("response p99",)),
    ]  # fmt: skip


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def finished(runs: Path, run: RunRecord, hour: int) -> str:
    folder = new_run(runs, "gala-share")
    at = f"2026-01-01T{hour:02}:00:00+08:00"
    write_run(folder, run.model_copy(update={"run_id": folder.name, "started_at": at}), timeline(), sponsors())
    return folder.name


def test_compare_ends_with_its_verdict_and_takes_a_committed_baseline(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    a, b = finished(runs, record(), 1), finished(runs, slower(6.84), 2)
    baseline = tmp_path / "baseline.json"
    baseline.write_bytes((runs / a / "run.json").read_bytes())

    def at(*words: str) -> int:
        return main(["run", *words, "--runs", str(runs)])

    assert at("compare", str(baseline), a) == 0
    assert "PASS: B is not worse" in capsys.readouterr().out
    assert at("compare", str(baseline), "last", "--json") == 99
    document = json.loads(capsys.readouterr().out)
    assert (document["verdict"], document["regressions"], document["b"]) == ("FAIL", ["response p99"], b)
    assert all({"what", "unit", "a", "b", "ratio", "noise", "state"} <= row.keys() for row in document["differences"])
    assert at("compare", str(runs / a), b, "--of", "5") == 99
    assert "FAIL: B is worse beyond noise: response p99" in capsys.readouterr().out
    (tmp_path / "bad.json").write_text("{")
    assert at("compare", str(tmp_path / "bad.json"), b) == 2
    capsys.readouterr()
    assert at("trend", "gala-share", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [point["worse"] for point in document["runs"]] == [None, ["response p99"]]
    assert at("trend", "gala-shar") == 2
    assert "did you mean gala-share?" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["0", "-1", "1e3", "99999999999999999999", "٣", "x"])
def test_an_odd_number_of_runs_is_refused(runs: Path, number: str):
    assert main(["run", "compare", "a", "b", f"--of={number}", "--runs", str(runs)]) == 2
