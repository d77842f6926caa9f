"""Share, bands, lock and judgement of a forecast."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.engine.population import Mix, populate
from harness.engine.schedule import pieces_of, schedule
from harness.forecast import Lock, LockBroken, ShareError, judge, lock, read_lock, share_of, write_lock
from harness.forecast.actuals import Actuals, peak_rates, peak_seconds
from harness.forecast.compute import compute
from harness.forecast.judge import state_of
from harness.forecast.limit import Quick, curve, refused_share
from harness.forecast.lock import canonical
from harness.forecast.share import Share, apportion, budget_classes
from harness.forecast.target import Target
from harness.runs.record import Second
from plans.models import LoadedPlan, find, load_plan
from plans.models.forecast import Words
from system.contract.api import RoundOrder
from system.contract.history import Kind
from tests.support import other_event
from tests.support.plan_files import spoil
from tests.support.sample_run import GOOD, sample_lock

GALA = Fraction(1, 10_000)


@pytest.fixture(scope="module")
def gala() -> LoadedPlan:
    return load_plan(find("gala-share", "stress"))


def test_one_ten_thousandth_of_the_gala(gala: LoadedPlan):
    share = share_of(gala.forecast, gala.plan, GALA)
    assert share.peak_rps == pytest.approx(35_000)
    assert (share.users, share.tapping_at_once, share.packets) == (20_000, 5_000, 1_200)
    assert share.taps_per_win == pytest.approx(1_750)
    assert share.wins_per_s == pytest.approx(20)
    full = share_of(gala.forecast, gala.plan, GALA, 300)
    assert (full.packets, full.users, full.taps_per_win) == (6_000, 20_000, pytest.approx(1_750))


@pytest.mark.parametrize("scale", [Fraction(1), Fraction(1, 10_000), Fraction(3, 50_000), Fraction(1, 77_777)])
def test_dimensionless_numbers_stay_at_every_scale(gala: LoadedPlan, scale: Fraction):
    share = share_of(gala.forecast, gala.plan, scale)
    assert share.peak_rps / share.tapping_at_once == pytest.approx(7, rel=0.01)
    assert share.taps_per_win == pytest.approx(1_750, rel=0.01)
    assert share.users / share.tapping_at_once == pytest.approx(4, rel=0.01)


@pytest.mark.parametrize("scale", [Fraction(1), Fraction(1, 10_000), Fraction(1, 123_457)])
def test_the_split_is_an_order_that_control_accepts(gala: LoadedPlan, scale: Fraction):
    share = share_of(gala.forecast, gala.plan, scale)
    order = RoundOrder(sponsors=share.sponsors, starts_in_ms=0, duration_ms=60_000)
    assert (order.packets, order.budget_fen) == (share.packets, share.budget_fen)


def test_a_budget_is_spent_to_the_fen(gala: LoadedPlan):
    share = share_of(gala.forecast, gala.plan, GALA)
    assert share.sponsors[2].budget_fen == 66_000_000_00 // 10_000 // 5


def test_a_scale_without_a_packet_for_everybody_is_refused(gala: LoadedPlan):
    with pytest.raises(ShareError, match="without a packet"):
        share_of(gala.forecast, gala.plan, Fraction(1, 30_000_000))


@pytest.mark.parametrize(
    ("packets", "changes", "says"),
    [
        pytest.param(3_000_000_000, {}, "at most 2,147,483,648", id="more packets than a round can have"),
        pytest.param(200, {"budget": 10**13}, "class", id="an amount that does not fit"),
        pytest.param(200, {"name": Words(zh="长" * 50, en="long" * 10)}, "80 characters", id="a name too long"),
        pytest.param(200, {"budget": 1}, "at least one fen each", id="a budget too small"),
    ],
)
def test_what_control_would_refuse_is_refused_here(tmp_path: Path, packets: int, changes: dict[str, object], says: str):
    loaded = load_plan(other_event.write(tmp_path))
    figure = loaded.forecast.inputs.packets.model_copy(update={"low": packets, "mid": packets, "high": packets})
    first = loaded.forecast.sponsors[0].model_copy(update=changes)
    forecast = loaded.forecast.model_copy(
        update={
            "inputs": loaded.forecast.inputs.model_copy(update={"packets": figure}),
            "sponsors": (first, *loaded.forecast.sponsors[1:]),
        }
    )
    with pytest.raises(ShareError, match=says) as caught:
        share_of(forecast, loaded.plan, Fraction(1), 20)
    assert caught.value.exit_code == 2


def test_the_largest_round_and_the_longest_have_bands_too(gala: LoadedPlan):
    with_most = share_of(gala.forecast, gala.plan, Fraction(1, 10), 86_400)
    assert with_most.packets > 10**9
    targets = {t.indicator: t for t in compute(gala.forecast, gala.plan, with_most)}
    assert 0 < targets["sponsor_1_fen"].lower < targets["sponsor_1_fen"].upper
    assert targets["refused_share"].expected == pytest.approx(0.0067, rel=0.1)


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_budget_classes_sum_to_the_fen(packets: int, extra: int):
    budget = packets + extra
    classes = budget_classes(budget, packets)
    assert sum(fen * n for fen, n in classes) == budget
    assert sum(n for _, n in classes) == packets
    assert all(fen >= 1 and n >= 1 for fen, n in classes)


def test_a_budget_below_a_fen_each_is_refused():
    with pytest.raises(ShareError, match="at least one fen each"):
        budget_classes(9, 10)


@given(st.integers(0, 10**6), st.lists(st.integers(1, 100), min_size=1, max_size=6))
def test_apportion_is_exact_and_fair(total: int, weights: list[int]):
    parts = apportion(total, [Fraction(w) for w in weights])
    assert sum(parts) == total
    assert all(abs(p - total * w / sum(weights)) < 1 for p, w in zip(parts, weights, strict=True))


def test_bands_hold_what_they_expect_and_are_seeded(gala: LoadedPlan):
    share = share_of(gala.forecast, gala.plan, GALA)
    targets = compute(gala.forecast, gala.plan, share)
    assert targets == compute(gala.forecast, gala.plan, share)
    assert all(t.lower <= t.expected <= t.upper for t in targets)
    assert len({t.indicator for t in targets}) == len(targets)
    assert {t.link for t in targets} == {"client-front", "front-valkey", "credit-postgres"}
    other = compute(gala.forecast, gala.plan.model_copy(update={"seed": 1}), share)
    assert [t.expected for t in other] == [t.expected for t in targets]


def test_bands_shrink_in_proportion(gala: LoadedPlan):
    whole = {t.indicator: t for t in compute(gala.forecast, gala.plan, share_of(gala.forecast, gala.plan, GALA))}
    half = {t.indicator: t for t in compute(gala.forecast, gala.plan, share_of(gala.forecast, gala.plan, GALA / 2))}
    for name in ("offered_rps", "answered_rps", "wins"):
        assert half[name].expected == pytest.approx(whole[name].expected / 2, rel=0.01)
    for name in ("response_p99_ms", "credit_delay_p99_s", "drain_s", "refused_share", "pool_lasts_s"):
        assert half[name].expected == pytest.approx(whole[name].expected, rel=0.01), name


@pytest.mark.parametrize("parts", [10_000, 100_000, 200_000, 350_000, 700_000])
def test_refusals_of_a_share_of_any_size_are_those_of_whole_people_played_tap_by_tap(gala: LoadedPlan, parts: int):
    share = share_of(gala.forecast, gala.plan, Fraction(1, parts))
    target = next(t for t in compute(gala.forecast, gala.plan, share) if t.indicator == "refused_share")
    found = played(gala, share, seed=5)
    # A single quick finger: what its users' wins and turns do to it is not averaged out.
    assert found == pytest.approx(target.expected, rel=0.1 if parts < 500_000 else 0.25)
    assert state_of(target, found) == "PASS"
    # What the reviewer's run showed, one quick finger of 1.43.
    assert parts != 350_000 or state_of(target, 0.003377) == "PASS"


def test_refusals_at_the_natural_share_are_not_touched_by_rounding(gala: LoadedPlan):
    share = share_of(gala.forecast, gala.plan, GALA)
    target = next(t for t in compute(gala.forecast, gala.plan, share) if t.indicator == "refused_share")
    before = (0.0036774, 0.0058870, 0.0131564)
    assert (target.lower, target.expected, target.upper) == pytest.approx(before, rel=0.01)


def played(gala: LoadedPlan, share: Share, seed: int) -> float:
    """The share of measured taps that a limiter refuses, tap by tap over the engine's own schedule and people."""
    limits = gala.forecast.limits
    taps = schedule(pieces_of(gala.plan.segments(share.peak_rps, share.duration_s)), seed)
    mix = Mix(
        share.tapping_at_once, share.tapping_at_once, share.too_fast_share, share.too_fast_factor,
        ((Kind.FORGED, gala.plan.probes.total),),
    )  # fmt: skip
    people = populate(len(taps), np.zeros(share.users, np.int32), 1, mix, seed, (Kind.TAP, Kind.TOO_FAST))
    level, last, refused = dict[int, float](), dict[int, float](), 0
    fast = people.kind == Kind.TOO_FAST
    columns = (taps.intended_ns[fast] / 1e9, people.user[fast], taps.phase[fast])
    for at_s, user, phase in zip(*(column.tolist() for column in columns), strict=True):
        now = max(0.0, level.get(user, 0.0) - (at_s - last.get(user, at_s)) * limits.taps_per_client)
        over = now + 1 > limits.burst
        level[user], last[user] = now if over else now + 1, at_s
        refused += over and phase == 1
    return refused / int((taps.phase == 1).sum())


def test_the_limit_lets_the_usual_finger_through_and_stops_the_quick_one(gala: LoadedPlan):
    share = share_of(gala.forecast, gala.plan, GALA)
    rates = curve(gala.plan.segments(share.peak_rps))
    quick = Quick(share=np.array([0.0, 0.01, 0.01]), factor=np.array([2.0, 1.0, 2.0]))
    nobody, not_quicker, twice = refused_share(rates, share, gala.forecast, quick)
    assert nobody == 0
    assert not_quicker == 0
    # Played tap by tap with a real limiter over the engine's own schedule: 9,361 of 1,546,114.
    assert twice == pytest.approx(9_361 / 1_546_114, rel=0.05)


def test_the_gala_s_numbers_pass_against_themselves():
    rows = judge(sample_lock(), GOOD.by_indicator())
    assert {row.state for row in rows} == {"PASS"}


def target(cls: str, lower: float, expected: float, upper: float) -> Target:
    return Target(
        indicator="x", link="client-front", cls=cls, unit="", lower=lower, expected=expected, upper=upper, why=""
    )


@pytest.mark.parametrize(
    ("cls", "band", "actual", "state"),
    [
        pytest.param("demand", (100, 110, 120), 100, "PASS", id="demand on its edge"),
        pytest.param("demand", (100, 110, 120), 98.1, "WARN", id="demand a little below"),
        pytest.param("demand", (100, 110, 120), 122.5, "FAIL", id="demand well above"),
        pytest.param("delivery", (100, 110, 120), 99.9, "FAIL", id="delivery a little below"),
        pytest.param("delivery", (100, 120, 120), 121, "FAIL", id="more delivered than there is"),
        pytest.param("quality", (0, 5, 100), 5, "PASS", id="as quick as expected"),
        pytest.param("quality", (0, 5, 100), 5.1, "WARN", id="slower than expected, within the promise"),
        pytest.param("quality", (0, 5, 100), 100.1, "FAIL", id="beyond the promise"),
        pytest.param("quality", (0, 0, 0), 1, "FAIL", id="one error where none is allowed"),
        pytest.param("invariant", (0, 0, 0), 0, "PASS", id="exact"),
        pytest.param("invariant", (0, 0, 0), 1, "FAIL", id="one fen off"),
        pytest.param("invariant", (0, 0, 0), -1, "FAIL", id="one fen too much"),
        pytest.param("invariant", (0, 0, 0), None, "NO_DATA", id="an invariant without data is never green"),
        pytest.param("quality", (0, 5, 100), float("nan"), "NO_DATA", id="not a number is no data"),
        pytest.param("demand", (0, 5, 100), float("inf"), "NO_DATA", id="infinite is no data"),
    ],
)
def test_states(cls: str, band: tuple[float, float, float], actual: float | None, state: str):
    assert state_of(target(cls, *band), actual) == state


def test_what_was_not_measured_is_no_data_and_what_was_not_asked_is_neutral():
    rows = {row.indicator: row for row in judge(sample_lock(), {}, ["drain_s"])}
    assert rows["drain_s"].state == "NOT_EVALUATED"
    assert {row.state for name, row in rows.items() if name != "drain_s"} == {"NO_DATA"}
    with pytest.raises(ValueError, match="without a forecast"):
        judge(sample_lock(), {"ofered_rps": 1.0})


def test_a_lock_is_read_back_and_gives_its_share(tmp_path: Path, gala: LoadedPlan):
    share = share_of(gala.forecast, gala.plan, Fraction(3, 50_000), 300)
    sealed = lock(gala, share)
    write_lock(sealed, tmp_path)
    again = read_lock(tmp_path, sealed.sha256)
    assert again == sealed
    assert again.share() == share
    with pytest.raises(LockBroken, match="locked here already"):
        write_lock(sealed, tmp_path)


def _leaves(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in _leaves(item, (*path, key))]
    if isinstance(value, list):
        return [leaf for key, item in enumerate(value) for leaf in _leaves(item, (*path, key))]
    return [path]


SEALED = json.loads(sample_lock().model_dump_json())
LEAVES = [leaf for leaf in _leaves(SEALED) if leaf != ("sha256",)]


def test_a_sponsor_is_named_by_a_field(gala: LoadedPlan):
    sealed = sample_lock()
    mine = [target for target in sealed.targets if target.indicator.startswith("sponsor_")]
    assert [target.name for target in mine] == [one.name for one in sealed.models()[0].sponsors]
    rows = judge(sealed, {}, sha256=sealed.sha256)
    assert {row.name for row in rows if not row.indicator.startswith("sponsor_")} == {None}
    assert [row.name for row in rows if row.indicator.startswith("sponsor_")] == [target.name for target in mine]


def test_a_lock_and_a_record_of_before_there_was_the_field_are_read(tmp_path: Path):
    older = sample_lock().model_dump(mode="json", exclude={"sha256"})
    older["targets"] = [{key: value for key, value in target.items() if key != "name"} for target in older["targets"]]
    sha256 = hashlib.sha256(canonical(older)).hexdigest()
    (tmp_path / "forecast.lock.json").write_text(json.dumps({**older, "sha256": sha256}, ensure_ascii=False))
    sealed = read_lock(tmp_path / "forecast.lock.json", sha256)
    rows = judge(sealed, {}, sha256=sha256)
    assert [row.name for row in rows if row.indicator.startswith("sponsor_")] == [
        one.name for one in sealed.models()[0].sponsors
    ]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(LEAVES))
def test_any_change_of_a_lock_is_refused(leaf: tuple[str | int, ...]):
    changed = json.loads(json.dumps(SEALED))
    spot = changed
    for part in leaf[:-1]:
        spot = spot[part]
    old = spot[leaf[-1]]
    spot[leaf[-1]] = old + 1 if isinstance(old, int | float) and not isinstance(old, bool) else f"{old}x"
    try:
        broken = Lock.model_validate(changed)
    except ValueError:
        return  # no lock at all any more: refused as well
    with pytest.raises(LockBroken) as caught:
        judge(broken, GOOD.by_indicator())
    assert caught.value.exit_code == 2
    assert "not judged" in str(caught.value)


def test_a_lock_hashed_again_is_not_the_one_the_run_began_with(tmp_path: Path, gala: LoadedPlan):
    first = sample_lock()
    softer = first.targets[0].model_copy(update={"lower": 0.0})
    forged = first.model_copy(update={"targets": (softer, *first.targets[1:])})
    forged = forged.model_copy(update={"sha256": forged.digest()})
    write_lock(forged, tmp_path)
    assert read_lock(tmp_path) == forged
    with pytest.raises(LockBroken, match="another forecast than the run began with"):
        read_lock(tmp_path, first.sha256)


@pytest.mark.parametrize("text", ["", "{}", "[]", "\x00"])
def test_a_damaged_lock_is_refused(tmp_path: Path, text: str):
    (tmp_path / "forecast.lock.json").write_text(text)
    with pytest.raises(LockBroken, match="not a locked forecast"):
        read_lock(tmp_path)


def test_no_lock_is_said_so(tmp_path: Path):
    with pytest.raises(LockBroken, match="no locked forecast"):
        read_lock(tmp_path)


def test_the_hash_is_the_same_on_every_machine_and_run():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    loaded = load_plan(find("gala-share", "stress"))
    hashes = {lock(loaded, share_of(loaded.forecast, loaded.plan, GALA), now).sha256 for _ in range(3)}
    assert len(hashes) == 1


def test_peak_seconds_are_whole_seconds_of_the_plateau(gala: LoadedPlan):
    segments = gala.plan.segments(35_000)
    assert peak_seconds(segments) == list(range(9, 29))
    rows = [Second(second=s, offered=35_000 if 9 <= s < 29 else 7, answered=34_000) for s in range(40)]
    assert peak_rates(rows, segments) == (35_000, 34_000)
    assert peak_rates([], segments) == (None, None)


def test_a_second_event_needs_no_change_of_code(tmp_path: Path):
    loaded = load_plan(other_event.write(tmp_path))
    share = share_of(loaded.forecast, loaded.plan, loaded.forecast.scale)
    assert (share.peak_rps, share.users, share.tapping_at_once, share.packets) == (pytest.approx(800), 400, 200, 50)
    assert share.too_fast_factor == 3
    # 35 packets for a quarter of 333.33 yuan; 15 packets of 7 fen and 1.01 yuan.
    assert [s.packets for s in share.sponsors] == [35, 15]
    assert [s.budget_fen for s in share.sponsors] == [8333, 8 * 7 + 7 * 101]
    sealed = lock(loaded, share)
    assert all(t.lower <= t.expected <= t.upper for t in sealed.targets)
    actuals = {t.indicator: t.expected for t in sealed.targets}
    assert {row.state for row in judge(sealed, actuals)} == {"PASS"}
    assert {"sponsor_9_fen", "sponsor_4_fen"} <= actuals.keys()


def test_actuals_have_the_names_of_the_forecast():
    names = {t.indicator for t in sample_lock().targets}
    assert GOOD.by_indicator().keys() == names
    missing = replace(GOOD, wins=None).by_indicator()
    assert missing["wins"] is None
    assert Actuals().by_indicator().keys() < names


def test_the_lows_of_what_is_promised_begin_its_bands(tmp_path: Path):
    """And nothing more: what is better than believed possible passes."""
    plan = other_event.write(tmp_path)
    forecast = tmp_path / "office-party.yaml"
    for name, low, higher in (
        ("response_p99", "0ms", "2ms"), ("credit_delay_p99", "0s", "500ms"), ("credit_drain", "0%", "1%"),
        ("error_share", "0%, mid: 0%, high: 0%", "1%, mid: 1%, high: 2%"),
    ):  # fmt: skip
        spoil(forecast, (f"{name}: {{low: {low}", f"{name}: {{low: {higher}"))
    loaded = load_plan(plan)
    share = share_of(loaded.forecast, loaded.plan, Fraction(1, 2))
    bands = {target.indicator: target for target in compute(loaded.forecast, loaded.plan, share)}
    assert [bands[name].lower for name in ("response_p99_ms", "credit_delay_p99_s", "drain_s")] == [2, 0.5, 0.1]
    assert 0 < bands["errors"].lower == bands["errors"].expected
    assert state_of(bands["response_p99_ms"], 1.0) == "PASS"
