"""Charts as inline SVG that stretches; labels stay HTML, so they are readable at any width. Pure, no library."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from harness.forecast.judge import Judged
from harness.report.axes import WIDTH, Tick, bars, bridged, linear, logarithmic, nice_step, paths
from harness.runs.record import Event, Timeline

AFTER = 0.3
"""How much longer than the load the axis may become for the events after it."""
FLAG_WIDTH, NARROW_FLAG_WIDTH = 5.0, 16.0
"""Percent of the axis that a flag takes, on a wide screen and on a phone."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a plot. `style` chooses colour and dash together, so that neither carries the meaning alone."""

    zh: str
    en: str
    style: Literal["main", "second", "third", "quiet"]
    paths: tuple[str, ...]
    bars: bool = False


@dataclass(frozen=True, slots=True)
class ChartRule:
    """A horizontal line with its words."""

    at: float
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Plot:
    """One panel of the timeline. `words`: what it shows, in words for a screen reader."""

    id: str
    zh: str
    en: str
    series: tuple[Series, ...]
    y_ticks: tuple[Tick, ...]
    words_zh: str
    words_en: str
    rules: tuple[ChartRule, ...] = ()
    log: bool = False


@dataclass(frozen=True, slots=True)
class ChartMark:
    """An event, with the number that the list beside the axis uses; `at` None: outside of what is drawn."""

    number: int
    at: float | None
    event: Event


@dataclass(frozen=True, slots=True)
class Chart:
    """All panels over one time axis. `warm_up`: percent of the axis that was not measured."""

    plots: tuple[Plot, ...]
    x_ticks: tuple[Tick, ...]
    marks: tuple[ChartMark, ...] = ()
    flags: tuple[Tick, ...] = ()
    narrow_flags: tuple[Tick, ...] = ()
    warm_up: float = 0.0
    seconds: tuple[int, int] = (0, 1)
    windows: tuple[tuple[float, float], ...] = ()
    """(left, width) in percent of the axis: when a fault was in force."""
    empty: bool = field(default=False)


def _present(values: Iterable[float | int | None]) -> list[float]:
    return [float(value) for value in values if value is not None]


def chart_of(
    timeline: Timeline,
    rows: Sequence[Judged],
    warm_up_s: float,
    faults: Sequence[tuple[float, float]] = (),
    draw: bool = True,
) -> Chart:
    """The timeline's panels; `rows` give the forecast's lines, `faults` (from, to) in seconds what is shaded. `draw`:
    is it a red-packet system, in which there are wins?
    """
    seconds = timeline.per_second
    if not seconds:
        return Chart((), (), empty=True)
    first, last = seconds[0].second, seconds[-1].second + 1
    # What follows the last tap (drain, close) is drawn too, as long as it does not squeeze the load.
    after = [event.t_s for event in timeline.events if last < event.t_s <= last + AFTER * (last - first)]
    last = max(last, math.ceil(max(after, default=0.0)))
    span = max(1, last - first)

    def x(second: float) -> float:
        return (second - first) / span * WIDTH

    middle = [x(row.second + 0.5) for row in seconds]
    targets = {row.indicator: row for row in rows}
    plots = [
        _taps(timeline, middle, targets),
        _latency(timeline, middle, targets),
        _wins(timeline, middle, 0.7 * WIDTH / span) if draw else None,
        _money(timeline, middle),
        _backlog(timeline, middle),
    ]
    step = max(1, round(nice_step(span, 6)))
    ticks = tuple(Tick((s - first) / span * 100, f"{s} s") for s in range(-(-first // step) * step, last + 1, step))
    marks = tuple(
        ChartMark(i, (e.t_s - first) / span * 100 if first <= e.t_s <= last else None, e)
        for i, e in enumerate(sorted(timeline.events, key=lambda e: e.t_s), 1)
    )
    warm = min(max((warm_up_s - first) / span * 100, 0.0), 100.0)
    drawn = tuple(_drawn(plot) for plot in plots if plot)
    flags = flags_of(marks), flags_of(marks, NARROW_FLAG_WIDTH)
    return Chart(drawn, ticks, marks, *flags, warm, (first, last), _shaded(faults, first, last))


def _shaded(faults: Sequence[tuple[float, float]], first: int, last: int) -> tuple[tuple[float, float], ...]:
    """The part of the windows that lies on the axis, never thinner than can be seen."""
    out = []
    for since, until in faults:
        left, right = (min(max((at - first) / max(1, last - first) * 100, 0.0), 100.0) for at in (since, until))
        if right > 0.0 and left < 100.0:
            out.append((left, max(right - left, 0.4)))
    return tuple(out)


def _drawn(plot: Plot) -> Plot:
    """Without the series that have no data: an entry in the legend promises a line."""
    return replace(plot, series=tuple(line for line in plot.series if line.paths))


def flags_of(marks: Sequence[ChartMark], width: float = FLAG_WIDTH) -> tuple[Tick, ...]:
    """The numbers under the axis; those that would overlap share a flag."""
    groups: list[list[ChartMark]] = []
    for mark in marks:
        if mark.at is None:
            continue
        if groups and mark.at - (groups[-1][0].at or 0.0) < width:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return tuple(
        Tick(g[0].at or 0.0, str(g[0].number) if len(g) == 1 else f"{g[0].number}–{g[-1].number}") for g in groups
    )


def _taps(timeline: Timeline, x: list[float], targets: dict[str, Judged]) -> Plot:
    rows = timeline.per_second
    target = targets.get("offered_rps")
    scale = linear([*(float(max(r.offered, r.answered)) for r in rows), target.expected if target else 0.0])
    rules = (ChartRule(scale.y(target.expected), "预测高峰", "forecast peak"),) if target else ()
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
    rules: tuple[ChartRule, ...] = ()
    if target:
        rules = (
            ChartRule(scale.y(target.expected), "预期", "expected"),
            ChartRule(scale.y(target.upper), "上限", "limit"),
        )
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
    awarded = bridged([None if r.awarded_fen is None else r.awarded_fen / 100 for r in rows])
    credited = bridged([None if r.credited_fen is None else r.credited_fen / 100 for r in rows])
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
    backlog = bridged([None if r.backlog_entries is None else float(r.backlog_entries) for r in rows])
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
