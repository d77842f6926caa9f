"""Phase Audit: the books of every round that was armed are read from the stores, once. Reads no store itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.engine.recorder import MANIFEST
from harness.errors import HarnessError
from harness.orchestrate.account import RoundAccount
from harness.orchestrate.phases.stage import Stage
from harness.phrases import of_error, sentence
from harness.verdict import Reason
from system.contract.audit import AuditReport


@dataclass(frozen=True, slots=True)
class Audit:
    """The rounds that were armed, closed or not → the audit's report; None where the stores could not be read."""

    stage: Stage

    def __call__(self, rounds: Sequence[RoundAccount]) -> AuditReport | None:
        stage, account = self.stage, self.stage.account
        if account.gone:
            text = sentence("books_later", run=stage.state.run_id)
            account.no_data.append(Reason(code="audit_failed", text=text))
            return None
        stage.run.step("closing the books: the audit reads the stores")
        armed = {one.round.round: one for one in rounds if one.round is not None}
        try:
            report = stage.system.audit(stage.order.lane, tuple(armed), self._history(), self._fault_windows())
            if report is None:
                stage.run.tell("audit", sentence("stores_away", name=stage.system.name))
                for round_id, one in armed.items():
                    one.control_money = stage.control.money(round_id)
        except (HarnessError, OSError) as exc:
            report = None
            account.no_data.append(Reason(code="audit_failed", text=of_error(exc)))
        account.report = report
        return report

    def _history(self) -> Path | None:
        """The run's history; None where its generator left none: the invariants that need one are not evaluated
        then.
        """
        folder = self.stage.history
        return folder if (folder / MANIFEST).exists() else None

    def _fault_windows(self) -> tuple[tuple[int, int], ...]:
        """When faults were in force, in microseconds of the wall clock."""
        first_us = int((self.stage.account.first_tap_s or 0.0) * 1e6)
        return tuple(
            (first_us + int(since * 1e6), first_us + int(until * 1e6))
            for since, until in self.stage.account.nemesis.windows
        )
