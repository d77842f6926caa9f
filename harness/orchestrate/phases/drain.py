"""Phase Drain: waits for the round's end, by control's clock alone; behind a climb for nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass

from harness.orchestrate import closing
from harness.orchestrate.phases.arm import Armed
from harness.orchestrate.phases.fire import Fired
from harness.orchestrate.phases.stage import Stage
from harness.phrases import sentence

SPARE_S = 5.0


@dataclass(frozen=True, slots=True)
class Drained:
    """A round whose end has come, or is not waited for. `over`: control says that its end is past."""

    armed: Armed
    over: bool


@dataclass(frozen=True, slots=True)
class Drain:
    """Fired → Drained."""

    stage: Stage

    def __call__(self, fired: Fired) -> Drained:
        stage, armed = self.stage, fired.armed
        stage.run.phase("drain")
        over = False
        with stage.attempt(sentence("the_end")):
            # How long to wait is measured by this host's clock; whether it is over, by control's alone.
            wait_s = max(0.0, armed.end_us / 1e6 - time.time()) + SPARE_S
            if not stage.early():
                over = closing.over(stage.control, armed.end_us, wait_s, stage.over)
                if not over:
                    stage.late(sentence("the_end"), wait_s)
        return Drained(armed, over)
