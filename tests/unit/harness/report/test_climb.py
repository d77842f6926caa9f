"""What the report says of a run step by step, and of a climb."""

from __future__ import annotations

import pytest

from harness.phrases import sentence
from harness.report.climb import found
from harness.runs.capacity import CapacityAnswer, GradedFigure, PartLoad, SaidInWords, ScalingLaw
from harness.runs.steps import Capacity, Step
from tests.support.report_page import page, said
from tests.support.sample_run import record
from xiu.commands.run import summary

WARM = Step(kind="constant", phase="warm-up", starts_s=0, duration_s=6, from_rps=100, to_rps=100)


def stair(starts_s: float, rate_rps: float, seen: str, *, held: bool) -> Step:
    return Step.model_validate(
        {
            "kind": "climb", "phase": "measured", "starts_s": starts_s, "duration_s": 9, "from_rps": rate_rps,
            "to_rps": rate_rps, "scheduled": 9 * rate_rps, "sent": 9 * rate_rps, "response_p99_ms": 4.2,
            "seen": seen, "held": held,
        }
    )  # fmt: skip


def rows(text: str, language: str) -> list[str]:
    """Of the table of steps: the words of the language, then what has none."""
    table = text[text.index('<table class="dense steps">') :]
    body = table[table.index("<tbody>") : table.index("</tbody>")]
    return [said(row, language).strip() for row in body.split("<tr>")[1:]]


STAIRS = (stair(6, 350, "green", held=True), stair(15, 700, "red", held=False))


def test_a_climb_s_stairs_stand_with_their_colour_and_what_was_held() -> None:
    text = page(record(steps=(WARM, *STAIRS), capacity=Capacity(held_rps=350, red_rps=700, peak_rps=1000)))
    assert "held: 350/s, 0.35 times the forecast&#39;s peak" in text
    assert "The knee lies between it and 700/s, both measured." in said(text, "en")
    assert rows(text, "en") == [
        "warm-up 1 · 100 0 6 – – – – –",
        "stair green yes 2 · 350 6 9 3,150 3,150 4.2 ✓",
        "stair red no 3 · 700 15 9 6,300 6,300 4.2 ✕",
    ]
    assert rows(text, "zh")[2].startswith("台阶 异常 否 3 ·")


def test_another_plan_s_steps_have_no_colour() -> None:
    text = page(record())
    assert rows(text, "en")[1] == "spike 2 · 17,500 → 35,000 6 23 – – –"
    assert "Step by step" not in said(page(record(steps=())), "en")


@pytest.mark.parametrize(
    ("held", "red", "zh", "en"),
    [
        pytest.param(None, None, "没有一级站稳", "No stair was held, and none was red.", id="nothing known"),
        pytest.param(None, 7, "第一级 7 次/秒就异常", "The first stair, 7/s, was red already", id="the first one"),
        pytest.param(
            120, None, "是预测高峰的 1.2 倍。没有看到拐点", "1.2 times the forecast's peak. No knee", id="top"
        ),
        pytest.param(50, 75, "拐点在它与 75 次/秒之间", "between it and 75/s, both measured.", id="between"),
    ],
)
def test_what_was_found_is_one_sentence(held: float | None, red: float | None, zh: str, en: str) -> None:
    told = found(Capacity(held_rps=held, red_rps=red, peak_rps=100))
    assert zh in told.zh
    assert en in told.en


def test_of_one_s_own_service_it_is_the_plan_s_rate() -> None:
    told = found(Capacity(held_rps=50, red_rps=75, peak_rps=100), ours=False)
    assert "0.5 times the plan's rate." in told.en
    assert "是计划速率的 0.5 倍" in told.zh


ANSWER = CapacityAnswer(
    safe=GradedFigure(value=350.0, grade="measured", text=sentence("safe_held", windows=3)),
    knee=GradedFigure(low=350.0, high=700.0, text=sentence("knee_between", low=350.0, high=700.0)),
    most=GradedFigure(text=sentence("law_none", levels=2, spread=2.0, least=4, apart=2.0)),
    cells=GradedFigure(
        value=11, grade="projected",
        text=sentence("cells_needed", peak_rps=2450.0, safe_rps=350.0, headroom=0.3, needed=10, spare=1),
    ),
    law=ScalingLaw(
        one_rps=(1000, 990, 1010), contention=(0.05, 0.04, 0.06), coherency=(0, 0, 0.001), from_in_flight=1,
        to_in_flight=16,
    ),
    suspect=SaidInWords(text=sentence("suspect_waits", part="front-0", cores=0.5, most=1.0)),
    parts=(PartLoad(part="front-0", cores=0.5, most=1, rate_rps=700, cores_before=0.25, before_rps=350),),
)  # fmt: skip
CLIMBED = record(steps=(WARM, *STAIRS), capacity=Capacity(held_rps=350, red_rps=700, peak_rps=1000, answer=ANSWER))


def test_each_figure_of_the_answer_stands_with_its_grade_and_its_reason_in_both_languages() -> None:
    text = page(CLIMBED)
    table = text[text.index('<table class="dense capacity">') :]
    table = table[: table.index("</table>")]
    en, zh = said(table, "en"), said(table, "zh")
    told = [" ".join(said(row, "en").split()) for row in table[table.index("<tbody>") :].split("<tr>")[1:]]
    assert told[0] == "safe rate /s measured held for 3 windows within the objectives 350 –"
    assert told[1].startswith("knee /s – between 350/s, held, and 700/s, red; where")
    assert told[1].endswith(" – 350 … 700")
    assert told[3].startswith("cells for the event projected 2,450/s ÷ (350/s a cell × (1 − 0.3)) = 10, and 1 spare")
    assert "too few loads for a law: 2 that differ" in en
    assert "推算" in zh
    assert "前提：单元互不共享" in zh
    whole = " ".join(said(text, "en").split())
    assert "Top suspect: no part ran full (front-0 is nearest, 0.50 of its 1 core)" in whole
    assert "λ 1,000 (990 … 1,010), α 0.05 (0.04 … 0.06), β 0 (0 … 0.001); measured 1 … 16 in flight" in whole
    assert '<table class="dense parts">' in text


def test_the_answer_stands_on_the_command_line() -> None:
    text = "\n".join(summary(CLIMBED))
    table = text[text.index("\ncapacity ") + 1 :].splitlines()
    assert table[0].split() == ["capacity", "value", "between", "grade"]
    assert [line.split()[-1] for line in table if line.startswith(("safe rate /s ", "cells for the event "))] == [
        "measured", "projected",
    ]  # fmt: skip
    assert "top suspect: no part ran full" in text
    assert "scaling law (USL): λ 1,000" in text
    assert max(map(len, table[: table.index("")])) <= 80
    assert "capacity" not in "\n".join(summary(record()))
