"""What the engine tells Prometheus, by the names of plans/metrics.py. Registry passed in; refuses run ids as labels."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from chaos.playbook.journal import FINAL, Facts, Transition
from plans.metrics import METRICS, PLAYBOOK_STATES
from plans.models.playbook import Playbook
from system.contract.ids import LANES
from system.contract.itself import tell_of_itself

_BY_NAME = {metric.name: metric for metric in METRICS}
RUN = "run"
"""The step that stands for the whole run."""


class Meters:
    """Gauges of the newest run of every playbook, by lane."""

    def __init__(self, registry: CollectorRegistry, playbooks: Iterable[Playbook]) -> None:
        tell_of_itself(registry, "drill")
        state, delay = _BY_NAME["drill_playbook_step_state"], _BY_NAME["drill_playbook_trigger_delay_seconds"]
        ends = _BY_NAME["drill_playbook_runs_total"]
        self._state = Gauge(state.name, state.help, state.labels, registry=registry)
        self._delay = Histogram(delay.name, delay.help, delay.labels, buckets=delay.buckets, registry=registry)
        self._ends = Counter(ends.name, ends.help, ends.labels, registry=registry)
        refused = _BY_NAME["drill_playbook_files_refused"]
        self.refused = Gauge(refused.name, refused.help, registry=registry)
        self._known: set[str] = set()
        self.know(playbooks)

    def know(self, playbooks: Iterable[Playbook]) -> None:
        """These are there, too: idle until they are told of."""
        for playbook in playbooks:
            if playbook.id in self._known:
                continue
            self._known.add(playbook.id)
            self._delay.labels(playbook.id)
            for end in sorted(FINAL):
                self._ends.labels(playbook.id, end)
            for lane in LANES:
                for step in (RUN, *(action.id for action in playbook.actions)):
                    self._show(playbook.id, lane, step, "idle")

    def _show(self, playbook: str, lane: str, step: str, state: str) -> None:
        for each in PLAYBOOK_STATES:
            self._state.labels(playbook, lane, step, each).set(each == state)

    def told(self, facts: Facts, line: Transition) -> None:
        """A run went a step on."""
        self._show(facts.playbook, facts.lane, RUN, line.state)
        if (action := line.data.get("action")) is not None:
            self._show(facts.playbook, facts.lane, action, line.state)
        if line.state == "read_back" and facts.times["t4"] == line.at_s and "t2" in facts.times:
            self._delay.labels(facts.playbook).observe(max(0.0, line.at_s - facts.times["t2"]))
        if line.state in FINAL:
            self._ends.labels(facts.playbook, line.state).inc()
