"""A run's `drill_` metrics for Prometheus, made from the run's state at each scrape; catalogue: plans/metrics.py.

One registry and one port of its own. A cannon's time buckets are a thirty-second wide or narrower; each counts under
the first edge that is not below its own, so that no bucket ever claims too much.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from harness.forecast.target import Target
from harness.runs.state import RunState
from harness.stack.ports import Ports
from harness.waits import joined
from plans.metrics import BOUNDS, INVARIANT_STATES, METRICS, OUTCOMES, PHASES, PLACES, STATES, VERDICTS
from system.contract.audit import INVARIANTS, Finding
from system.contract.itself import tell_of_itself
from system.contract.metrics import LATENCY_BUCKETS_S

TAKEN_UP_S, KNOWN_S = 5.5, 1.5
"""To the first scrape of a new target, and of one that Prometheus knows, at most, on a machine that is not busy."""
LAST_READS = 2
"""Scrapes for which figures must stand so that they are kept: by then every other part was scraped as well."""
POLL_S = 0.02
_HELP = {metric.name: metric.help for metric in METRICS}


class RunCollector(Collector):
    """Families of process `run` in the catalogue. Labels are pre-created: absent never means zero."""

    def __init__(self, state: RunState, git_sha: str) -> None:
        self._state, self._git_sha = state, git_sha

    def describe(self) -> Iterator[Metric]:
        """Nothing at registration: the state may not be complete then."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """All families as they stand now."""
        self._state.reads += 1
        yield from self._counters()
        yield from self._histograms()
        yield from self._gauges()
        yield from self._verdict()
        yield from self._forecast()
        yield from self._money()
        yield self._faults()

    def _counters(self) -> Iterator[Metric]:
        state, lane = self._state, [self._state.lane]
        for name, key in (("planned", "reached"), ("sent", "sent"), ("dropped", "dropped")):
            family = _counter(f"drill_requests_{name}_total", ["lane"])
            family.add_metric(lane, state.total(key))
            yield family
        settled = _counter("drill_requests_total", ["lane", "outcome"])
        for outcome in OUTCOMES:
            settled.add_metric([state.lane, outcome], state.outcome(outcome))
        yield settled

    def _histograms(self) -> Iterator[Metric]:
        messages = list(self._state.counts.values())
        for name, key, labels in (
            ("drill_client_response_seconds", "response", [self._state.lane]),
            ("drill_client_service_seconds", "service", [self._state.lane]),
            ("drill_schedule_lag_seconds", "lag", []),
        ):
            pairs = [pair for message in messages for pair in message.get(f"{key}_us", ())]
            total_us = sum(message.get(f"{key}_sum_us", 0) for message in messages)
            family = HistogramMetricFamily(name, _HELP[name], labels=["lane"] if labels else [])
            family.add_metric(labels, buckets_of(pairs), sum_value=total_us / 1e6)
            yield family

    def _gauges(self) -> Iterator[Metric]:
        state = self._state
        info = _gauge("drill_run_info", ["run_id", "scenario", "forecast_sha256", "git_sha", "scale_factor"])
        info.add_metric([state.run_id, state.plan, state.forecast_sha256, self._git_sha, state.scale], 1)
        yield info
        phases = _gauge("drill_phase", ["phase"])
        for phase in PHASES:
            phases.add_metric([phase], float(phase == state.phase))
        yield phases
        for name, value in (
            ("drill_users", float(state.users)),
            ("drill_generator_saturated", float(state.saturated)),
            ("drill_generator_cpu_ratio", self._cpu()),
        ):
            family = _gauge(name, [])
            if value is not None:  # not known is not zero
                family.add_metric([], value)
            yield family

    def _cpu(self) -> float | None:
        """Of the busiest cannon; None until one reports it."""
        ratios = [message.get("cpu_ratio") for message in list(self._state.counts.values())]
        return max((ratio for ratio in ratios if ratio is not None), default=self._state.generator_cpu)

    def _faults(self) -> Metric:
        """A fault is there from its event to the heal's; before the first one there is nothing to name. A heal that
        names no fault is that of all.
        """
        active: dict[tuple[str, str], bool] = {}
        for event in self._state.events:
            fault, target = event.data.get("fault"), event.data.get("target")
            if event.kind == "fault_injected" and fault and target:
                active[fault, target] = True
            elif event.kind == "healed":
                gone = set(active) if fault is None else {(fault, target)}
                active = {labels: there and labels not in gone for labels, there in active.items()}
        family = _gauge("drill_chaos_active", ["experiment", "target"])
        for labels, there in active.items():
            family.add_metric(list(labels), float(there))
        return family

    def _money(self) -> Iterator[Metric]:
        """Of this run's round alone: sampled, and from the books once they are closed. Unknown is absent."""
        state, money = self._state, self._state.money
        known = {
            "budget": money.budget_fen,
            "awarded": money.awarded_fen,
            "credited": _less(money.credited_fen, money.suspense_fen),
            "suspense": money.suspense_fen,
        }
        places = _gauge("drill_money_fen", ["run_id", "lane", "place"])
        for place in PLACES:
            if (fen := known[place]) is not None:
                places.add_metric([state.run_id, state.lane, place], fen)
        yield places
        won = _gauge("drill_won_packets", ["run_id", "lane"])
        if money.issued_packets is not None:
            won.add_metric([state.run_id, state.lane], money.issued_packets)
        yield won

    def _verdict(self) -> Iterator[Metric]:
        """Of the whole run and of each invariant, from the first scrape on: *not yet* is a state of its own."""
        state = self._state
        verdict = state.verdict
        family = _gauge("drill_run_verdict", ["run_id", "verdict"])
        for name in VERDICTS:
            family.add_metric([state.run_id, name], float(name == (verdict or "RUNNING")))
        yield family
        found = {finding.code: state_of(finding) for finding in state.invariants}
        invariants = _gauge("drill_invariant_state", ["run_id", "code", "state"])
        for code in dict.fromkeys((*INVARIANTS, *found)):
            # A run that ended without books does not know them.
            mine = found.get(code, "unknown" if verdict else "pending")
            for name in INVARIANT_STATES:
                invariants.add_metric([state.run_id, code, name], float(name == mine))
        yield invariants
        sponsors = _gauge("drill_sponsor_info", ["run_id", "indicator", "name"])
        for target in state.targets:
            if target.indicator.startswith("sponsor_"):
                sponsors.add_metric([state.run_id, target.indicator, sponsor_name(target)], 1)
        yield sponsors

    def _forecast(self) -> Iterator[Metric]:
        state = self._state
        targets = _gauge("drill_forecast_target", ["run_id", "link", "indicator", "bound"])
        for target in state.targets:
            for bound in BOUNDS:
                targets.add_metric([state.run_id, target.link, target.indicator, bound], getattr(target, bound))
        yield targets
        actuals = _gauge("drill_forecast_actual", ["run_id", "link", "indicator"])
        states = _gauge("drill_verdict_state", ["run_id", "indicator", "state"])
        for row in state.judged:
            if row.actual is not None:
                actuals.add_metric([state.run_id, row.link, row.indicator], row.actual)
        found = {row.indicator: row.state for row in state.judged}
        for indicator in dict.fromkeys((*(target.indicator for target in state.targets), *found)):
            mine = found.get(indicator, "PENDING")
            for name in STATES:
                states.add_metric([state.run_id, indicator, name], float(name == mine))
        yield actuals
        yield states


def state_of(finding: Finding) -> str:
    """An invariant's state, one of INVARIANT_STATES. An invariant that looked at nothing proves nothing."""
    if finding.valid is None:
        return "not_evaluated"
    if finding.valid is False:
        return "broken"
    return "holds" if finding.valid is True and finding.counted > 0 else "unknown"


def sponsor_name(target: Target) -> str:
    """Chinese · English, as the forecast has it."""
    return f"{target.name.zh} · {target.name.en}" if target.name else target.indicator


def _less(whole: int | None, part: int | None) -> int | None:
    return None if whole is None or part is None else whole - part


def _counter(name: str, labels: list[str]) -> CounterMetricFamily:
    return CounterMetricFamily(name, _HELP[name], labels=labels)


def _gauge(name: str, labels: list[str]) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, _HELP[name], labels=labels)


def buckets_of(pairs: list[Any]) -> list[tuple[str, float]]:
    """[upper edge in µs, count] pairs as cumulative Prometheus buckets."""
    out: list[tuple[str, float]] = []
    for edge in LATENCY_BUCKETS_S:
        out.append((str(edge), float(sum(count for upper_us, count in pairs if upper_us <= edge * 1e6))))
    return [*out, ("+Inf", float(sum(count for _, count in pairs)))]


class Exporter:
    """Serves a run's metrics on loopback until `stop()`: on the port where the stack's Prometheus looks for a run
    (`known`), or, where there is none or another run has it, on a free one below 32768 that is held until then.
    """

    def __init__(self, state: RunState, git_sha: str = "", known: int | None = None) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(RunCollector(state, git_sha))
        tell_of_itself(self._registry, "drill")
        self._held: Ports | None = None
        self._target: Path | None = None
        if known is not None:
            with suppress(OSError):
                self._serve(known)
                return
        self._held = Ports(["exporter"])
        try:
            self._serve(self._held.by_name["exporter"])
        except OSError:
            self._held.close()
            raise

    def _serve(self, port: int) -> None:
        self._server, self._thread = start_http_server(port, addr="127.0.0.1", registry=self._registry)
        self.port = port

    @property
    def url(self) -> str:
        """Where it is read."""
        return f"http://127.0.0.1:{self.port}/metrics"

    def register(self, targets: Path) -> float:
        """Registers the run with the stack's Prometheus, unless it looks here anyway: a file_sd document in its folder
        of targets. Seconds within which it reads: it renews its list of targets every five. Raises OSError.
        """
        if self._held is None:
            return KNOWN_S
        self._target = targets / f"run-{os.getpid()}-{self.port}.json"
        document = [{"targets": [f"127.0.0.1:{self.port}"], "labels": {"part": "run"}}]
        # Not `*.json`, which Prometheus would read half written.
        draft = self._target.with_suffix(".new")
        draft.write_text(json.dumps(document), encoding="utf-8")
        draft.replace(self._target)
        return TAKEN_UP_S

    def unregister(self) -> None:
        """Takes the target away. Last figures are kept only if they stood for `LAST_READS` before this."""
        if self._target is not None:
            self._target.unlink(missing_ok=True)
            self._target = None

    def stop(self) -> None:
        """Takes the target away, closes the port, ends the thread. Safe to repeat."""
        self.unregister()
        self._server.shutdown()
        self._server.server_close()
        joined(self._thread)
        if self._held is not None:
            self._held.close()


def until_read(state: RunState, times: int, within_s: float) -> bool:
    """Waits until the run's metrics have been read so often in all; False where they have not within the time."""
    until = time.monotonic() + within_s
    while state.reads < times:
        if time.monotonic() > until:
            return False
        time.sleep(POLL_S)
    return True
