"""The signals that a stop rule may name, one file each. Each file here with a `SIGNAL` is a signal.

A plan's model accepts these names and no other, so that no rule waits for a figure that nothing reads.
"""

from __future__ import annotations

from collections.abc import Iterable

from plans.signals.shape import Reading, Signal, Unit, Value
from system.contract import found
from system.contract.errors import SettingsError

__all__ = ["SIGNALS", "Reading", "Signal", "Unit", "Value", "named", "table"]


def table(pieces: Iterable[found.Piece]) -> dict[str, Signal]:
    """The signals of these files by name. Raises SettingsError: a file without one, a name that stands twice."""
    known: dict[str, Signal] = {}
    taken: dict[str, found.Piece] = {}
    for piece in pieces:
        signal = getattr(piece.module, "SIGNAL", None)
        if not isinstance(signal, Signal):
            raise SettingsError(f"{piece.place()}: no SIGNAL; expected SIGNAL = Signal(…)")
        for name in (signal.name, *signal.spoken):
            if name in taken:
                other = taken[name].place(name)
                raise SettingsError(
                    f"{piece.place(name)}: signal {name} stands in {other} as well; expected each name once"
                )
            taken[name] = piece
        known[signal.name] = signal
    return known


SIGNALS = table(found.pieces(__name__, __path__, beside=("shape",)))


def named(unit: Unit) -> tuple[str, ...]:
    """The signals of a unit."""
    return tuple(name for name, signal in SIGNALS.items() if signal.unit == unit)
