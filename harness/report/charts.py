"""Charts as inline SVG that stretches; labels stay HTML, so they are readable at any width. Pure, no library."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from harness.forecast.judge import Judged
from harness.run_record import Timeline

WIDTH, HEIGHT = 1000.0, 100.0
"""Units of a plot's own coordinates; it is stretched to its box."""

Points = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Tick:
    """A label at a place, in percent of the axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a plot. `style` chooses colour and dash together, so that neither carries the meaning alone."""

    zh: str
    en: str
    style: Literal["main", "second", "third", "quiet"]
    paths: tuple[str, ...]
    bars: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A horizontal line with its words."""

    at: float
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Plot:
    """One panel of the timeline. `said`: what it shows, for those who do not see it."""

    id: str
    zh: str
    en: str
    series: tuple[Series, ...]
    y_ticks: tuple[Tick, ...]
    said_zh: str
    said_en: str
    rules: tuple[Rule, ...] = ()
    log: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """An event on the time axis, with the number that the list beside it uses."""

    number: int
    at: float
    t_s: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """All panels over one time axis. `warm_up`: percent of the axis that was not measured."""

    plots: tuple[Plot, ...]
    x_ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...] = ()
    warm_up: float = 0.0
    seconds: tuple[int, int] = (0, 1)
    empty: bool = field(default=False)


def nice_step(span: float, about: int) -> float:
    """A round step (1, 2, 5 times a power of ten) that cuts `span` into about so many parts."""
    if span <= 0:
        return 1.0
    raw = span / about
    power = 10.0 ** math.floor(math.log10(raw))
    return next(power * factor for factor in (1, 2, 5, 10) if raw <= power * factor * (1 + 1e-9))


def short(value: float) -> str:
    """A label of an axis: 35k, 1.2M, 0.5."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


@dataclass(frozen=True, slots=True)
class Scale:
    """Values to a plot's y. Logarithmic where a few slow seconds would flatten the rest."""

    low: float
    high: float
    log: bool = False

    def y(self, value: float) -> float:
        if self.log:
            value = max(value, self.low)
            part = math.log10(value / self.low) / math.log10(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return HEIGHT * (1 - min(max(part, 0.0), 1.0))

    def ticks(self) -> tuple[Tick, ...]:
        if self.log:
            first, last = round(math.log10(self.low)), round(math.log10(self.high))
            values = [10.0**power for power in range(first, last + 1)]
        else:
            step = nice_step(self.high - self.low, 4)
            values = [self.low + i * step for i in range(int((self.high - self.low) / step + 1e-9) + 1)]
        return tuple(Tick(self.y(value), short(round(value, 9))) for value in values)


def linear(values: Iterable[float]) -> Scale:
    """From zero to a round number above the highest value."""
    top = max(values, default=0.0) or 1.0
    step = nice_step(top, 4)
    return Scale(0.0, step * math.ceil(top / step - 1e-9))


def logarithmic(values: Iterable[float]) -> Scale:
    """Whole powers of ten around the values."""
    positive = [value for value in values if value > 0] or [1.0]
    low, high = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)) - 1e-9)
    return Scale(10.0**low, 10.0 ** max(high, low + 1), log=True)


def paths(points: Sequence[tuple[float, float | None]], scale: Scale) -> tuple[str, ...]:
    """A line for each unbroken stretch: where there is no data, there is no line."""
    out: list[str] = []
    stretch: list[str] = []
    for x, value in [*points, (0.0, None)]:
        if value is not None:
            stretch.append(f"{x:.1f} {scale.y(value):.2f}")
        elif stretch:
            if len(stretch) == 1:
                x0, y0 = stretch[0].split()
                stretch.append(f"{float(x0) + 0.1:.1f} {y0}")
            out.append("M" + "L".join(stretch))
            stretch = []
    return tuple(out)


def bars(points: Sequence[tuple[float, float | None]], scale: Scale, width: float) -> tuple[str, ...]:
    """One path of boxes standing on the axis."""
    boxes = [
        f"M{x - width / 2:.1f} {HEIGHT:.0f}V{scale.y(value):.2f}h{width:.1f}V{HEIGHT:.0f}z"
        for x, value in points
        if value
    ]
    return ("".join(boxes),) if boxes else ()


def _present(values: Iterable[float | int | None]) -> list[float]:
    return [float(value) for value in values if value is not None]


def chart_of(timeline: Timeline, rows: Sequence[Judged], warm_up_s: float) -> Chart:
    """The timeline's panels; `rows` give the forecast's lines."""
    seconds = timeline.per_second
    if not seconds:
        return Chart((), (), empty=True)
    first, last = seconds[0].second, seconds[-1].second + 1
    span = max(1, last - first)

    def x(second: float) -> float:
        return (second - first) / span * WIDTH

    middle = [x(row.second + 0.5) for row in seconds]
    targets = {row.indicator: row for row in rows}
    plots = [
        _taps(timeline, middle, targets),
        _latency(timeline, middle, targets),
        _wins(timeline, middle, 0.7 * WIDTH / span),
        _money(timeline, middle),
        _backlog(timeline, middle),
    ]
    step = max(1, round(nice_step(span, 6)))
    ticks = tuple(Tick((s - first) / span * 100, f"{s} s") for s in range(-(-first // step) * step, last + 1, step))
    inside = sorted((e for e in timeline.events if first <= e.t_s <= last), key=lambda e: e.t_s)
    marks = tuple(
        Mark(i, (event.t_s - first) / span * 100, event.t_s, event.kind, event.text)
        for i, event in enumerate(inside, 1)
    )
    warm = min(max((warm_up_s - first) / span * 100, 0.0), 100.0)
    return Chart(tuple(plot for plot in plots if plot), ticks, marks, warm, (first, last))


def _taps(timeline: Timeline, x: list[float], targets: dict[str, Judged]) -> Plot:
    rows = timeline.per_second
    target = targets.get("offered_rps")
    scale = linear([*(float(max(r.offered, r.answered)) for r in rows), target.expected if target else 0.0])
    rules = (Rule(scale.y(target.expected), "预测高峰", "forecast peak"),) if target else ()
    top = max(r.answered for r in rows)
    return Plot(
        "taps",
        "每秒“咻”数",
        "taps per second",
        (
            Series(
                "送出", "offered", "quiet", paths(list(zip(x, [float(r.offered) for r in rows], strict=True)), scale)
            ),
            Series(
                "回答", "answered", "main", paths(list(zip(x, [float(r.answered) for r in rows], strict=True)), scale)
            ),
            Series(
                "拒绝", "refused", "second", paths(list(zip(x, [float(r.refused) for r in rows], strict=True)), scale)
            ),
        ),
        scale.ticks(),
        f"每秒送出与回答的咻数，最高每秒回答 {top:,} 次",
        f"taps offered and answered in each second; at most {top:,} answered in one",
        rules,
    )


def _latency(timeline: Timeline, x: list[float], targets: dict[str, Judged]) -> Plot | None:
    rows = timeline.per_second
    response, service = [r.p99_response_ms for r in rows], [r.p99_service_ms for r in rows]
    values = _present([*response, *service])
    if not values:
        return None
    target = targets.get("response_p99_ms")
    edges = [target.expected, target.upper] if target else []
    scale = logarithmic([*values, *edges])
    rules: tuple[Rule, ...] = ()
    if target:
        rules = (Rule(scale.y(target.expected), "预期", "expected"), Rule(scale.y(target.upper), "上限", "limit"))
    worst = max(_present(response), default=0.0)
    return Plot(
        "latency",
        "第 99 百分位，毫秒（对数刻度）",
        "99th percentile, ms (log scale)",
        (
            Series(
                "服务时间（自发出）", "service (from sent)", "second", paths(list(zip(x, service, strict=True)), scale)
            ),
            Series(
                "回答时间（自预定）",
                "response (from intended)",
                "main",
                paths(list(zip(x, response, strict=True)), scale),
            ),
        ),
        scale.ticks(),
        f"每秒的第 99 百分位回答时间，最差 {worst:.3g} 毫秒",
        f"99th percentile of the response time in each second; worst {worst:.3g} ms",
        rules,
        log=True,
    )


def _wins(timeline: Timeline, x: list[float], width: float) -> Plot:
    rows = timeline.per_second
    scale = linear(float(r.wins) for r in rows)
    total = sum(r.wins for r in rows)
    boxes = bars(list(zip(x, [float(r.wins) for r in rows], strict=True)), scale, width)
    return Plot(
        "wins",
        "每秒中奖数",
        "wins per second",
        (Series("中奖", "wins", "main", boxes, bars=True),),
        scale.ticks(),
        f"每秒中奖数，共 {total:,} 个",
        f"wins in each second, {total:,} in all",
    )


def _money(timeline: Timeline, x: list[float]) -> Plot | None:
    rows = timeline.per_second
    awarded = [None if r.awarded_fen is None else r.awarded_fen / 100 for r in rows]
    credited = [None if r.credited_fen is None else r.credited_fen / 100 for r in rows]
    values = _present([*awarded, *credited])
    if not values:
        return None
    scale = linear(values)
    return Plot(
        "money",
        "累计金额，元",
        "money so far, yuan",
        (
            Series("中奖", "awarded", "quiet", paths(list(zip(x, awarded, strict=True)), scale)),
            Series("入账", "credited", "third", paths(list(zip(x, credited, strict=True)), scale)),
        ),
        scale.ticks(),
        f"累计中奖与入账金额，最终 {max(values):,.2f} 元",
        f"money awarded and credited so far; {max(values):,.2f} yuan at the end",
    )


def _backlog(timeline: Timeline, x: list[float]) -> Plot | None:
    rows = timeline.per_second
    backlog = [None if r.backlog_entries is None else float(r.backlog_entries) for r in rows]
    values = _present(backlog)
    if not values:
        return None
    scale = linear(values)
    return Plot(
        "backlog",
        "等待入账的条目",
        "entries waiting for credit",
        (Series("积压", "backlog", "second", paths(list(zip(x, backlog, strict=True)), scale)),),
        scale.ticks(),
        f"等待入账的条目，最多 {max(values):,.0f} 条",
        f"entries of the win log waiting for credit; {max(values):,.0f} at most",
    )


@dataclass(frozen=True, slots=True)
class Band:
    """An indicator's band and what came, in percent of its bar. `over`: the actual lies beyond the bar's end."""

    left: float
    right: float
    expected: float
    actual: float | None
    over: Literal["", "left", "right"] = ""


def band_of(row: Judged) -> Band:
    """Where the band, the expected and the actual stand; the band takes the middle of the bar, whatever came."""
    width = row.upper - row.lower
    if width <= 0:
        # An exact figure: a band as thin as a line, off it is simply off.
        off = 0 if row.actual is None else (row.actual > row.upper) - (row.actual < row.lower)
        return Band(49.0, 51.0, 50.0, None if row.actual is None else 50.0 + 46.0 * off, ("", "right", "left")[off])
    low = 0.0 if row.lower == 0 else row.lower - 0.25 * width
    high = row.upper + 0.25 * width

    def place(value: float) -> float:
        return (value - low) / (high - low) * 100

    over: Literal["", "left", "right"] = ""
    actual = None if row.actual is None else place(row.actual)
    if actual is not None and actual > 98:
        actual, over = 98.0, "right"
    elif actual is not None and actual < 0:
        actual, over = 2.0, "left"
    elif actual is not None:
        actual = max(actual, 0.8)
    return Band(place(row.lower), place(row.upper), place(row.expected), actual, over)
