"""What the cannons tell while they fire, and the money sampled beside it: into the run's state, and past its stop
rules. Fires nothing and ends nothing: it says why the run should end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.guard.stop import Reading, StopRules
from harness.phrases import said
from harness.runs.state import RunState
from plans.models.stress import StressPlan

Tell = Callable[[str, str], None]
OPEN_DOOR_S = 0.5
"""So long after the planned opening a tap may still meet a closed door: two clocks round differently."""


class Hearing:
    """One run's ear. `tell(kind, text)` takes its events; `rated`: a person changed the rate."""

    def __init__(self, state: RunState, plan: StressPlan, tell: Tell) -> None:
        self._state, self._plan, self._tell = state, plan, tell
        self._rules = StopRules(plan.stop)
        self._early = 0
        self.rated = False

    def take(self, worker: int, message: dict[str, Any]) -> str | None:
        """One message of a cannon; the stop rule that it broke, in words, or None."""
        if message["event"] == "rate":
            self.rated = True
            self._tell("rate", said("rated", version=message["version"], taps=message["taps"]))
        elif message["event"] == "error":
            self._tell("rate_refused", said("rate_refused", detail=message["message"]))
        if message["event"] != "counts":
            return None
        state = self._state
        before = state.counts.get(worker)
        state.counts = {**state.counts, worker: message}
        lag_ms = message["lag_p99_ms"]
        state.saturated = lag_ms is not None and lag_ms > max(1.0, self._plan.objectives.response_p99 * 100)
        if before is not None:
            span = (message["at_ns"] - before["at_ns"]) / 1e9
            state.rate_rps = (message["answered"] - before["answered"]) / span if span else None
            state.planned_rps = (message["reached"] - before["reached"]) / span if span else None
        return self._rules.feed(self._reading(message)) if state.now_s > 0 else None

    def blind(self) -> list[str]:
        """Signals of stop rules that nothing could be read for, all run long."""
        return self._rules.blind()

    def _reading(self, message: dict[str, Any]) -> Reading:
        by_status: dict[str, int] = message["refused_by_status"]
        if self._state.now_s <= self._plan.round.opens + OPEN_DOOR_S:
            self._early = by_status.get("409", 0)  # before the opening, *not open yet* is the right answer
        return Reading(
            t_s=self._state.now_s,
            answered=message["answered"],
            unknown=message["outcomes"]["unknown"],
            refused_by_status=by_status,
            early=self._early,
            probes=self._plan.probes.total,
            lag_us=tuple((edge, count) for edge, count in message["lag_us"]),
            response_us=tuple((edge, count) for edge, count in message["response_us"]),
            money=self._state.money,
        )
