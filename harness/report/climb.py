"""What a climb found, in words: the highest rate that was held, and where its end was. Pure."""

from __future__ import annotations

from harness.report.figures import number
from harness.report.vocabulary import Both
from harness.runs.steps import Capacity


def found(capacity: Capacity) -> Both:
    """One sentence. Both rates were measured; the knee lies between them."""
    held, red = capacity.held_rps, capacity.red_rps
    if held is None and red is None:
        return Both("没有一级站稳，也没有看到异常。", "No stair was held, and none was red.")
    if held is None:
        return Both(
            f"第一级 {number(red)} 次/秒就异常：没有站稳的一级。",
            f"The first stair, {number(red)}/s, was red already: none was held.",
        )
    share = f"{held / capacity.peak_rps:.3g}"
    zh = f"站稳的最高一级：{number(held)} 次/秒，是预测高峰的 {share} 倍"
    en = f"The highest stair that was held: {number(held)}/s, {share} times the forecast's peak"
    if red is None:
        return Both(f"{zh}。没有看到拐点。", f"{en}. No knee was seen.")
    return Both(
        f"{zh}。拐点在它与 {number(red)} 次/秒之间，两端都是实测。",
        f"{en}. The knee lies between it and {number(red)}/s, both measured.",
    )
