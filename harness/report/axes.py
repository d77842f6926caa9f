"""Axes of a chart: round numbers, values to places, lines of a path. Pure; knows no series and no colours."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 1000.0, 100.0
"""Units of a plot's own coordinates; it is stretched to its box."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A label at a place, in percent of the axis."""

    at: float
    text: str


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
class AxisScale:
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


def linear(values: Iterable[float]) -> AxisScale:
    """From zero to a round number above the highest value."""
    top = max(values, default=0.0) or 1.0
    step = nice_step(top, 4)
    return AxisScale(0.0, step * math.ceil(top / step - 1e-9))


def logarithmic(values: Iterable[float]) -> AxisScale:
    """Whole powers of ten around the values."""
    positive = [value for value in values if value > 0] or [1.0]
    low, high = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)) - 1e-9)
    return AxisScale(10.0**low, 10.0 ** max(high, low + 1), log=True)


def bridged(values: Sequence[float | None], most: int = 2) -> list[float | None]:
    """Gaps of up to `most` samples are joined by a straight line, since a sampler may come late. Longer ones stay
    open.
    """
    out, last = list(values), None
    for i, value in enumerate(values):
        if value is None:
            continue
        if last is not None and 1 < i - last <= most + 1:
            start = values[last]
            for j in range(last + 1, i):
                out[j] = None if start is None else start + (value - start) * (j - last) / (i - last)
        last = i
    return out


def paths(points: Sequence[tuple[float, float | None]], scale: AxisScale) -> tuple[str, ...]:
    """A line for each unbroken stretch: no data, no line."""
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


def bars(points: Sequence[tuple[float, float | None]], scale: AxisScale, width: float) -> tuple[str, ...]:
    """One path of boxes standing on the axis."""
    boxes = [
        f"M{x - width / 2:.1f} {HEIGHT:.0f}V{scale.y(value):.2f}h{width:.1f}V{HEIGHT:.0f}z"
        for x, value in points
        if value
    ]
    return ("".join(boxes),) if boxes else ()
