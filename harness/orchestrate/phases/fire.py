"""Phase Fire: sends the order to its end, or until the run must end. Waits for no answer after that."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import HarnessError
from harness.orchestrate.merge import side_by_side
from harness.orchestrate.phases.arm import Armed
from harness.orchestrate.phases.stage import Stage

OVERRUN_S = 120.0
"""Seconds after its plan's end at which a generator is given up."""


@dataclass(frozen=True, slots=True)
class Fired:
    """A round whose sending has ended, for whatever reason. `whole`: the generator sent its account."""

    armed: Armed
    whole: bool


@dataclass(frozen=True, slots=True)
class Fire:
    """Armed → Fired."""

    stage: Stage

    def __call__(self, armed: Armed) -> Fired:
        run, prepared = self.stage.run, armed.prepared
        run.phase("warm_up")
        try:
            deadline_s = prepared.duration_s + OVERRUN_S
            fired = armed.generator.fire(prepared.order, deadline_s, run.on_message, run.stopped)
        except (HarnessError, OSError) as exc:
            run.broken(exc)
            return Fired(armed, False)
        account = armed.account.fired = side_by_side(fired.accounts)
        run.ceased(account["stop"])
        return Fired(armed, True)
