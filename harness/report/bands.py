"""The bar of an indicator: its band, the expected and the actual figure, as places in percent. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.forecast.judge import Judged


@dataclass(frozen=True, slots=True)
class Band:
    """An indicator's band and actual figure, in percent of its bar. `over`: the actual lies beyond the bar's end."""

    left: float
    right: float
    expected: float
    actual: float | None
    over: Literal["", "left", "right"] = ""


def band_of(row: Judged) -> Band:
    """Where the band, the expected and the actual stand; the band always takes the middle of the bar."""
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
