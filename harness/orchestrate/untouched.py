"""Shows that a run on the stress lane left the live lane alone: its checksums, and the records of one lane in the
other, before and after. Judges nothing else.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.control_client import ControlClient
from harness.errors import HarnessError
from harness.orchestrate.outside import OutsideCalls
from harness.orchestrate.system import System
from harness.phrases import Sentence, sentence
from harness.runs.guarded import LiveLaneProof, OutsideProof
from harness.verdict import Reason
from system.contract.audit import LaneSum, ShadowReport
from system.contract.ids import Lane

OTHER: Lane = "live"


class LiveLane:
    """Sums up the live lane before and after. `tell(kind, text)` takes the events."""

    def __init__(
        self,
        system: System,
        control: ControlClient,
        tell: Callable[[str, Sentence], None],
        outside: OutsideCalls | None = None,
    ) -> None:
        self._system, self._control, self._tell = system, control, tell
        self._outside = outside
        self._said: OutsideProof | None = None
        self._before: LaneSum | None = None
        self._first: ShadowReport | None = None
        self._busy: list[int] = []
        self._after: LaneSum | None = None
        self._met: dict[Lane, int] = {}

    def shadow(self) -> tuple[str, ...] | None:
        """What is wrong with the stress lane's stores, a line each; None: out of reach. The same process sums up the
        live lane. Raises HarnessError.
        """
        self._busy = self._control.busy(OTHER)
        report = self._system.shadow()
        if report is None:
            return None
        self._first, self._before = report, report.live
        return report.problems

    def before(self) -> str:
        """What was summed up, in words; empty where the stores are out of reach. Raises HarnessError when it cannot be
        summed up: then nothing may be sent.
        """
        if self._before is None:
            self._busy = self._control.busy(OTHER)
            self._before = self._system.checksum(OTHER)
        if self._before is None:
            self._tell("live_lane", sentence("live_away"))
            return ""
        tables, streams = len(self._before.tables), len(self._before.streams)
        return f"{tables} tables, {streams} streams and fences, checksum {self._before.checksum}"

    def after(self, *, flushed: bool = False, public: int | None = None) -> tuple[list[Reason], list[Reason]]:
        """(failures, no data) of the comparison. `flushed`: a fault of the run removed every stream of Valkey, on
        purpose; what is gone then is due to the fault, and a difference cannot be blamed on anybody. `public`: a round
        of the live lane that was played meanwhile; its own rows and streams are left out.
        """
        if self._before is None:
            return [], []
        try:
            last = self._system.shadow(public) if self._first is not None else None
            now = self._system.checksum(OTHER, public) if last is None else last.live
            self._busy = sorted({*self._busy, *self._control.busy("live")})
        except HarnessError as exc:
            text = sentence("live_unknown", detail=str(exc).splitlines()[0])
            self._tell("live_lane", text)
            return [], [Reason(code="live_lane_unknown", text=text)]
        assert now is not None
        self._after = now
        failures, unknown = self._compared(now, flushed)
        return failures + self._leaks(last) + self._astray(), unknown

    @property
    def proof(self) -> LiveLaneProof | None:
        """What was read before and after; None where nothing was."""
        if self._before is None:
            return None
        return LiveLaneProof(
            tables=len(self._before.tables),
            streams=len(self._before.streams),
            before=self._before.checksum,
            after=self._after.checksum if self._after else None,
            changed=tuple(_apart(self._before, self._after)) if self._after else (),
            into_live=self._met.get("live"),
            into_stress=self._met.get("stress"),
            outside=self._said,
        )

    def _leaks(self, last: ShadowReport | None) -> list[Reason]:
        """Records of one lane that credit met in the other during the run, in either direction."""
        if self._first is None or last is None:
            return []
        into: dict[Lane, int] = {
            "live": last.into_live - self._first.into_live,
            "stress": last.into_stress - self._first.into_stress,
        }
        self._met = into
        if not any(into.values()):
            self._tell("live_lane", sentence("lanes_apart"))
            return []
        text = sentence("lanes_mixed", **into)
        self._tell("live_lane", text)
        return [Reason(code="lanes_mixed", text=text)]

    def _astray(self) -> list[Reason]:
        """Calls of one lane that went, or nearly went, to whom the other lane calls outside."""
        self._said = None if self._outside is None else self._outside.proof()
        if self._said is None:
            return []
        counts = self._said.model_dump()
        if not self._said.astray:
            self._tell("live_lane", sentence("outside_apart", **counts))
            return []
        text = sentence("outside_astray", **counts)
        self._tell("live_lane", text)
        return [Reason(code="outside_astray", text=text)]

    def _compared(self, now: LaneSum, flushed: bool) -> tuple[list[Reason], list[Reason]]:
        """What the sums say: nothing changed, what a flush took, or what else."""
        assert self._before is not None
        if now == self._before:
            size = {"tables": len(now.tables), "streams": len(now.streams)}
            self._tell("live_lane", sentence("live_untouched", **size, checksum=now.checksum))
            return [], []
        apart = _apart(self._before, now)
        there = {one.name for one in (*now.tables, *now.streams)}
        taken = [one.name for one in self._before.streams if flushed and one.name not in there]
        if set(apart) <= set(taken):
            self._tell("live_lane", sentence("live_flushed", tables=len(now.tables), streams=len(taken)))
            return [], []
        names = ", ".join(apart)
        text = sentence("live_changed", names=names)
        self._tell("live_lane", text)
        if self._busy:
            # Its own traffic changes it; then nothing can be said, and silence would look like a proof.
            text = sentence("live_in_use", names=names, round=self._busy[0])
            return [], [Reason(code="live_lane_in_use", text=text)]
        return [Reason(code="live_lane_changed", text=text)], []


def _apart(before: LaneSum, after: LaneSum) -> list[str]:
    """Names of what differs."""
    old = {one.name: one for one in (*before.tables, *before.streams)}
    new = {one.name: one for one in (*after.tables, *after.streams)}
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
