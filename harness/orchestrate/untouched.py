"""Shows that a run on the stress lane left the live lane alone: its checksums before and after. Judges nothing else."""

from __future__ import annotations

from collections.abc import Callable

from harness.control_client import ControlClient
from harness.errors import HarnessError
from harness.orchestrate.system import System
from harness.verdict import Reason
from system.contract.audit import LaneSum

OTHER = "live"


class LiveLane:
    """Looked at before and after. `tell(kind, text)` takes the events."""

    def __init__(self, system: System, control: ControlClient, tell: Callable[[str, str], None]) -> None:
        self._system, self._control, self._tell = system, control, tell
        self._before: LaneSum | None = None
        self._busy: list[int] = []

    def before(self) -> None:
        """Raises HarnessError when it cannot be summed up: then nothing may be sent."""
        self._busy = self._control.busy("live")
        self._before = self._system.checksum(OTHER)
        if self._before is None:
            self._tell("live_lane", "the live lane's stores are out of reach: that it is untouched is not evaluated")

    def after(self) -> tuple[list[Reason], list[Reason]]:
        """(failures, no data) of the comparison."""
        if self._before is None:
            return [], []
        try:
            now = self._system.checksum(OTHER)
            self._busy = sorted({*self._busy, *self._control.busy("live")})
        except HarnessError as exc:
            text = f"the live lane could not be summed up: {str(exc).splitlines()[0]}"
            self._tell("live_lane", text)
            return [], [Reason(code="live_lane_unknown", text=text)]
        assert now is not None
        if now == self._before:
            text = f"live lane untouched: {len(now.tables)} tables, {len(now.streams)} streams and fences"
            self._tell("live_lane", f"{text}, checksum {now.checksum}")
            return [], []
        text = f"live lane changed during a stress run: {', '.join(_apart(self._before, now))}"
        self._tell("live_lane", text)
        if self._busy:
            # Its own traffic changes it; nothing can be said then, and silence would look like a proof.
            text = f"{text}; its own round {self._busy[0]} is not closed, so this proves nothing"
            return [], [Reason(code="live_lane_in_use", text=text)]
        return [Reason(code="live_lane_changed", text=text)], []


def _apart(before: LaneSum, after: LaneSum) -> list[str]:
    """Names of what differs."""
    old = {one.name: one for one in (*before.tables, *before.streams)}
    new = {one.name: one for one in (*after.tables, *after.streams)}
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
