"""From the last tap to closed books: the round's end, open answers settled, the backlog, the close. Owns what happens
to a run that was stopped early, too: whatever can be settled is, in bounded time, and its round is not left armed.

Raises nothing that is not a KeyboardInterrupt: each step that cannot be taken is a reason, and the next one is tried.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.control_client import ControlClient
from harness.errors import HarnessError
from harness.orchestrate import closing
from harness.orchestrate.outcome import Gathered
from harness.orchestrate.prepare import Prepared
from harness.orchestrate.settle import settle
from harness.phrases import again, of_error, said
from harness.runs.state import PhaseName, RunState
from harness.verdict import Reason
from plans.models.stress import Drain
from system.contract.ids import Lane

POLL_S = 0.2
EARLY_S = 20.0
"""At most so long a run that was stopped waits for answers, and for its close."""


class Ended(Protocol):
    """What the run knows of its own end."""

    def stopped(self) -> str | None:
        """Why the run is to end now, None while it is not."""
        ...

    def tell(self, kind: str, text: str) -> None: ...

    def phase(self, name: PhaseName) -> None: ...


@dataclass(frozen=True, slots=True)
class Ending:
    """One round's way to its closed books."""

    run: Ended
    control: ControlClient
    state: RunState
    evidence: Gathered
    drain: Drain
    lane: Lane
    seed: int
    history: Path
    tells_backlog: bool
    """Is there a credit worker that tells its backlog?"""

    def carry_out(self, prepared: Prepared) -> None:
        """Every step, in its order, as far as the run may still wait for it."""
        run, round_id, end_us = self.run, prepared.round.round, prepared.round.end_us
        run.phase("drain")
        with self._step(said("the_end")):
            # How long to wait, by this host's clock; whether it is over, by control's alone.
            wait_s = max(0.0, end_us / 1e6 - time.time()) + 5
            if run.stopped() is None and not closing.over(self.control, end_us, wait_s, self._over):
                self._late(said("the_end"), wait_s)
        with self._step(said("open_answers")):
            self._settle(prepared)
        if self.tells_backlog and run.stopped() is None and self._drained():
            run.tell("drained", said("drained"))
        run.phase("closing")
        with self._step(said("the_close")):
            self._close(round_id, end_us)

    def give_back(self, round_id: int) -> None:
        """Asks for the close and waits for nothing: somebody does not want to wait any more."""
        with suppress(HarnessError):
            self.control.ask_close(round_id, before_end=True)

    def _settle(self, prepared: Prepared) -> None:
        if self.evidence.gone:
            return
        within_s = self.drain.answers + 5
        open_ = settle(
            self.control, prepared.topology, self.lane, prepared.round.round, self.state.run_id, self.seed,
            self.history, within_s if self.run.stopped() is None else min(within_s, EARLY_S),
        )  # fmt: skip
        self.evidence.unsettled = len(open_)
        if not open_:
            return
        text = said("unsettled", count=len(open_), first=open_[0])
        self._missing(Reason(code="unsettled", text=text))

    def _drained(self) -> bool:
        until = time.monotonic() + self.drain.credits
        while not self._over():
            if self.state.money.backlog_entries == 0:
                return True
            if time.monotonic() > until:
                self._late(said("the_backlog"), self.drain.credits)
                return False
            time.sleep(POLL_S)
        return False

    def _close(self, round_id: int, end_us: int) -> None:
        if self.evidence.gone:
            return
        # Whatever the time is: nobody has to be asked for it, who may be slow to answer just now.
        early = self.run.stopped() is not None
        within_s = self.drain.close if self.run.stopped() is None else min(self.drain.close, EARLY_S)
        missing = closing.close(
            self.control,
            round_id,
            within_s,
            lambda: self.evidence.gone,
            lambda: self.control.ask_close(round_id, before_end=early),
        )
        if not missing:
            self.evidence.closed = True
            self.run.tell(
                "closed", said("closed_early" if early and time.time() * 1e6 < end_us else "closed", round=round_id)
            )
            return
        self._missing(Reason(code="not_closed", text=said("not_closed", round=round_id, detail=missing)))

    def _missing(self, reason: Reason) -> None:
        """What a whole run owes is a failure; of one that was stopped it is not known."""
        self.run.tell("late", again(reason.text, reason.says, reason.data))
        (self.evidence.failures if self.run.stopped() is None else self.evidence.no_data).append(reason)

    @contextmanager
    def _step(self, what: str) -> Iterator[None]:
        """An error of it is told, and the next step is tried all the same."""
        try:
            yield
        except (HarnessError, OSError, ValueError) as exc:  # ValueError: a history or an answer that cannot be read
            text = said("step_failed", what=what, error=of_error(exc))
            self.run.tell("error", text)
            self.evidence.invalid.append(Reason(code="run_broken", text=text))

    def _over(self) -> bool:
        return self.run.stopped() is not None

    def _late(self, what: str, within_s: float) -> None:
        if not self._over():
            self.run.tell("late", said("late", what=what, within_s=within_s))
