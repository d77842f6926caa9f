"""The versions of the rate plan that a cannon plays: which may follow, and why another may not. Pure; no schedule.

A window is appended where the plan ends so far. It is known a whole second before that, or it is refused.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from harness.engine.schedule import ScheduleError, Stretch, pieces_of

AHEAD_NS = 1_000_000_000
"""The least time between a window's order and its first intended request."""
NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class AppendOrder:
    """The next window: `segments` of each journey, the plan's own first. All are of one length."""

    version: int
    segments: tuple[tuple[dict[str, Any], ...], ...]

    @classmethod
    def of(cls, text: str, journeys: int) -> AppendOrder:
        """From `{"version", "segments": [[…], …]}`. Raises ScheduleError, ValueError for what is no such order."""
        data = json.loads(text)
        try:
            order = cls(int(data["version"]), tuple(tuple(part) for part in data["segments"]))
        except (KeyError, TypeError) as exc:
            raise ScheduleError(f"no window: {exc}") from exc
        if len(order.segments) != journeys:
            raise ScheduleError(f"segments of {len(order.segments)} journeys; expected {journeys}")
        lengths = {round(sum(piece.duration_s for piece in pieces) * NS) for pieces in order.pieces()}
        if len(lengths) != 1:
            raise ScheduleError("journeys of several lengths in one window; expected one length")
        return order

    def pieces(self) -> list[list[Stretch]]:
        """Of each journey."""
        return [pieces_of(part) for part in self.segments]

    def as_json(self) -> dict[str, Any]:
        """As it came."""
        return {"version": self.version, "segments": [list(part) for part in self.segments]}


class PlanVersions:
    """What was played, in order: version 0 is the plan as it was loaded."""

    def __init__(self) -> None:
        self.played: list[dict[str, Any]] = []
        """`version`, `at_ns`, `segments` of each later version, as they stand in the account."""
        self._appended: dict[int, AppendOrder] = {}

    def follows(self, order: AppendOrder, now_ns: int, ends_ns: int) -> bool:
        """May it be appended to a plan that ends at `ends_ns`? False: it was already, and nothing is to be done.

        Raises ScheduleError for a number out of turn, and for an order that comes too late.
        """
        before = self._appended.get(order.version)
        if before == order:
            return False
        if before is not None:
            raise ScheduleError(f"window {order.version} is another one here; what stands is not changed")
        if order.version != len(self._appended) + 1:
            raise ScheduleError(f"window {order.version} out of turn; expected window {len(self._appended) + 1}")
        if now_ns > ends_ns - AHEAD_NS:
            late_ms = (now_ns - ends_ns + AHEAD_NS) / 1e6
            raise ScheduleError(f"window {order.version} comes {late_ms:.0f} ms too late: a second before it begins")
        return True

    def append(self, order: AppendOrder, at_ns: int) -> None:
        """It was appended, and begins at `at_ns`."""
        self._appended[order.version] = order
        self.played.append({"at_ns": at_ns, **order.as_json()})

    def replace(self, version: int, at_ns: int, segments: list[dict[str, Any]]) -> None:
        """A person's rate is in force from `at_ns` on."""
        self.played.append({"version": version, "at_ns": at_ns, "segments": segments})
