"""The capacity answer at the end of a climb: safe rate, knee, highest throughput, cells, suspect. Pure.

What was not seen is said, not guessed: a figure without a value says why.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.capacity.looks import StairLook, WindowLook, stairs_of
from harness.capacity.signs import SystemSample, signs_of
from harness.capacity.suspect import Cores, loads_of, suspect_of
from harness.capacity.usl import LEVELS_LEAST, REACH, SPREAD_LEAST, LoadPoint, NoFit, UslFit, fit
from harness.phrases import sentence
from harness.runs.capacity import CapacityAnswer, Grade, GradedFigure, SaidInWords, ScalingLaw

SATURATED = 0.97
"""Answered ÷ due: below this a stair asks for more than gets through, so that what is answered is the most there is."""


@dataclass(frozen=True, slots=True)
class ClimbFound:
    """What a climb found. `held_rps`, `red_rps`: the rates between which the knee is; `objective_s`: the p99 that is
    promised.
    """

    held_rps: float | None
    red_rps: float | None
    objective_s: float
    unseen: str | None = None
    """Where it ended neither on top nor on a red stair: what was seen last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityAsked(ClimbFound):
    """What is asked of a climb of the red-packet system. `event_rps`: the peak of the whole event; `cells`: that
    answered here; `headroom`: share of a cell left free; `spare`: cells beside those needed; `cores`: of this machine;
    `lane`: of the load.
    """

    event_rps: float
    cells: int
    headroom: float
    spare: int
    cores: int
    lane: str = "stress"


def answer_of(
    looks: Sequence[WindowLook], asked: CapacityAsked, used: Cores, told: Sequence[SystemSample] = ()
) -> CapacityAnswer:
    """The whole answer; of a climb that saw nothing, too. `used(from_s, to_s)`: part → cores that were busy then;
    `told`: what each part told of itself meanwhile.
    """
    stairs = stairs_of(looks)
    parts = loads_of(stairs, used, asked.cores)
    signs = signs_of(stairs, told, asked.lane, asked.objective_s, asked.cores)
    suspect = suspect_of(parts, red=asked.red_rps is not None, signs=signs)
    return _answer(looks, asked, suspect).model_copy(update={"cells": _cells(asked), "parts": parts, "signs": signs})


def answer_from_outside(looks: Sequence[WindowLook], found: ClimbFound) -> CapacityAnswer:
    """The answer for somebody's own service: its rates. What it is made of, and what limits it, is not seen."""
    return _answer(looks, found, SaidInWords(text=sentence("suspect_not_ours")))


def _answer(looks: Sequence[WindowLook], found: ClimbFound, suspect: SaidInWords) -> CapacityAnswer:
    """All that the load alone tells."""
    stairs, law = stairs_of(looks), fit(_points(looks))
    return CapacityAnswer(
        safe=_safe(stairs, found),
        knee=_knee(stairs, found),
        most=_most(stairs, law),
        law=None if isinstance(law, NoFit) else _law(law),
        suspect=suspect,
    )


def _points(looks: Sequence[WindowLook]) -> list[LoadPoint]:
    """Windows that were steady: a queue that grows has no throughput that belongs to its length."""
    steady = [one for one in looks if one.answered >= SATURATED * one.due and one.colour != "unclear"]
    return [LoadPoint(one.in_flight, one.answered_rps) for one in steady]


def _safe(stairs: Sequence[StairLook], asked: ClimbFound) -> GradedFigure:
    if asked.held_rps is None:
        return GradedFigure(text=sentence("safe_none"))
    held = next((one for one in reversed(stairs) if one.rate_rps == asked.held_rps), None)
    windows = len(held.windows) if held is not None else 0
    p99_ms = None if held is None or held.p99_s is None else held.p99_s * 1000
    text = (
        sentence("safe_held", windows=windows)
        if p99_ms is None
        else sentence("safe_held_p99", windows=windows, p99_ms=p99_ms, bound_ms=asked.objective_s * 1000)
    )
    return GradedFigure(value=asked.held_rps, grade="measured", text=text)


def _saturated(stairs: Sequence[StairLook]) -> StairLook | None:
    """The last stair, where it asked for more than got through."""
    last = stairs[-1] if stairs else None
    if last is None or last.colour != "red" or last.answered_rps >= SATURATED * last.due_rps:
        return None
    return last


def _knee(stairs: Sequence[StairLook], asked: ClimbFound) -> GradedFigure:
    held, red = asked.held_rps, asked.red_rps
    if red is None:
        if held is None:
            return GradedFigure(text=sentence("knee_none"))
        if asked.unseen is not None:
            return GradedFigure(low=held, text=sentence("knee_unseen", rps=held, seen=asked.unseen))
        return GradedFigure(low=held, text=sentence("knee_above", rps=held))
    if held is None:
        return GradedFigure(high=red, text=sentence("knee_below", rps=red))
    full = _saturated(stairs)
    if full is not None and held <= full.answered_rps <= red:
        text = sentence("knee_full", due_rps=full.due_rps, rps=full.answered_rps)
        return GradedFigure(value=full.answered_rps, low=held, high=red, grade="measured", text=text)
    below, above = (next((one.p99_s for one in reversed(stairs) if one.rate_rps == rate), None) for rate in (held, red))
    bound = asked.objective_s
    if below is not None and above is not None and 0 < below <= bound < above:
        part = (math.log(bound) - math.log(below)) / (math.log(above) - math.log(below))
        text = sentence("knee_crossed", bound_ms=bound * 1000, below_ms=below * 1000, above_ms=above * 1000)
        return GradedFigure(value=held + part * (red - held), low=held, high=red, grade="interpolated", text=text)
    return GradedFigure(low=held, high=red, text=sentence("knee_between", low=held, high=red))


def _most(stairs: Sequence[StairLook], law: UslFit | NoFit) -> GradedFigure:
    if (full := _saturated(stairs)) is not None:
        rps = full.answered_rps
        return GradedFigure(value=rps, grade="measured", text=sentence("most_full", due_rps=full.due_rps, rps=rps))
    if isinstance(law, NoFit):
        text = sentence("law_none", levels=law.levels, spread=law.spread, least=LEVELS_LEAST, apart=SPREAD_LEAST)
        return GradedFigure(text=text)
    if law.best is None or law.best_in_flight is None:
        return GradedFigure(text=sentence("most_beyond", reach=REACH, in_flight=law.highest))
    grade: Grade = "interpolated" if law.best_in_flight <= law.highest else "projected"
    text = sentence("most_law", in_flight=law.best_in_flight, measured=law.highest)
    return GradedFigure(value=law.best.value, low=law.best.low, high=law.best.high, grade=grade, text=text)


def _law(law: UslFit) -> ScalingLaw:
    return ScalingLaw(
        one_rps=law.one_rps,
        contention=law.contention,
        coherency=law.coherency,
        from_in_flight=law.lowest,
        to_in_flight=law.highest,
        best_in_flight=law.best_in_flight,
    )


def _cells(asked: CapacityAsked) -> GradedFigure:
    """`peak / (safe × (1 − headroom))` and the spare ones."""
    if asked.held_rps is None:
        return GradedFigure(text=sentence("cells_none"))
    safe = asked.held_rps / asked.cells
    needed = cells_needed(asked.event_rps, safe, asked.headroom)
    text = sentence(
        "cells_needed", peak_rps=asked.event_rps, safe_rps=safe, headroom=asked.headroom, needed=needed,
        spare=asked.spare,
    )  # fmt: skip
    return GradedFigure(value=needed + asked.spare, grade="projected", text=text)


def cells_needed(peak_rps: float, safe_rps: float, headroom: float) -> int:
    """How many cells of `safe_rps` each carry the peak, with this share of each left free. Raises ValueError."""
    if not (peak_rps > 0 and safe_rps > 0 and 0 <= headroom < 1):
        raise ValueError(f"a peak of {peak_rps}, {safe_rps} a cell, a headroom of {headroom}")
    return math.ceil(peak_rps / (safe_rps * (1 - headroom)) - 1e-9)
