"""The signals that a stop rule may name, one file each. Each file here with a `SIGNAL` is a signal.

A plan's model accepts these names and no other, so that no rule waits for a figure that nothing reads.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable

from plans.signals.shape import Reading, Signal, Unit, Value

__all__ = ["SIGNALS", "Reading", "Signal", "Unit", "Value", "named", "table"]


def table(signals: Iterable[Signal]) -> dict[str, Signal]:
    """By name. Raises ValueError for a name that stands twice."""
    found: dict[str, Signal] = {}
    for signal in signals:
        if signal.name in found:
            raise ValueError(f"signal {signal.name} is registered twice; expected each name once")
        found[signal.name] = signal
    return found


def _registered() -> Iterable[Signal]:
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda one: one.name):
        signal = getattr(importlib.import_module(f"{__name__}.{module.name}"), "SIGNAL", None)
        if isinstance(signal, Signal):
            yield signal


SIGNALS = table(_registered())


def named(unit: Unit) -> tuple[str, ...]:
    """The signals of a unit."""
    return tuple(name for name, signal in SIGNALS.items() if signal.unit == unit)
