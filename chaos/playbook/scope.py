"""Where a run acts: a lane, a cell, a front. Bound from an alert's labels, or by whoever orders a run."""

from __future__ import annotations

from dataclasses import dataclass

from system.contract.ids import LANES, Lane


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run is bound to; an empty one is bound to nothing of that sort."""

    lane: str = ""
    cell: str = ""
    front: str = ""

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The lane it is bound to, as one of the contract's; none where it is bound to none."""
        return tuple(lane for lane in LANES if lane == self.lane)

    def fill(self, text: str) -> str:
        """`text` with `$lane`, `$cell` and `$front` replaced by what they stand for here."""
        for name in ("lane", "cell", "front"):
            text = text.replace(f"${name}", getattr(self, name))
        return text
