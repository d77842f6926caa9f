"""The engine's metrics, by the names of plans/metrics.py. Registry passed in; run ids are never labels.

The number of series follows the number of runs: all playbooks that have not run share one name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from chaos.playbook.journal import ESCALATED, FINAL, PlaybookFacts, Transition
from chaos.playbook.scope import Scope
from plans.metrics import METRICS, PLAYBOOK_STATES
from system.contract.itself import tell_of_itself

_BY_NAME = {metric.name: metric for metric in METRICS}
RUN = "run"
"""The step that stands for the whole run."""
OTHERS = "*"
"""Every playbook that has not run since the engine began: idle, and none of its runs has ended."""
ENDED = 16
"""How many ended runs stay visible with every step; of an older one that needs a person, only its end stays."""


@dataclass
class _NewestRun:
    """The newest run of a playbook in a place: state by step."""

    run: str
    steps: dict[str, str] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        return self.steps[RUN] in FINAL


class _Steps(Collector):
    """The gauge of states, made when it is asked for."""

    def __init__(self) -> None:
        self.newest: dict[tuple[str, Scope], _NewestRun] = {}
        """The newest one is last."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family_spec = _BY_NAME["drill_playbook_step_state"]
        family = GaugeMetricFamily(family_spec.name, family_spec.help)
        others = {"playbook": OTHERS, "lane": "", "step": RUN, "state": "idle"}
        family.add_sample(family_spec.name, others, 1.0)
        for (playbook, scope), shown in self.newest.items():
            for step, state in shown.steps.items():
                # A place that a run is not bound to is no label; the lane always is one.
                labels = {"playbook": playbook, "lane": scope.lane, **scope.bound, "step": step}
                for each in PLAYBOOK_STATES:
                    family.add_sample(family_spec.name, {**labels, "state": each}, float(each == state))
        yield family

    def tell(self, facts: PlaybookFacts, step: str, state: str) -> None:
        """A step of a run is in this state."""
        key = (facts.playbook, facts.scope)
        shown = self.newest.pop(key, None)
        if shown is None or shown.run != facts.run:
            shown = _NewestRun(facts.run, {RUN: facts.state})
        shown.steps[step] = state
        self.newest[key] = shown
        self._let_go()

    def _let_go(self) -> None:
        over = [key for key, shown in self.newest.items() if shown.over]
        for key in over[: max(0, len(over) - ENDED)]:
            state = self.newest[key].steps[RUN]
            if state in ESCALATED:
                self.newest[key].steps = {RUN: state}
            else:
                del self.newest[key]


class PlaybookMeters:
    """Gauges of runs: those under way, and the last that ended."""

    def __init__(self, registry: CollectorRegistry) -> None:
        tell_of_itself(registry, "drill")
        delay, ends = _BY_NAME["drill_playbook_trigger_delay_seconds"], _BY_NAME["drill_playbook_runs_total"]
        self._steps = _Steps()
        registry.register(self._steps)
        self._delay = Histogram(delay.name, delay.help, delay.labels, buckets=delay.buckets, registry=registry)
        self._ends = Counter(ends.name, ends.help, ends.labels, registry=registry)
        refused = _BY_NAME["drill_playbook_files_refused"]
        self.refused = Gauge(refused.name, refused.help, registry=registry)
        self._known: set[str] = set()
        self._count(OTHERS)

    def under_way(self, facts: PlaybookFacts) -> None:
        """A run begins, or goes on; its playbook's counts stand at 0 from now on, where it is the first."""
        self._steps.tell(facts, RUN, facts.state)
        if facts.playbook not in self._known:
            self._known.add(facts.playbook)
            self._delay.labels(facts.playbook)
            self._count(facts.playbook)

    def recall(self, facts: PlaybookFacts) -> None:
        """A run that ended under an earlier engine, as it ended. It is not counted again."""
        self._steps.tell(facts, RUN, facts.state)

    def _count(self, playbook: str) -> None:
        for end in sorted(FINAL):
            self._ends.labels(playbook, end)

    def observe(self, facts: PlaybookFacts, line: Transition) -> None:
        """A run went a step on."""
        self._steps.tell(facts, RUN, line.state)
        if (action := line.data.get("action")) is not None:
            self._steps.tell(facts, action, line.state)
        if line.state == "read_back" and facts.times["t4"] == line.at_s and "t2" in facts.times:
            self._delay.labels(facts.playbook).observe(max(0.0, line.at_s - facts.times["t2"]))
        if line.state in FINAL:
            self._ends.labels(facts.playbook, line.state).inc()
