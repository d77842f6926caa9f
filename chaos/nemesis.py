"""Faults in a run under load: a list, together, one after the other, or overlapping; one watchdog.

`against(fault, target, at_s, for_s)` is what `run_plan(order, nemesis)` takes. Does not begin without a watchdog.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chaos.disturbance import Disturbance, FaultRun
from chaos.drill_verdict import worst
from chaos.errors import ChaosError
from chaos.facts import FaultFacts, Timed
from chaos.watchdog import Watchdog
from harness.errors import HarnessError
from harness.orchestrate.hooks import NemesisReport, NowS, Tell
from harness.orchestrate.system import System
from harness.phrases import Sentence
from harness.verdict import Reason
from plans.models.fault import Fault

log = logging.getLogger(__name__)
END_S = 240.0
"""Longer than a heal, its probe and the drain after it may take together."""


class FaultNemesis:
    """Each `Timed` on the stack in `folder`. The facts are whole once `end` has returned."""

    def __init__(self, folder: Path, *timed: Timed) -> None:
        """`timed`: at least one, in any order."""
        self._run = FaultRun(folder, threading.Event(), lambda kind, text: None, time.monotonic)
        self.faults = tuple(Disturbance(self._run, one) for one in sorted(timed, key=lambda one: one.at_s))

    @property
    def facts(self) -> FaultFacts:
        """Of the first fault."""
        return self.faults[0].facts

    @property
    def each(self) -> dict[str, FaultFacts]:
        """`N15 on credit-postgres` → its facts, in the order of their times."""
        found: dict[str, FaultFacts] = {}
        for fault in self.faults:
            name = f"{fault.timed.fault.id} on {fault.timed.target}"
            found[f"{name} at {fault.timed.at_s:g} s" if name in found else name] = fault.facts
        return found

    @property
    def verdict(self) -> str:
        """Of the faults alone; the drill's is `chaos.drill_verdict`'s."""
        return worst([fault.verdict for fault in self.faults])

    def begin(self, report: Tell, now_s: NowS) -> None:
        """See `harness.orchestrate.hooks.Nemesis`."""
        self._run.report, self._run.now_s = _unbreakable(report), now_s
        try:
            # On the main thread: a watchdog is there before anything is injected.
            self._run.watchdog = Watchdog(self._run.folder)
        except (HarnessError, OSError) as exc:
            for fault in self.faults:
                fault.facts.harness_fault = f"no watchdog: {exc}"
            return
        for fault in self.faults:
            fault.begin(self.faults)

    def wait(self, deadline_s: float) -> bool:
        """Waits until all have ended; False if not by then. A run does not wait: it calls `end`."""
        until = time.monotonic() + deadline_s
        return all(fault.join(max(0.0, until - time.monotonic())) for fault in self.faults)

    def end(self) -> NemesisReport:
        """See `harness.orchestrate.hooks.Nemesis`."""
        self._run.over.set()
        until = time.monotonic() + END_S
        for fault in self.faults:
            if not fault.join(max(0.0, until - time.monotonic())):
                # What is injected now belongs to the watchdog, and stays in force until that heals it.
                fault.facts.harness_fault = f"the fault's own thread did not end within {END_S:g} s"
        if self._run.watchdog is not None and all(fault.nothing_left() for fault in self.faults):
            self._run.watchdog.end()
        return self._report()

    def _report(self) -> NemesisReport:
        faults = self.faults
        left = [fault.facts.not_healed for fault in faults if fault.facts.not_healed]
        external = [fault.facts.external for fault in faults if fault.facts.external]
        return NemesisReport(
            windows=tuple(window for fault in faults if (window := fault.window()) is not None),
            drills=tuple(fault.item() for fault in faults),
            flushed=any(fault.flushed for fault in faults),
            failures=tuple(Reason(code="not_healed", text=text) for text in left),
            invalid=tuple(reason for fault in faults for reason in fault.invalid()),
            warnings=tuple(Reason(code="external", text=text) for text in external),
        )


def _unbreakable(report: Tell) -> Tell:
    """A message that cannot be written (a full disk) keeps no fault in force."""

    def tell(kind: str, text: Sentence) -> None:
        try:
            report(kind, text)
        except Exception as exc:
            log.warning("%s could not be told: %s", kind, exc)

    return tell


def against(fault: Fault, target: str, at_s: float, for_s: float, **more: Any) -> Callable[[System], FaultNemesis]:
    """For `run_plan`: this fault, on the stack at which the run is aimed. Raises ChaosError where it is not on this
    host.
    """

    def make(system: System) -> FaultNemesis:
        if system.folder is None:
            raise ChaosError(f"{system.name} runs elsewhere: nothing is injected there")
        return FaultNemesis(system.folder, Timed(fault, target, at_s, for_s, **more))

    return make
