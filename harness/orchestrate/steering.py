"""A run's steering: whether it must end, in which phase it is, its events. Carries no phase out.

Stopping never depends on reporting: the reason is kept first, and reported afterwards.
"""

from __future__ import annotations

import sys
from typing import Any, Protocol

from harness.guard.kill import KILLS
from harness.orchestrate.account import GONE, RunAccount
from harness.orchestrate.cannon_reports import CannonReports, WatchedPlan
from harness.orchestrate.climbing import ClimbLeader
from harness.orchestrate.scribe import Scribe
from harness.phrases import Sentence, of_error, sentence
from harness.runs.state import PhaseName, RunState
from harness.verdict import Reason


class RunGround(Protocol):
    """What a run needs, and may end under it."""

    def gone(self) -> Sentence | None:
        """A sentence where it is gone."""
        ...


class Steering:
    """One run's. The `RunContext` that its phases know."""

    def __init__(
        self, state: RunState, plan: WatchedPlan, system: RunGround, account: RunAccount, scribe: Scribe
    ) -> None:
        self._state, self._plan, self._system, self._account = state, plan, system, account
        self._scribe = scribe
        self.hearing = CannonReports(state, plan, self.tell)
        self.leader: ClimbLeader | None = None
        """Of a plan that is a climb."""
        self.why: str | None = None
        """Why the run must end; None while it need not."""

    def stopped(self) -> str | None:
        """Why the run must end now; a stack that is gone is one reason."""
        if self.why is None and (gone := self._system.gone()) is not None:
            self._halt(GONE, gone)
        return self.why

    def on_message(self, worker: int, message: dict[str, Any]) -> None:
        """A cannon's message: into the state, and through the stop rules."""
        reason = self.hearing.take(worker, message)
        if self._state.phase == "warm_up" and self._state.round_s >= self._plan.warm_up.duration:
            self.phase("measured")
        # Behind a climb's end there is no load left to stop; the answers of its last window may come late.
        over = self.leader is not None and self.leader.climb.state.end is not None
        if reason is not None and self.why is None and not over:
            self._halt("stop_rule", reason)
        if self.leader is not None:
            self._lead(self.leader, message)

    def _lead(self, leader: ClimbLeader, message: dict[str, Any]) -> None:
        """The climb goes on where its next window is due; cannons that do not all play it end the fire."""
        if self.hearing.refused_window is not None and self.why is None:
            text = sentence("window_refused", detail=self.hearing.refused_window)
            self.tell("window_refused", text)
            self._account.invalid.append(Reason(code="window_refused", text=text))
            self.why = text
        if message["event"] != "counts" or self.hearing.reading is None:
            return
        try:
            leader.take(self.hearing.reading, self._state.round_s, halted=self.why is not None)
        except OSError as exc:  # no order can be written, so no further window comes
            self.broken(exc)

    def interrupted(self, why: Sentence) -> None:
        """Somebody pressed Ctrl-C, or the process got SIGTERM."""
        self._halt("interrupted", why)
        self.step(f"{why}: the fire ceases, the books are closed, a report follows")

    def step(self, text: str) -> None:
        """The next step of a run that must end, so that a person knows what it waits for."""
        if self.why is not None:
            print(f"xiu: {text}", file=sys.stderr, flush=True)

    def broken(self, exc: Exception) -> None:
        """The run cannot go on as planned; what was done is still settled and judged."""
        self.stopped()
        text = of_error(exc)
        self.tell("error", text)
        self._account.invalid.append(Reason(code="run_broken", text=text))
        self.why = self.why or text

    def ceased(self, why: str | None) -> None:
        """Sending that ended before its plan's end (None: at its end), and not by this run's own order."""
        if why is None or self.why is not None:
            return
        if why in KILLS:
            self._halt("killed", sentence("killed", what=why))
        else:
            self.why = why
            text = sentence("generator_stopped", detail=why)
            self.tell("generator_stopped", text)
            self._account.invalid.append(Reason(code="generator_stopped", text=text))

    def phase(self, name: PhaseName) -> None:
        self._state.phase = name
        self.tell("phase", sentence(f"phase_{name}"))

    def tell(self, kind: str, text: Sentence) -> None:
        """An event of the run, at this moment."""
        self._scribe.append(self._state.tell(kind, text))

    def _halt(self, kind: str, why: Sentence) -> None:
        self.why = why
        self._account.aborted = Reason(code=kind, text=why)
        self.tell(kind, why)
