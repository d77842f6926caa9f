"""What every phase of a run works with, and how a phase reports a failure. Owns no phase.

A phase raises only KeyboardInterrupt (`Arm` apart): what it cannot do becomes a reason of the verdict, and the next
phase runs all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from harness.control_client import ControlClient
from harness.errors import HarnessError
from harness.forecast.share import Share
from harness.orchestrate.account import RunAccount
from harness.orchestrate.prepare import Sizes
from harness.orchestrate.system import System
from harness.phrases import Sentence, again, of_error, sentence
from harness.runs.order import RunOrder
from harness.runs.state import PhaseName, RunState
from harness.verdict import Reason

EARLY_S = 20.0
"""Longest seconds in which a stopped run waits for answers, and for its close."""


class RunContext(Protocol):
    """What a phase may ask the run, and report to it."""

    def stopped(self) -> str | None:
        """Why the run must end now; None while it need not."""
        ...

    def tell(self, kind: str, text: Sentence) -> None: ...

    def phase(self, name: PhaseName) -> None: ...

    def broken(self, exc: Exception) -> None:
        """The run cannot go on as planned; what was done is still settled and judged."""
        ...

    def ceased(self, why: str | None) -> None:
        """Sending has ended; `why` it ended before its plan's end, None where it did not."""
        ...

    def step(self, text: str) -> None:
        """The next step of a run that must end."""
        ...

    def on_message(self, worker: int, message: dict[str, Any]) -> None:
        """A cannon's message."""
        ...


@dataclass(frozen=True, slots=True)
class Stage:
    """One run: its order, its system, what is played, and the account that its phases fill in."""

    run: RunContext
    order: RunOrder
    system: System
    control: ControlClient
    state: RunState
    account: RunAccount
    share: Share
    sizes: Sizes
    folder: Path

    @property
    def history(self) -> Path:
        """Folder of the run's operation records."""
        return self.folder / "history"

    def over(self) -> bool:
        """Must the run end now?"""
        return self.run.stopped() is not None

    def early(self) -> bool:
        """Is the round's end not waited for? The run must end; or its climb is over, and nobody taps any more."""
        return self.over() or self.account.climb is not None

    def within(self, deadline_s: float) -> float:
        """How long to wait for something for which a whole run waits `deadline_s`."""
        return min(deadline_s, EARLY_S) if self.over() else deadline_s

    def late(self, what: str, within_s: float) -> None:
        """Something did not come in time; in a stopped run it is not expected."""
        if not self.over():
            self.run.tell("late", sentence("late", what=what, within_s=within_s))

    def missing(self, reason: Reason) -> None:
        """A missing result is a failure of a whole run; of a stopped run it is not known."""
        self.run.tell("late", again(reason.text, reason.says, reason.data))
        (self.account.no_data if self.over() else self.account.failures).append(reason)

    @contextmanager
    def attempt(self, what: str) -> Iterator[None]:
        """An error of the block is reported, and what follows is tried all the same."""
        try:
            yield
        except (HarnessError, OSError, ValueError) as exc:  # ValueError: a history or an answer that cannot be read
            text = sentence("step_failed", what=what, error=of_error(exc))
            self.run.tell("error", text)
            self.account.invalid.append(Reason(code="run_broken", text=text))
