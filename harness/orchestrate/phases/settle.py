"""Phase Settle: every user without a definite answer asks again, and every award reaches its balance."""

from __future__ import annotations

import time
from dataclasses import dataclass

from harness.orchestrate.phases.arm import Armed
from harness.orchestrate.phases.drain import Drained
from harness.orchestrate.phases.stage import Stage
from harness.orchestrate.settle import settle
from harness.phrases import sentence
from harness.verdict import Reason

POLL_S = 0.2
SPARE_S = 5.0


@dataclass(frozen=True, slots=True)
class Settled:
    """A round that may be closed. `unsettled`: users without an answer, None where they could not be asked; `posted`:
    the backlog was seen empty.
    """

    armed: Armed
    unsettled: int | None
    posted: bool


@dataclass(frozen=True, slots=True)
class Settle:
    """Drained → Settled."""

    stage: Stage

    def __call__(self, drained: Drained) -> Settled:
        stage, armed = self.stage, drained.armed
        with stage.attempt(sentence("open_answers")):
            self._ask(armed)
        tells_backlog = bool(stage.system.addresses.credit_metrics_urls.get(stage.order.lane))
        posted = tells_backlog and not stage.over() and self._posted()
        if posted:
            stage.run.tell("drained", sentence("drained"))
        return Settled(armed, armed.account.unsettled, posted)

    def _ask(self, armed: Armed) -> None:
        stage = self.stage
        if stage.account.gone:
            return
        within_s = stage.within(stage.order.loaded.plan.drain.answers + SPARE_S)
        open_ = settle(
            stage.control, armed.prepared.topology, stage.order.lane, armed.round_id, stage.state.run_id,
            stage.order.seed, stage.history, within_s, armed.account.number,
        )  # fmt: skip
        armed.account.unsettled = len(open_)
        if open_:
            text = sentence("unsettled", count=len(open_), first=open_[0])
            stage.missing(Reason(code="unsettled", text=text))

    def _posted(self) -> bool:
        stage, within_s = self.stage, self.stage.order.loaded.plan.drain.credits
        until = time.monotonic() + within_s
        while not stage.over():
            if stage.state.money.backlog_entries == 0:
                return True
            if time.monotonic() > until:
                stage.late(sentence("the_backlog"), within_s)
                return False
            time.sleep(POLL_S)
        return False
