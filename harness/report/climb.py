"""What a climb found, in words: the highest rate that was held, where its end was, and what follows from it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from harness.phrases import chinese, sentence
from harness.report.figures import number
from harness.report.vocabulary import ELSEWHERE, GRADES, Both
from harness.runs.capacity import CapacityAnswer, GradedFigure, LimitSign, SaidInWords
from harness.runs.steps import Capacity


def found(capacity: Capacity, *, ours: bool = True) -> Both:
    """One sentence. Both rates were measured; the knee lies between them. `ours`: of the red-packet system."""
    held, red = capacity.held_rps, capacity.red_rps
    if held is None and red is None:
        return Both("没有一级站稳，也没有看到异常。", "No stair was held, and none was red.")
    if held is None:
        return Both(
            f"第一级 {number(red)} 次/秒就异常：没有站稳的一级。",
            f"The first stair, {number(red)}/s, was red already: none was held.",
        )
    share = f"{held / capacity.peak_rps:.3g}"
    peak = Both("预测高峰", "forecast's peak") if ours else Both("计划速率", "plan's rate")
    zh = f"站稳的最高一级：{number(held)} 次/秒，是{peak.zh}的 {share} 倍"
    en = f"The highest stair that was held: {number(held)}/s, {share} times the {peak.en}"
    if red is None:
        return Both(f"{zh}。没有看到拐点。", f"{en}. No knee was seen.")
    return Both(
        f"{zh}。拐点在它与 {number(red)} 次/秒之间，两端都是实测。",
        f"{en}. The knee lies between it and {number(red)}/s, both measured.",
    )


@dataclass(frozen=True, slots=True)
class CapacityRow:
    """One figure of the answer, as it is printed: a dash where it is not known."""

    name: Both
    value: str
    between: str
    grade: Both
    why: Both


def said(words: SaidInWords) -> Both:
    """A sentence of the answer, in both languages."""
    return Both(chinese(words.says, words.data) or ELSEWHERE, words.text)


def sign_name(sign: LimitSign) -> Both:
    """What a sign is of, and of which part."""
    text = sentence(f"sign_{sign.what}", part=sign.part)
    return Both(chinese(text.says, text.data) or text, str(text))


def rows(answer: CapacityAnswer) -> list[CapacityRow]:
    """Every figure of the answer, in the order in which they are asked for."""
    cells = [] if answer.cells is None else [_row(Both("全场需要的单元", "cells for the event"), answer.cells)]
    return [
        _row(Both("安全速率 次/秒", "safe rate /s"), answer.safe),
        _row(Both("拐点 次/秒", "knee /s"), answer.knee),
        _row(Both("最大吞吐 次/秒", "most /s"), answer.most),
        *cells,
    ]


def _row(name: Both, one: GradedFigure) -> CapacityRow:
    between = "" if one.low is None and one.high is None else f"{number(one.low)} … {number(one.high)}"
    grade = Both("–", "–") if one.grade is None else GRADES[one.grade]
    return CapacityRow(name, number(one.value), between, grade, said(one))


def law(answer: CapacityAnswer) -> Both | None:
    """The scaling law's parameters, each with its interval; None where nothing was fitted."""
    one = answer.law
    if one is None:
        return None
    told = ", ".join(
        f"{sign} {number(value)} ({number(low)} … {number(high)})"
        for sign, (value, low, high) in (("λ", one.one_rps), ("α", one.contention), ("β", one.coherency))
    )
    reach = f"{number(one.from_in_flight)} … {number(one.to_in_flight)}"
    return Both(f"扩展律（USL）：{told}；实测并发 {reach}", f"scaling law (USL): {told}; measured {reach} in flight")
