"""Plan files: what is read, and how every mistake is told at once, with its line."""

from __future__ import annotations

import copy
import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaos.library import fault
from plans.models import Forecast, PlanError, Problem, StressPlan, find, load_forecast, load_plan
from plans.models.exported import SCHEMAS
from tests.support.plan_files import FORECAST, PLAN, line_of, spoil


def test_the_gala_s_files_are_good():
    loaded = load_plan(PLAN)
    assert loaded.forecast.id == "gala-share"
    assert loaded.plan.measured_s == 58
    assert loaded.plan.probes.forged >= 1000
    assert min(loaded.plan.probes.expired, loaded.plan.probes.foreign) >= 1000


def test_the_curve_has_the_gala_s_peak_factor():
    loaded = load_plan(PLAN)
    measured = [s for s in loaded.plan.segments(1.0) if s["phase"] == 1]
    taps = 0.0
    for segment in measured:
        if segment["kind"] == "constant":
            taps += segment["rate_rps"] * segment["duration_s"]
        elif segment["kind"] == "ramp":
            taps += (segment["from_rps"] + segment["to_rps"]) / 2 * segment["duration_s"]
        else:
            # A countdown that doubles: the mean of an exponential from 0.5 to 1.
            taps += 0.5 / 0.6931 * segment["countdown_s"] + segment["hold_s"]
    factor = loaded.plan.measured_s / taps
    inputs = loaded.forecast.inputs.peak_factor
    assert factor == pytest.approx(inputs.mid, abs=0.02)


def test_every_problem_of_both_files_is_told_at_once(files: Path):
    plan, forecast = files / "stress" / PLAN.name, files / "forecasts" / FORECAST.name
    spoil(
        plan,
        ("lane: stress", "lane: stres"),
        ("warm_up:", "warmup:"),
        ("hold: 20s", "hodl: 20s"),
        ("kind: constant", "kind: constnat"),
        ("credits: 60s", "credits: 60"),
    )
    spoil(forecast, ("weight: 40%", "weight: 41%"), ("amount: 2元", "amount: 2"), ("mid: 25%", "mid: 125%"))
    with pytest.raises(PlanError) as caught:
        load_plan(plan)
    told = [str(problem) for problem in caught.value.problems]
    for words, hint in (
        ("lane: stres", "did you mean stress?"),
        ("warmup:", "did you mean warm_up?"),
        ("hodl: 20s", "did you mean hold?"),
        ("constnat", "did you mean constant?"),
        ("credits: 60", "60s, 5m or 200ms"),
    ):
        assert any(line.startswith(f"{plan}:{line_of(plan, words)}: ") and hint in line for line in told), (words, told)
    for words, hint in (("amount: 2,", "200元"), ("mid: 125%", "0% to 100%")):
        at = f"{forecast}:{line_of(forecast, words)}: "
        assert any(line.startswith(at) and hint in line for line in told), (words, told)
    assert not any("is missing" in line for line in told), "a misspelt key is one mistake, not two"
    assert caught.value.exit_code == 2


def told_at_their_lines(file: Path, problems: tuple[Problem, ...], expected: list[tuple[str, str]]) -> None:
    """Each of (words of the spoilt line, what is said of it) is told at that line, and nothing else is told."""
    told = {(problem.line, problem.what) for problem in problems if problem.file == str(file)}
    for words, says in expected:
        assert any(line == line_of(file, words) and says in what for line, what in told), (words, told)
    assert len(told) == len(expected), told


def test_what_contradicts_itself_in_a_forecast_is_told_at_once_and_at_its_line(files: Path):
    forecast = files / "forecasts" / FORECAST.name
    spoil(
        forecast,
        ("low: 24%", "low: 27%"),
        ("mid: 7/s, high: 7/s", "mid: 7/s, high: 8/s"),
        ("low: 10/s", "low: 5/s"),
        ("weight: 40%", "weight: 41%"),
        ("share: 60%", "share: 59%"),
        ("amount: 2元", "amount: 1元"),
        ("  - id: 2", "  - id: 1"),
        ("low: 85%", "low: 850%"),
    )
    with pytest.raises(PlanError) as caught:
        load_forecast(forecast)
    expected = [
        ("low: 27%", "out of order"),
        ("high: 8/s", "above the limit"),
        ("low: 5/s", "below the limit"),
        ("sponsors:", "weights add up to 101"),
        ("classes:", "classes add up to 99"),
        ("{amount: 1元, share: 25%}", "same amount"),
        ("low: 850%", "not a share"),
    ]
    second = line_of(forecast, "Spring Grain") - 1
    assert ["same id" in one.what for one in caught.value.problems if one.line == second] == [True]
    told_at_their_lines(forecast, tuple(one for one in caught.value.problems if one.line != second), expected)


def test_a_broken_field_hides_no_contradiction_of_a_plan_with_itself_or_its_forecast(files: Path):
    plan, forecast = files / "stress" / PLAN.name, files / "forecasts" / FORECAST.name
    spoil(
        plan,
        ("seed: 20160207", "seed: -1"),
        ("opens: 5s, duration: 60s", "opens: 90s, duration: 50s"),
        ("peak: 100%", "peak: 90%"),
        ("from: 100%", "from: 90%"),
        ("response_p99: 100ms", "response_p99: 1ms"),
        ("credits: 60s", "credits: 60"),
    )
    spoil(forecast, ("mid: 25%", "mid: 125%"))
    with pytest.raises(PlanError) as caught:
        load_plan(plan)
    expected = [
        ("seed: -1", "greater than or equal to 0"),
        ("opens: 90s", "after the last tap"),
        ("duration: 50s", "the forecast's round"),
        ("steps:", "no step reaches the peak"),
        ("response_p99: 1ms", "already lost"),
        ("credits: 60,", "not a duration"),
    ]
    told_at_their_lines(plan, caught.value.problems, expected)
    told_at_their_lines(forecast, caught.value.problems, [("mid: 125%", "not a share")])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param("duration: 60s, release", "duration: 70s, release", "the forecast's round", id="another round"),
        pytest.param("opens: 5s", "opens: 90s", "after the last tap", id="opens after the end"),
        pytest.param("duration: 15s", "duration: 18s", "closes at 65 s", id="taps after the close"),
        pytest.param(
            "peak: 100%, countdown: 3s, hold: 20s}\n  - {kind: ramp, from: 100%",
            "peak: 90%, countdown: 3s, hold: 20s}\n  - {kind: ramp, from: 90%",
            "no step reaches the peak",
            id="no peak",
        ),
        pytest.param("response_p99: 100ms", "response_p99: 1ms", "already lost", id="a promise below the forecast"),
        pytest.param(
            "credit_delay_p99: 5s", "credit_delay_p99: 500ms", "already lost", id="a delay below the forecast"
        ),
        pytest.param("response_p99: 100ms", "response_p99: 101ms", "cannot be broken", id="a promise above the worst"),
        pytest.param(
            "credit_delay_p99: 5s",
            "credit_delay_p99: 6s",
            "the forecast's `high` of it, 5s",
            id="a delay above the worst",
        ),
        pytest.param("release: 95%", "release: 0%", "greater than 0", id="no time to release"),
        pytest.param("seed: 20160207", "seed: -1", "greater than or equal to 0", id="a negative seed"),
        pytest.param("signal: error_share", "signal: eror_share", "did you mean error_share", id="an unknown signal"),
        pytest.param("seed: 20160207", "seed: 1\nseed: 2", "stands twice", id="a key twice"),
        pytest.param("steps:", "steps: [", "not YAML", id="not YAML"),
        pytest.param("kind: stress", "kind: forecast", "one of stress", id="another kind of file"),
        pytest.param(
            "../forecasts/gala-share.yaml", "../forecasts/gala-shar.yaml", "did you mean", id="no such forecast"
        ),
    ],
)
def test_a_spoilt_plan_is_refused(files: Path, old: str, new: str, says: str):
    plan = files / "stress" / PLAN.name
    spoil(plan, (old, new))
    with pytest.raises(PlanError) as caught:
        load_plan(plan)
    assert says in str(caught.value)
    assert all(re.match(rf"{re.escape(str(files))}/\w+/gala-share.yaml:\d+: ", str(p)) for p in caught.value.problems)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param("share: 60%", "share: 59%", "add up to", id="classes that are not all"),
        pytest.param("amount: 2元", "amount: 1元", "same amount", id="an amount twice"),
        pytest.param("  - id: 2", "  - id: 1", "same id", id="a sponsor twice"),
        pytest.param(
            "    budget: 66_000_000元", "    budjet: 66_000_000元", "did you mean budget", id="a misspelt budget"
        ),
        pytest.param("Spring Grain", "g" * 80, "characters at most", id="a sponsor's name too long for control"),
        pytest.param("Spring Grain", '"\\u200b"', "U+200B", id="a sponsor's name that nobody sees"),
        pytest.param("low: 24%", "low: 26%", "out of order", id="a low above the mid"),
        pytest.param("mid: 7/s, high: 7/s", "mid: 7/s, high: 8/s", "above the limit", id="taps above the limit"),
        pytest.param("low: 10/s", "low: 5/s", "refuses", id="a quick finger below the limit"),
        pytest.param("short: 60s", "short: 600s", "longer than full", id="a short round that is longer"),
        pytest.param(', source: "assumption: twice the limit"', "", "source", id="a figure without a source"),
        pytest.param("scale: 1/10_000", "scale: 10_000", "a scale", id="a scale upside down"),
    ],
)
def test_a_spoilt_forecast_is_refused(files: Path, old: str, new: str, says: str):
    forecast = files / "forecasts" / FORECAST.name
    spoil(forecast, (old, new))
    with pytest.raises(PlanError) as caught:
        load_forecast(forecast)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "- a\n- b\n", "just words", "a: &x [*x]\n", "? [a]\n: b\n", "a: !!python/none x\n", "\t"]
)
def test_what_is_no_plan_at_all_is_one_clear_error(tmp_path: Path, text: str):
    file = tmp_path / "odd.yaml"
    file.write_text(text)
    with pytest.raises(PlanError) as caught:
        load_plan(file)
    assert str(file) in str(caught.value)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n" for before, after in pairwise("abcdefghij")
)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        pytest.param("kind: stress\nsteps: " + "[" * 5000, 2, "nested too deeply", id="many lists"),
        pytest.param("\n".join(" " * n + "a:" for n in range(500)), 33, "nested too deeply", id="many mappings"),
        pytest.param(BOMB, 1, "too much in one file", id="aliases of aliases"),
        pytest.param("kind: stress\nid: !!bool maybe\n", 2, "cannot be read as bool: 'maybe'", id="no bool"),
        pytest.param('kind: stress\nid: !!int ""\n', 2, "cannot be read as int", id="no int"),
        pytest.param("kind: stress\nid: !!timestamp x\n", 2, "cannot be read as timestamp", id="no time"),
        pytest.param("kind: stress\nid: a\x07b\n", 2, "not YAML", id="a control character"),
        pytest.param("kind: stress\nid: " + "x" * 10_000, 2, "x…", id="a long value is not repeated whole"),
    ],
)
def test_what_would_be_too_much_to_read_is_refused_at_its_line(tmp_path: Path, text: str, line: int, says: str):
    file = tmp_path / "odd.yaml"
    file.write_text(text)
    with pytest.raises(PlanError) as caught:
        load_plan(file)
    told = [str(problem) for problem in caught.value.problems]
    assert any(one.startswith(f"{file}:{line}: ") and says in one and len(one) < 500 for one in told), told


def test_bytes_that_are_not_text_are_refused(tmp_path: Path):
    file = tmp_path / "odd.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PlanError, match="not UTF-8"):
        load_plan(file)


@pytest.mark.parametrize("file", ["/dev/zero", "/dev/full"])
def test_a_file_without_an_end_is_refused(file: str):
    with pytest.raises(PlanError, match=f"{file}: cannot be read: a device, not a file"):
        load_plan(Path(file))


def test_a_name_is_looked_up_with_a_hint():
    assert find("gala-share", "stress") == PLAN
    with pytest.raises(PlanError, match="did you mean gala-share"):
        find("gala-shar", "stress")


def test_what_was_read_can_be_written_and_read_back():
    loaded = load_plan(PLAN)
    context = {"parsed": True}
    assert StressPlan.model_validate(loaded.plan.model_dump(mode="json"), context=context) == loaded.plan
    assert Forecast.model_validate(loaded.forecast.model_dump(mode="json"), context=context) == loaded.forecast


@pytest.mark.parametrize("kind", sorted({**SCHEMAS, "fault": fault()}))
def test_the_schema_forbids_unknown_keys_and_names_aliases(kind: str):
    schema = {**SCHEMAS, "fault": fault()}[kind].model_json_schema(by_alias=True)
    assert schema["additionalProperties"] is False
    assert all(part["additionalProperties"] is False for part in schema["$defs"].values())
    if kind == "plan":
        assert "from" in schema["$defs"]["Ramp"]["properties"]


def test_a_longer_round_stretches_the_steps_and_keeps_the_margins():
    plan = load_plan(PLAN).plan
    segments = plan.segments(35_000, 300)
    measured = sum(
        s.get("duration_s", 0) + s.get("countdown_s", 0) + s.get("hold_s", 0) + s.get("decay_s", 0)
        for s in segments
        if s["phase"] == 1
    )
    assert measured == pytest.approx(298)
    assert segments[0]["duration_s"] == plan.warm_up.duration


def _spots(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place of a document, leaves and branches."""
    items: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [spot for key, item in items for spot in ((*path, key), *_spots(item, (*path, key)))]


DATA = {name: yaml.safe_load(file.read_text(encoding="utf-8")) for name, file in (("p", PLAN), ("f", FORECAST))}
TEXTS = {name: yaml.safe_dump(document, allow_unicode=True) for name, document in DATA.items()}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.dates(),
    st.binary(max_size=4),
    st.sampled_from(["0s", "1s", "100%", "0%", "1元", "1/1", "60s", [], {}, [1], {"kind": "ramp"}, {"low": 1}]),
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(which=st.sampled_from(["p", "f"]), data=st.data())
def test_whatever_is_written_is_read_or_refused_in_words(files: Path, which: str, data: st.DataObject):
    document = copy.deepcopy(DATA[which])
    spot = data.draw(st.sampled_from(_spots(document)))
    place = document
    for part in spot[:-1]:
        place = place[part]
    place[spot[-1]] = data.draw(ODD)
    texts = {**TEXTS, which: yaml.safe_dump(document, allow_unicode=True)}
    plan, forecast = files / "stress" / PLAN.name, files / "forecasts" / FORECAST.name
    for file, name in ((plan, "p"), (forecast, "f")):
        file.write_text(texts[name], encoding="utf-8")
    problems, segments = outcome(plan)
    assert bool(problems) != bool(segments)
    assert all(problem.line >= 1 and problem.what for problem in problems)


def outcome(plan: Path) -> tuple[tuple[Problem, ...], list[object]]:
    """The problems of a plan, or its segments."""
    try:
        return (), list(load_plan(plan).plan.segments(35_000))
    except PlanError as exc:
        return exc.problems, []


def test_a_release_that_is_left_out_is_what_the_forecast_expects(files: Path):
    plan, forecast = files / "stress" / PLAN.name, files / "forecasts" / PLAN.name
    spoil(plan, (", release: 95%", ""))
    assert load_plan(plan).plan.round.release == 0.95
    spoil(forecast, ("low: 85%, mid: 95%", "low: 85%, mid: 90%"))
    assert load_plan(plan).plan.round.release == 0.9
