"""The report page: what it says, and that it is one file that needs nothing else."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.forecast.actuals import Actuals
from harness.orchestrate.public import public_touched
from harness.phrases import Sentence, sentence
from harness.report import vocabulary
from harness.report.axes import bars, bridged, linear, logarithmic, nice_step, paths, short
from harness.report.bands import band_of
from harness.report.charts import chart_of
from harness.report.figures import number, scale, with_unit, yuan
from harness.runs.guarded import LiveLaneProof, OutsideProof, PublicProof, RunGuard, StopRecord
from harness.runs.percentiles import Percentiles
from harness.runs.record import (
    Event,
    Generator,
    JourneyResult,
    Latency,
    Money,
    Resource,
    RunRecord,
    Second,
    Timeline,
    Wins,
)
from harness.runs.steps import FrontResult
from tests.support.report_page import Page, page, said
from tests.support.sample_run import GOOD, SEASON, findings, reason, record, timeline

FAILED = record(
    replace(GOOD, residue_fen=1, drain_s=None, wins=1100),
    evidence={"invariants": findings(S1=1)},
    money=Money(
        budget_fen=400_560, awarded_fen=400_560, credited_fen=400_559, suspense_fen=0, refunded_fen=0, residue_fen=1
    ),
)
CASES = [
    pytest.param(record(), "every fen is accounted for", "每一分钱都对得上", id="pass"),
    pytest.param(record(replace(GOOD, response_p99_ms=22.0)), "See the remarks", "请看留意项", id="warn"),
    pytest.param(FAILED, "do not add up", "对不上", id="broken"),
    pytest.param(record(replace(GOOD, response_p99_ms=999.0)), "forecast was missed", "没有达到预测", id="fail"),
    pytest.param(
        record(evidence={"invalid": [reason("generator_limited")]}),
        "generator was the limit",
        "到顶的是压测机",
        id="the generator's fault",
    ),
    pytest.param(
        record(evidence={"invalid": [reason("history_damaged")]}),
        "the measurement itself cannot be relied on",
        "测量本身不可靠",
        id="not the generator's fault",
    ),
    pytest.param(record(replace(GOOD, wins=None)), "was not", "没有测到", id="no data"),
    pytest.param(
        record(evidence={"aborted": reason("interrupted")}), "Stopped before its end", "提前中止", id="aborted"
    ),
]


@pytest.mark.parametrize(("run", "en", "zh"), CASES)
def test_the_verdict_is_a_sentence_in_both_languages(run: RunRecord, en: str, zh: str):
    html = page(run)
    assert en in said(html, "en")
    assert zh in said(html, "zh")
    assert Page(html).problems == []


@pytest.mark.parametrize(("run", "en", "zh"), CASES)
def test_one_file_no_network_small(run: RunRecord, en: str, zh: str):
    html = page(run)
    assert len(html.encode()) < 2_000_000
    assert Page(html).addresses == ["data:,"]
    assert not re.search(r"https?://|@import|url\(", html)


def test_five_minutes_are_still_a_small_file():
    second = timeline().per_second[20]
    line = Timeline(per_second=tuple(second.model_copy(update={"second": s}) for s in range(306)))
    assert len(page(record(), line).encode()) < 2_000_000


def test_the_verdict_stands_before_everything_else_and_reasons_are_in_words():
    html = page(record(replace(GOOD, response_p99_ms=22.0)))
    assert html.index("PASSED, WITH A REMARK") < html.index("Forecast against actual")
    assert "slower than the expected 5 ms, within the limit of 100 ms" in said(html, "en")
    assert "慢于预期 5 毫秒" in said(html, "zh")


def test_every_indicator_invariant_and_figure_of_the_chain_is_there():
    html = said(page(record()), "en")
    for row in record().forecast:
        assert row.indicator in html
    for said_there in ("S1", "S12", "1,609,114", "4,005.60", "the books close", "Cloud Sail", "front-0", "trustworthy"):
        assert said_there in html


def test_it_never_claims_that_money_adds_up_where_nobody_knows():
    unknown = record(replace(GOOD, residue_fen=None), money=Money(), wins=Wins())
    for text in (said(page(unknown), "en"),):
        assert "every fen is accounted for" not in text
        assert "not known whether the books close" in text
        assert "unknown" in text


def test_journeys_beside_the_taps_have_a_table() -> None:
    taps = JourneyResult(
        round=1, journey="tap", shot="tap", scheduled=1500, sent=1500, dropped=0, unsent=0, outcomes={"lose": 1500}
    )
    reads = taps.model_copy(update={"journey": "balances", "shot": "wallet", "outcomes": {"empty": 299, "funded": 1}})
    assert 'class="dense traffic"' not in page(record(traffic=(taps,)))
    told = page(record(traffic=(taps, reads)))
    assert told.count('<th scope="row">balances</th>') == 1
    assert "empty 299 · funded 1" in told
    follow_up = reads.model_copy(update={"sent": 1400, "unfed": 100})
    assert re.search(r"funded 1 · .{0,90}unfed.{0,20} 100<", page(record(traffic=(taps, follow_up))))


def test_what_was_played_beside_the_draw_has_a_section() -> None:
    assert "h-season" not in page(record())
    told = page(record(season=SEASON))
    for text in ("Beside the draw", "share claimed", "领取裂变红包", "done before", "share_expired", "1,264.70"):
        assert text in told, text
    assert "the pot was not paid" in page(record(season=SEASON.model_copy(update={"state": "ended"})))


def test_run_json_is_embedded_whole_and_harmless():
    nasty = "</script><script>alert(1)</script><img src=x>&\u2028"
    run = record(target=nasty)
    html = page(run)
    found = re.search(r'<script type="application/json" id="run-json">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    assert RunRecord.model_validate(json.loads(found[1])) == run
    assert "<script>alert" not in html
    assert "<img" not in html


def test_a_run_of_which_little_is_known_still_has_a_page():
    bare = record(
        nothing(),
        evidence={"aborted": reason("interrupted"), "invariants": ()},
        latency_ms=Latency(),
        generator=Generator(valid=True),
        money=Money(),
        wins=Wins(),
        resources={},
        environment=None,
        steps=(),
        forecast=(),
    )
    html = page(bare, Timeline())
    assert Page(html).problems == []
    text = said(html, "en")
    for said_there in ("There is no per-second data", "There was no audit", "None recorded", "No forecast was locked"):
        assert said_there in text


def nothing() -> Actuals:
    return Actuals()


@pytest.mark.parametrize("verdict", ["INVALID", "NO_DATA", "ABORTED"])
def test_what_is_not_judged_is_not_shown_as_good(verdict: str):
    html = page(record(verdict=verdict))
    assert "shown, not relied on" in said(html, "en")
    assert 'class="unjudged"' in html
    assert "unjudged" not in page(record()).split("</style>")[1]


def test_a_reason_without_words_of_its_own_keeps_its_text():
    html = page(
        record(evidence={"failures": [reason("not_closed", "round 7 did not close"), reason("odd", "odd one")]})
    )
    assert "本场没有关账：原文见 run.json" in said(html, "zh")
    assert "odd，原文见 run.json" in said(html, "zh")
    assert "round 7 did not close" in said(html, "en")


def test_both_languages_say_equally_much():
    parsed = Page(page(FAILED))
    assert len(parsed.text["zh"]) == len(parsed.text["en"])
    assert all(not re.search(r"[\u4e00-\u9fff]", text) for text in parsed.text["en"])


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0, "0"), (0.41, "0.41"), (12.7, "12.7"), (128.4, "128"), (1234.5, "1,234"), (35_000, "35,000")],
)
def test_numbers(value: float | None, text: str):
    assert number(value) == text


def test_money_is_exact():
    assert yuan(400_560) == "4,005.60"
    assert yuan(-1) == "−0.01"
    assert yuan(None) == "–"
    assert with_unit(0, "fen").en == "0 fen"
    assert with_unit(0.00587, "1").zh == "0.59%"


@pytest.mark.parametrize(
    ("values", "high", "ticks"),
    [
        pytest.param([35_000.0], 40_000, ["0", "10k", "20k", "30k", "40k"], id="thousands"),
        pytest.param([0.0], 1, ["0", "0.5", "1"], id="nothing at all"),
        pytest.param([7.0], 8, ["0", "2", "4", "6", "8"], id="a few"),
    ],
)
def test_axes_end_at_round_numbers(values: list[float], high: float, ticks: list[str]):
    scale = linear(values)
    assert scale.high == high
    assert [tick.text for tick in scale.ticks()] == ticks
    assert scale.y(high) == 0
    assert scale.y(0) == 100


def test_a_logarithmic_axis_spans_whole_powers():
    scale = logarithmic([0.4, 14.0, 100.0])
    assert (scale.low, scale.high) == (pytest.approx(0.1), pytest.approx(100))
    assert [tick.text for tick in scale.ticks()] == ["0.1", "1", "10", "100"]
    assert scale.y(0) == 100, "zero is drawn at the foot, not at minus infinity"
    assert logarithmic([]).high > logarithmic([]).low


def test_where_there_is_no_data_there_is_no_line():
    scale = linear([10.0])
    assert len(paths([(0, 1.0), (1, 2.0), (2, None), (3, 3.0), (4, None)], scale)) == 2
    assert paths([(0, None)], scale) == ()
    assert bars([(0, None), (1, 0.0)], scale, 1) == ()


@pytest.mark.parametrize(("span", "step"), [(64, 20), (306, 100), (10, 2), (0, 1)])
def test_steps_are_round(span: float, step: float):
    assert nice_step(span, 6) == step
    assert short(35_000) == "35k"


@pytest.mark.parametrize(
    ("changes", "inside", "over"),
    [
        pytest.param({"actual": 110.0}, True, "", id="inside"),
        pytest.param({"actual": 100.0}, True, "", id="on the edge"),
        pytest.param({"actual": 10.0}, False, "left", id="far below"),
        pytest.param({"actual": 1e9}, False, "right", id="far above"),
        pytest.param({"actual": None}, False, "", id="no data"),
        pytest.param({"lower": 0.0, "expected": 0.0, "upper": 0.0, "actual": 0.0}, True, "", id="exact"),
        pytest.param({"lower": 0.0, "expected": 0.0, "upper": 0.0, "actual": -1.0}, False, "left", id="exact, missed"),
    ],
)
def test_the_dot_stands_where_the_actual_is(changes: dict[str, float | None], inside: bool, over: str):
    row = record().forecast[0].model_copy(update={"lower": 100.0, "expected": 110.0, "upper": 120.0, **changes})
    bar = band_of(row)
    assert bar.over == over
    assert bar.left <= bar.expected <= bar.right
    if bar.actual is not None:
        assert 0 <= bar.actual <= 100
        assert (bar.left <= bar.actual <= bar.right) == inside


def test_a_late_sample_is_bridged_and_a_hole_is_not():
    assert bridged([1.0, None, 3.0, None, None, 6.0]) == [1, 2, 3, 4, 5, 6]
    assert bridged([None, 1.0, None, None, None, 5.0, None]) == [None, 1, None, None, None, 5, None]


@pytest.mark.parametrize(
    ("factor", "text"),
    [("1/10000", "1/10,000"), ("13/400000", "13/400,000 (≈ 1/30,769)"), ("1", "1"), ("1/0", "1/0"), ("odd", "odd")],
)
def test_scales(factor: str, text: str):
    assert scale(factor) == text


def test_what_follows_the_load_is_in_the_picture_and_flags_do_not_lie_on_each_other():
    events = [(0, "a"), (0.1, "b"), (0.2, "c"), (30, "d"), (70, "drained"), (900, "much later")]
    line = Timeline(
        per_second=timeline().per_second, events=tuple(Event(t_s=t, kind="x", text=text) for t, text in events)
    )
    chart = chart_of(line, (), 6.0)
    assert chart.seconds == (0, 70)
    assert [flag.text for flag in chart.flags] == ["1–3", "4", "5"]
    assert [flag.text for flag in chart.narrow_flags] == ["1–3", "4", "5"]
    assert [mark.event.text for mark in chart.marks if mark.at is None] == ["much later"]


def test_a_series_without_data_is_not_in_the_legend():
    rows = tuple(row.model_copy(update={"p99_service_ms": None}) for row in timeline().per_second)
    latency = next(plot for plot in chart_of(Timeline(per_second=rows), (), 6).plots if plot.id == "latency")
    assert [line.en for line in latency.series] == ["response (from intended)"]


def test_the_timeline_marks_events_and_the_warm_up():
    chart = chart_of(timeline(), record().forecast, 6.0)
    assert [mark.number for mark in chart.marks] == [1, 2, 3, 4, 5]
    assert chart.warm_up == pytest.approx(6 / 64 * 100)
    assert [plot.id for plot in chart.plots] == ["taps", "latency", "wins", "money", "backlog"]
    bare = Timeline(per_second=(Second(second=0, offered=1, answered=1),))
    assert [plot.id for plot in chart_of(bare, (), 0).plots] == ["taps", "wins"]


@pytest.mark.parametrize(
    ("slowest", "says"),
    [
        pytest.param("service", "slow in the system itself", id="the system"),
        pytest.param("queued", "the system fell behind", id="no free connection"),
        pytest.param("lag", "because the generator was", id="the generator"),
    ],
)
def test_the_page_says_where_the_time_went(slowest: str, says: str):
    times = {name: Percentiles(p99=1.0) for name in ("service", "queued", "lag")}
    times[slowest] = Percentiles(p99=40.0)
    text = said(page(record(latency_ms=Latency(response=Percentiles(p99=41.0), **times))), "en")
    assert says in text
    assert "p99 40 / 41 ms" in text
    assert "The system's busiest process was front-0, 42% of a core" in text


def test_what_measures_is_not_called_the_system_s_busiest_process():
    busy = {**record().resources, "cannon": Resource(cpu_s=88.0, rss_mib_max=70.0)}
    assert "busiest process was front-0" in said(page(record(resources=busy)), "en")


def test_a_run_that_the_generator_did_not_spoil_does_not_send_to_the_generator():
    text = said(page(record(evidence={"invalid": [reason("not_steady")]})), "en")
    assert "Put right what stands under Why" in text
    assert "generator's CPU" not in text


def test_a_missed_forecast_of_a_run_without_judgement_is_told_as_such():
    run = record(replace(GOOD, response_p99_ms=999.0), evidence={"invalid": [reason("generator_limited")]})
    assert "the forecast was at most 100 ms (not judged)" in said(page(run), "en")
    assert "（不作结论）" in said(page(run), "zh")


def test_a_missed_latency_points_to_its_second():
    slow = record(replace(GOOD, response_p99_ms=500.0))
    rows = [
        row.model_copy(update={"p99_response_ms": 500.0 if row.second in (2, 40, 41) else 1.0})
        for row in timeline().per_second
    ]
    text = said(page(slow, Timeline(per_second=tuple(rows))), "en")
    assert "See the timeline at second 40" in text, "second 2 is warm-up"
    assert "which figure left its forecast" in said(page(record(replace(GOOD, wins=3))), "en")


def test_every_kind_of_event_has_a_name_in_both_languages() -> None:
    told = re.compile(r'(?:\b_?tell|\b_?report|_halt)\(\s*"(\w+)"')
    root = Path(__file__).parents[4]
    files = [*(root / "harness" / "orchestrate").rglob("*.py"), *(root / "chaos").glob("*.py")]
    kinds = {kind for file in files for kind in told.findall(file.read_text(encoding="utf-8"))}
    assert {"fault_injected", "phase", "drained"} <= kinds
    assert kinds - vocabulary.EVENTS.keys() == set()
    assert vocabulary.event_name("something_new") == vocabulary.Both("something new", "something new")


@pytest.mark.parametrize(
    ("made", "says", "doctor"),
    [
        pytest.param(record(replace(GOOD, wins=None)), "Not measured: ", False, id="an indicator"),
        pytest.param(record(verdict="NO_DATA"), "Put right what stands under Why", False, id="anything else"),
    ],
)
def test_without_data_the_next_step_names_what_was_missing(made: RunRecord, says: str, doctor: bool) -> None:
    text = said(page(made), "en")
    assert made.verdict == "NO_DATA"
    assert says in text
    assert ("xiu doctor" in text) == doctor


PROOF = LiveLaneProof(tables=27, streams=4, before="a" * 64, after="a" * 64, into_live=0, into_stress=0)


@pytest.mark.parametrize(
    ("proof", "says"),
    [
        pytest.param(PROOF, ["untouched", "27 tables, 4 streams", "0 of stress in live"], id="untouched"),
        pytest.param(
            PROOF.model_copy(update={"after": "b" * 64, "changed": ("live.posting",), "into_live": 3}),
            ["changed", "live.posting", "3 of stress in live"], id="changed",
        ),
        pytest.param(
            PROOF.model_copy(update={"after": None, "into_stress": None}),
            ["could not be read again", "unknown of live in stress"], id="not known",
        ),
        pytest.param(
            PROOF.model_copy(update={"outside": OutsideProof(calls=7, denied=0, into_party=0, into_double=0)}),
            ["calls outside 7 to doubles", "0 denied", "0 answered by no double", "0 live ones answered by a double"],
            id="calls outside, to doubles alone",
        ),
        pytest.param(
            PROOF.model_copy(update={"outside": OutsideProof(calls=7, denied=1, into_party=2, into_double=3)}),
            ["1 denied", "2 answered by no double", "3 live ones"], id="calls outside that went astray",
        ),
    ],
)  # fmt: skip
def test_who_began_it_and_what_became_of_the_live_lane(proof: LiveLaneProof, says: list[str]) -> None:
    guard = RunGuard(started_by="ann", approved_by="bob", audit_sha256="c" * 64, silent_s=0.04, live_lane=proof)
    part = page(record(guard=guard)).split('aria-labelledby="h-guard"')[1].split("</section>")[0]
    text = " ".join(re.sub(r'<span lang="zh">.*?</span>|<[^>]+>|[✓✕?]', " ", part).split())
    for words in ("started by ann", "approved by bob", "cccccccc", "the last request was sent 0.04 s later", *says):
        assert words in text, text


PUBLIC = PublicProof(
    round=9, sent=900, refused=2, doubtful=1, wins_seen=20, wins_posted=21, budget_fen=1000, credited_fen=900,
    refunded_fen=100, residue_fen=0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({}, "its books close by themselves", id="a doubtful answer was a win"),
        pytest.param({"wins_posted": 20, "doubtful": 0}, "its books close by themselves", id="all that was seen"),
        pytest.param({"wins_posted": 22}, "its books do not close", id="a win that nobody of the public saw"),
        pytest.param({"wins_posted": 19}, "its books do not close", id="a win that was seen is missing"),
        pytest.param({"residue_fen": -1}, "its books do not close", id="a fen too many"),
        pytest.param({"broken": ("S3",)}, "its books do not close", id="a rule of the books is broken"),
    ],
)
def test_the_publics_own_round_stands_beside_the_checksum(changes: dict[str, Any], says: str) -> None:
    proof = PUBLIC.model_copy(update=changes)
    text = page(record(guard=RunGuard(started_by="ann", live_lane=PROOF, public=proof)))
    assert says in text
    assert "round 9 of the live lane" in text
    assert [reason.code for reason in public_touched(proof)] == ([] if "by themselves" in says else ["public_touched"])


@pytest.mark.parametrize(
    ("recovered_s", "text", "says"),
    [
        pytest.param(1.5, sentence("recovered_seen", signal="live_p99", after_s=1.5), "again 1.5 s after", id="seen"),
        pytest.param(
            None, sentence("recovered_unseen", signal="live_p99", watched_s=9.0), "was not seen within its bound",
            id="not seen",
        ),
    ],
)  # fmt: skip
def test_what_a_stop_rule_guards_is_told_after_the_stop(recovered_s: float | None, text: Sentence, says: str) -> None:
    stop = StopRecord(signal="live_p99", at_s=4.25, recovered_s=recovered_s, text=text)
    shown = page(record(guard=RunGuard(started_by="ann", stop=stop)))
    (told,) = re.findall(r'<dd class="stop">.*?</dd>', shown)
    assert says in told
    assert "停止后" in told or "没有看到" in told
    assert "it fired at second 4.2" in told


def test_each_of_several_fronts_stands_in_a_table() -> None:
    one = FrontResult(front=0, users=75, sent=900, wins=3, unknown=0, response_ms=Percentiles(p50=1.0, p99=77.7))
    text = page(record(fronts=(one, one.model_copy(update={"front": 1, "users": 25}))))
    (table,) = re.findall(r'<table class="dense fronts">.*?</table>', text, re.DOTALL)
    assert "front-0" in table
    assert "front-1" in table
    assert "77.7" in table
    assert '<table class="dense fronts">' not in page(record())


def test_a_record_of_before_has_no_guard() -> None:
    assert "h-guard" not in page(record())
