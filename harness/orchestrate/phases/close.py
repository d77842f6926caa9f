"""Phase Close: the round is closed, over or not, so that no budget stays behind. Does not judge the books."""

from __future__ import annotations

import time
from dataclasses import dataclass

from harness.orchestrate import closing
from harness.orchestrate.phases.arm import Armed
from harness.orchestrate.phases.settle import Settled
from harness.orchestrate.phases.stage import Stage
from harness.phrases import sentence
from harness.verdict import Reason


@dataclass(frozen=True, slots=True)
class Closed:
    """A round whose close was asked for. `missing`: what it still waits for; empty where it is closed."""

    armed: Armed
    missing: str


@dataclass(frozen=True, slots=True)
class Close:
    """Settled → Closed."""

    stage: Stage

    def __call__(self, settled: Settled) -> Closed:
        stage, missing = self.stage, "it was not asked for"
        stage.run.phase("closing")
        with stage.attempt(sentence("the_close")):
            if not stage.account.gone:
                missing = self._close(settled.armed)
        return Closed(settled.armed, missing)

    def _close(self, armed: Armed) -> str:
        missing = [self._close_one(armed, round_id) for round_id in armed.round_ids]
        armed.account.closed = not any(missing)
        return "; ".join(filter(None, missing))

    def _close_one(self, armed: Armed, round_id: int) -> str:
        stage = self.stage
        # At any time: control's clock need not be asked, which might be slow to answer just now.
        early = stage.early()
        missing = closing.close(
            stage.control,
            round_id,
            stage.within(stage.order.loaded.plan.drain.close),
            lambda: stage.account.gone,
            lambda: stage.control.ask_close(round_id, before_end=early),
        )
        if missing:
            stage.missing(Reason(code="not_closed", text=sentence("not_closed", round=round_id, detail=missing)))
            return missing
        before_end = early and time.time() * 1e6 < armed.end_us
        stage.run.tell("closed", sentence("closed_early" if before_end else "closed", round=round_id))
        return ""
