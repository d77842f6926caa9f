"""What the report says of a run step by step, and of a climb."""

from __future__ import annotations

import pytest

from harness.report.climb import found
from harness.runs.steps import Capacity, Step
from tests.support.report_page import page, said
from tests.support.sample_run import record

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
