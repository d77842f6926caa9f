"""A run's lines in the audit log: the burst before it, its start or why it was refused, its end. The same for each kind
of plan.

A run that cannot be recorded is not begun. What ends one never waits for the log.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import EnvironmentNotReady
from harness.guard.audit_log import FILE, Act, write
from harness.guard.precheck import Checked
from harness.runs.record import Lane, RunRecord
from harness.who import me


@dataclass(frozen=True, slots=True)
class RunActs:
    """`runs`: where the log is; the others stand in the lines of its beginning: what goes where, who agreed."""

    runs: Path
    plan: str
    target: str
    lane: Lane
    approved_by: str | None

    def started(self, run_id: str, **load: Any) -> str:
        """The hash of the line. Raises EnvironmentNotReady: nothing is sent that stands in no log."""
        return self._needed("started", run=run_id, **self._what(), **load)

    def burst(self, peak_rps: float, lasts_s: float) -> None:
        """Calibration's, before there is a run. Raises EnvironmentNotReady."""
        self._needed("burst", **self._what(), peak_rps=round(peak_rps), duration_s=lasts_s)

    def refused(self, run_id: str | None, found: Sequence[Checked]) -> None:
        """The items that refused the start, by name. `run_id`: None where there was no run yet."""
        items = [one.name for one in found if one.state == "refused"]
        self._note("refused", run=run_id, **self._what(), items=items)

    def ended(self, record: RunRecord) -> None:
        """With its verdict and the reasons' codes."""
        reasons = [reason.code for reason in record.reasons]
        self._note("ended", run=record.run_id, verdict=record.verdict, reasons=reasons, sent=record.load.sent)

    def ended_unfired(self, run_id: str, why: BaseException) -> None:
        """A start that nothing came of: it has no record."""
        code = getattr(why, "exit_code", None)
        self._note("ended", run=run_id, verdict=None, exit_code=code, reasons=[str(why).partition("\n")[0]], sent=0)

    def _what(self) -> dict[str, Any]:
        return {"plan": self.plan, "target": self.target, "lane": self.lane, "approved_by": self.approved_by}

    def _note(self, act: Act, **about: Any) -> None:
        """Adds a line; a log that does not take it is said, and nothing more."""
        try:
            write(self.runs, act, me(), **about)
        except OSError as exc:
            print(f"xiu: {self.runs / FILE} does not tell of this: {exc.strerror or exc}", file=sys.stderr, flush=True)

    def _needed(self, act: Act, **about: Any) -> str:
        try:
            return write(self.runs, act, me(), **about)
        except OSError as exc:
            why = exc.strerror or exc
            raise EnvironmentNotReady(f"{self.runs / FILE} cannot be written: {why}; nothing was sent") from exc
