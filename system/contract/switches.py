"""Run-time switches: what a playbook or a person may change while the system runs, with bounds, a value for each lane.

Read back as `hongbao_switch{key,lane}`. Refuses a lane for a switch that has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from system.contract.errors import BadRequest
from system.contract.ids import LANES, Lane
from system.contract.numbers import shown

Tables = Mapping[Lane, Mapping[str, int]]
"""Every switch's value, for each lane. One that has no lane stands in both with the same value."""


@dataclass(frozen=True, slots=True)
class Switch:
    """An integer setting; `readers` are the processes whose gauge must show it after a change.

    `by_lane`: each lane has a value of its own. `red`: a value that only stops something, the red button's: it holds
    also where it cannot be written down yet.
    """

    key: str
    default: int
    lower: int
    upper: int
    unit: str
    readers: tuple[str, ...]
    meaning: str
    by_lane: bool = True
    red: int | None = None


SWITCHES: tuple[Switch, ...] = (
    Switch("draw.award", 1, 0, 1, "on/off", ("front",), "0: every eligible tap loses, no packet leaves"),
    Switch("draw.shed_percent", 0, 0, 100, "percent", ("front",), "share of taps refused with 503, nothing happened"),
    Switch("draw.delay_ms", 0, 0, 5000, "ms", ("front",), "delays every answer; for tests of the verdict"),
    Switch("draw.release_percent", 100, 1, 200, "percent", ("front",), "pace of the release gate"),
    Switch(
        "stress.accept", 1, 0, 1, "on/off", ("front",), "0: tagged traffic is refused with 503", by_lane=False, red=0
    ),
    Switch(
        "credit.pause", 0, 0, 1, "on/off", ("credit",), "1: the credit worker posts nothing; awards wait in the log"
    ),
    Switch("credit.batch_max", 50_000, 1, 1_000_000, "records", ("credit",), "awards of one transaction at most"),
)
_BY_KEY = {switch.key: switch for switch in SWITCHES}


def checked(key: str, value: object) -> int:
    """`value` as the switch's integer. Raises BadRequest for an unknown key or a value outside its bounds."""
    switch = _BY_KEY.get(key)
    if switch is None:
        raise BadRequest(f"no switch {shown(key)}; expected one of {', '.join(_BY_KEY)}")
    if isinstance(value, bool) or not isinstance(value, int) or not switch.lower <= value <= switch.upper:
        raise BadRequest(
            f"{key} = {shown(value)}; expected a whole number from {switch.lower} to {switch.upper} {switch.unit}"
        )
    return value


def lanes_of(key: str, lane: Lane | None) -> tuple[Lane, ...]:
    """The lanes a change concerns: the one named, else both. Raises BadRequest where the switch has no lane."""
    if lane is None:
        return LANES
    if not _BY_KEY[key].by_lane:
        raise BadRequest(f"{key} has no lane, not {lane} either; expected no `lane`")
    return (lane,)


def is_red(key: str, value: int) -> bool:
    """Whether this value of the switch holds before it is written down."""
    return _BY_KEY[key].red == value


def has_lane(key: str) -> bool:
    """Whether the switch has a value of its own for each lane."""
    return _BY_KEY[key].by_lane


def defaults() -> dict[str, int]:
    """Every switch at its default."""
    return {switch.key: switch.default for switch in SWITCHES}


def tables(both: Mapping[str, int] | None = None, each: Mapping[Lane, Mapping[str, int]] | None = None) -> Tables:
    """Whole tables: defaults, over them what holds in both lanes, over it what each lane says of its own."""
    return {lane: {**defaults(), **(both or {}), **(each or {}).get(lane, {})} for lane in LANES}
