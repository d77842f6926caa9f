"""Item *switch*: awards are given and stress traffic is taken; what is degraded on purpose is named."""

from __future__ import annotations

from collections.abc import Iterator

from harness.guard.precheck.shape import Checked, PrecheckItem, StartRequest, State, checked

NEEDED = {"draw.award": 1}
OF_STRESS = {"stress.accept": 1}
NORMAL = {"draw.shed_percent": 0, "draw.delay_ms": 0, "draw.release_percent": 100, "credit.pause": 0}
"""Degraded on purpose where it is another value: the verdict will show it."""


def look(ask: StartRequest) -> Iterator[Checked]:
    values = ask.control.switches(ask.lane)
    needed = NEEDED | (OF_STRESS if ask.lane == "stress" else {})
    for key, normal in (needed | NORMAL).items():
        value, otherwise = values.get(key), _otherwise(key, needed)
        says = f"{key} is {value}" + ("" if value == normal else f", not {normal}: xiu switch set {key} {normal}")
        yield checked(value == normal, says, key, otherwise)


def _otherwise(key: str, needed: dict[str, int]) -> State:
    return "refused" if key in needed else "warning"


ITEM = PrecheckItem(
    6, "switch", "the lane's run-time switches: `draw.award`, and in the stress lane `stress.accept`",
    "a switch stops what the run is about", look,
)  # fmt: skip
