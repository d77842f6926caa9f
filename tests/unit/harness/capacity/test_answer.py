"""The capacity answer: each figure from steps made up, with its grade; what was not seen is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from harness.capacity.answer import ClimbFound, answer_from_outside, answer_of, cells_needed
from harness.capacity.looks import WindowLook
from harness.phrases import sentence
from harness.runs.capacity import CapacityAnswer
from tests.support.climb_looks import COHERENCY, CONTENTION, SPAN_S, TWO, WINDOWS, asked, busy, climb, rate_at, stair


def answer(looks: list[WindowLook], held: float | None, red: float | None, **more: Any) -> CapacityAnswer:
    return answer_of(looks, asked(held, red, **more), lambda from_s, to_s: {})


def test_of_a_system_that_obeys_the_law_every_figure_is_told() -> None:
    looks = climb(1, 2, 4, 8, 16)
    held = looks[-1].rate_rps
    found = answer(looks, held, None)
    assert (found.safe.value, found.safe.grade) == (held, "measured")
    assert found.safe.text.startswith("held for 3 windows: p99 14 ms of 100 ms promised")
    assert found.law is not None
    assert found.law.contention[0] == pytest.approx(CONTENTION, abs=1e-3)
    assert found.law.coherency[0] == pytest.approx(COHERENCY, abs=1e-4)
    assert found.most.grade == "projected"
    assert found.most.value == pytest.approx(rate_at(30.8), rel=0.01)
    assert found.most.low is not None
    assert found.most.high is not None
    assert found.most.low <= found.most.value <= found.most.high
    assert answer(climb(1, 4, 16, 32, 40), held, None).most.grade == "interpolated"


def test_a_knee_that_was_not_reached_is_said() -> None:
    found = answer(climb(1, 2, 4, 8), 5_000.0, None)
    assert (found.knee.value, found.knee.grade, found.knee.low, found.knee.high) == (None, None, 5_000.0, None)
    assert found.knee.text == "no knee was reached up to 5,000/s, the highest stair that was held"


def test_a_knee_above_which_nothing_was_seen_is_not_denied() -> None:
    """The generator was late: that it carries more was not seen, nor that it does not."""
    seen = sentence("seen_late")
    text = answer(climb(1, 2, 4, 8), 5_000.0, None, unseen=seen).knee.text
    assert text.startswith("not known: up to 5,000/s every stair was held")
    assert text.endswith("last seen: unclear, the generator was late")


def test_one_window_is_one() -> None:
    assert sentence("safe_held", windows=1) == "held for 1 window within the objectives"
    assert sentence("safe_held", windows=1_200) == "held for 1200 windows within the objectives"


def test_a_knee_between_two_stairs_is_where_the_p99_crosses_the_promise() -> None:
    looks = [*stair(0, 1000.0, 2.0, 20), *stair(1, 2000.0, 9.0, 500, "red")]
    found = answer(looks, 1000.0, 2000.0).knee
    assert (found.grade, found.low, found.high) == ("interpolated", 1000.0, 2000.0)
    assert found.value == pytest.approx(1500.0), "100 ms is half way from 20 to 500, by factors"


def test_what_gets_through_a_full_system_is_measured() -> None:
    looks = [*stair(0, 1000.0, 2.0, 20), *stair(1, 2000.0, 900.0, 5000, "red", answered=0.6)]
    found = answer(looks, 1000.0, 2000.0)
    assert (found.knee.value, found.knee.grade) == (1200.0, "measured")
    assert (found.most.value, found.most.grade) == (1200.0, "measured")
    assert found.most.text == "of 2,000/s asked for, 1,200/s got through on the last stair"


def test_a_knee_of_which_the_stairs_tell_no_more_has_its_ends_alone() -> None:
    looks = [*stair(0, 10.0, 0.1, 20), *stair(1, 20.0, 0.2, 500, "red")]
    found = answer(looks, 10.0, 20.0).knee
    assert (found.value, found.grade, found.low, found.high) == (None, None, 10.0, 20.0)
    assert "the stairs do not tell" in found.text, "too few answers for a p99"


def test_a_first_stair_that_was_red_makes_nothing_safe() -> None:
    found = answer(stair(0, 1000.0, 2.0, 500, "red"), None, 1000.0)
    assert found.cells is not None
    assert (found.safe.value, found.cells.value, found.knee.high) == (None, None, 1000.0)
    assert found.cells.text == "not known: no rate is known to be safe"


def test_too_few_steps_are_said_and_no_law_is_guessed() -> None:
    found = answer(climb(1, 2, 4), 3_000.0, None)
    assert (found.law, found.most.value, found.most.grade) == (None, None, None)
    assert found.most.text.startswith("too few loads for a law: 3 that differ, the largest 4 times the smallest")
    nothing = answer([], None, None)
    assert nothing.cells is not None
    assert (nothing.safe.value, nothing.knee.value, nothing.most.value, nothing.cells.value) == (None,) * 4
    assert nothing.suspect.text == "not known: no part here tells what it uses of a CPU"


def test_a_queue_that_grows_and_an_unclear_window_are_no_points_of_the_law() -> None:
    odd = [*stair(5, 9000.0, 700.0, 5000, "red", answered=0.5), *stair(6, 8000.0, 1.0, 10, "unclear")]
    with_odd, without = answer([*climb(1, 2, 4, 8, 16), *odd], 1.0, None), answer(climb(1, 2, 4, 8, 16), 1.0, None)
    assert with_odd.law == without.law


def test_cells_are_the_peak_by_what_is_safe_with_headroom_and_spare() -> None:
    found = answer([], 50_000.0, None, cells=2)
    assert found.cells is not None
    assert (found.cells.value, found.cells.grade) == (20_001, "projected")
    assert found.cells.text.startswith("3.5e+08/s ÷ (25,000/s a cell × (1 − 0.3)) = 20,000, and 1 spare")


@pytest.mark.parametrize(
    ("peak", "safe", "headroom", "cells"),
    [(700, 100, 0.3, 10), (701, 100, 0.3, 11), (1, 1000, 0.0, 1), (100, 100, 0.0, 1)],
)
def test_a_cell_more_from_the_first_request_beyond(peak: float, safe: float, headroom: float, cells: int) -> None:
    assert cells_needed(peak, safe, headroom) == cells


def test_no_cells_without_a_rate() -> None:
    with pytest.raises(ValueError, match="a headroom of 1"):
        cells_needed(1, 1, 1)


@pytest.mark.parametrize(
    ("used", "red", "says"),
    [
        pytest.param(
            {"front-0": (0.5, 0.97), "valkey-0": (0.2, 0.4), "machine": (1.0, 1.9)}, 2000.0,
            "front-0: 0.97 of its 1 core busy at 2,000/s, 0.50 at 1,000/s: it runs full first", id="a core",
        ),
        pytest.param(
            {"front-0": (0.3, 0.6), "postgres": (0.5, 1.8), "machine": (1.0, 1.9)}, 2000.0,
            "postgres: 1.80 of its 2 cores busy", id="several cores",
        ),
        pytest.param(
            {"front-0": (0.3, 0.6), "machine": (1.0, 1.9)}, 2000.0,
            "this machine: 1.90 of its 2 cores busy, no part alone at its limit (front-0 0.60)", id="the machine",
        ),
        pytest.param(
            {"front-0": (0.3, 0.6), "machine": (0.5, 0.9)}, 2000.0,
            "no part ran full (front-0 is nearest, 0.60 of its 1 core): what ended the climb waits", id="a wait",
        ),
        pytest.param(
            {"front-0": (0.3, 0.6)}, None, "no end was met, and no part was near its limit (front-0", id="no end",
        ),
        pytest.param(
            {"front-0": (0.3, 0.9)}, None,
            "no end was met; next to run full: front-0, 0.90 of its 1 core busy at 2,000/s, 0.30", id="what is next",
        ),
    ],
)  # fmt: skip
def test_the_suspect_is_named_with_its_evidence(
    used: Mapping[str, tuple[float, float]], red: float | None, says: str
) -> None:
    found = answer_of(TWO, asked(1000.0, red), busy(used, WINDOWS * SPAN_S))
    assert found.suspect.text.startswith(says)
    assert found.parts[0].cores / found.parts[0].most >= found.parts[-1].cores / found.parts[-1].most


def test_what_got_through_a_stair_is_told_without_the_seconds_of_the_one_below() -> None:
    """Its first window was seen from two seconds before it on: 80/s were due then, not 120."""
    below = stair(0, 80.0, 1.0, 20)
    first, second, _ = stair(1, 120.0, 20.0, 500, "red", answered=100 / 120)
    mixed = replace(first, due=2 * 80 + 3 * 120, answered=2 * 80 + 3 * 100)
    found = answer([*below, mixed, second], 80.0, 120.0)
    assert (found.knee.value, found.knee.grade, found.most.value) == (100.0, "measured", 100.0)
    assert "of 120/s asked for, 100/s were answered" in found.knee.text


def test_of_somebody_else_s_service_its_rates_alone_are_told() -> None:
    found = answer_from_outside(TWO, ClimbFound(1000.0, 2000.0, 0.1))
    ours = answer(TWO, 1000.0, 2000.0)
    assert (found.safe, found.knee, found.most, found.law) == (ours.safe, ours.knee, ours.most, ours.law)
    assert (found.cells, found.parts, found.signs) == (None, (), ())
    assert found.suspect.text.startswith("not known: it is not ours")
