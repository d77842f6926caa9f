"""Run-time switches: declared once, each in a file of this folder (`SWITCHES = (Switch(…), …)`), found there.

Control checks and keeps the switches, fronts and credit obey them, playbooks set them: all of them read this
declaration. A new switch is a new file and the code that reads it (`readers` says in which process; a test looks for
the reader there).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from system.contract import found
from system.contract.errors import BadRequest, SettingsError
from system.contract.ids import LANES, Lane
from system.contract.numbers import shown
from system.contract.switches.declared import Switch

__all__ = [
    "SWITCHES", "Cells", "Switch", "Tables", "checked", "defaults", "has_cell", "has_lane", "in_cell", "is_red",
    "lanes_of", "need_cell", "once", "tables",
]  # fmt: skip

Tables = Mapping[Lane, Mapping[str, int]]
"""Every switch's value, for each lane. One that has no lane stands in both with the same value."""


Cells = Mapping[Lane, Mapping[int, Mapping[str, int]]]
"""The values that cells have of their own: lane → cell → switch → value. A cell that is not there follows its lane."""


def once(pieces: Iterable[found.Piece]) -> dict[str, Switch]:
    """The switches of these files, by key. Raises SettingsError: a file without any, one that stands twice."""
    known: dict[str, tuple[Switch, found.Piece]] = {}
    for piece in pieces:
        switches: Any = getattr(piece.module, "SWITCHES", None)
        if not isinstance(switches, tuple | list) or not all(isinstance(each, Switch) for each in switches):
            raise SettingsError(f"{piece.place()}: no SWITCHES; expected SWITCHES = (Switch(…), …), a tuple of them")
        for switch in switches:
            if switch.key in known:
                here, other = (each.place(switch.key) for each in (piece, known[switch.key][1]))
                raise SettingsError(f"{here}: switch {switch.key} stands in {other} as well; expected each switch once")
            known[switch.key] = switch, piece
    return {key: switch for key, (switch, _) in known.items()}


_BY_KEY = once(found.pieces(__name__, __path__, beside=("declared",)))
SWITCHES: tuple[Switch, ...] = tuple(_BY_KEY.values())


def checked(key: str, value: object) -> int:
    """`value` as the switch's integer. Raises BadRequest for an unknown key or a value outside its bounds."""
    switch = _BY_KEY.get(key)
    if switch is None:
        near = difflib.get_close_matches(key, _BY_KEY, n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise BadRequest(f"no switch {shown(key)}; expected one of {', '.join(_BY_KEY)}{meant}")
    if not isinstance(value, int) or not switch.holds(value):
        raise BadRequest(f"{key} = {shown(value)}; expected {switch.expected}")
    return value


def lanes_of(key: str, lane: Lane | None) -> tuple[Lane, ...]:
    """The lanes a change concerns: the one named, else both. Raises BadRequest where the switch has no lane."""
    if lane is None:
        return LANES
    if not _BY_KEY[key].by_lane:
        raise BadRequest(f"{key} has no lane, not {lane} either; expected no `lane`")
    return (lane,)


def need_cell(key: str, cell: int, cells: int) -> int:
    """The cell. Raises BadRequest where the switch has no values by cell, or a system of so many `cells` has not this
    one.
    """
    if not _BY_KEY[key].by_cell:
        raise BadRequest(f"{key} has no cell, not {cell} either; expected no `cell`")
    if not 0 <= cell < cells:
        raise BadRequest(f"no cell {cell} in a system of {cells}; expected 0 to {cells - 1}")
    return cell


def in_cell(both: Tables, own: Cells, cell: int) -> Tables:
    """Every switch as it holds in a cell: the lane's values, over them the cell's own."""
    return {lane: {**table, **own.get(lane, {}).get(cell, {})} for lane, table in both.items()}


def is_red(key: str, value: int) -> bool:
    """Does this value of the switch hold before it is stored?"""
    return _BY_KEY[key].red == value


def has_cell(key: str) -> bool:
    """Whether a cell may have a value of its own for the switch."""
    return _BY_KEY[key].by_cell


def has_lane(key: str) -> bool:
    """Whether the switch has a value of its own for each lane."""
    return _BY_KEY[key].by_lane


def defaults() -> dict[str, int]:
    """Every switch at its default."""
    return {switch.key: switch.default for switch in SWITCHES}


def tables(both: Mapping[str, int] | None = None, each: Mapping[Lane, Mapping[str, int]] | None = None) -> Tables:
    """Whole tables: defaults; over them the values for both lanes; over these the values of each lane."""
    return {lane: {**defaults(), **(both or {}), **(each or {}).get(lane, {})} for lane in LANES}
