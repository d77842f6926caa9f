"""The front's metrics: counts in preallocated lists, turned into Prometheus text only at a scrape.

No I/O, no global registry.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family

from system.contract.ids import LANES, Lane
from system.contract.itself import tell_of_itself
from system.contract.metrics import APPEND_VERDICTS, DROPS, LATENCY_BUCKETS_S, METRICS, REFUSAL_CODES, TAP_OUTCOMES
from system.contract.switches import Tables

_CATALOGUE = {metric.name: metric for metric in METRICS if "front" in metric.process}
_SETTLED = tuple(outcome for outcome in TAP_OUTCOMES if outcome != "refused")
TAP_KINDS: tuple[str, ...] = _SETTLED + REFUSAL_CODES
"""What an answer may be counted as: four outcomes that are no refusal, then each refusal by its code."""
KIND: dict[str, int] = {name: index for index, name in enumerate(TAP_KINDS)}
LANE_INDEX: dict[Lane, int] = {lane: index for index, lane in enumerate(LANES)}


class BucketCounts:
    """Counts per bucket and a sum, for few observations."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...] = LATENCY_BUCKETS_S) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect.bisect_left(self.bounds, value)] += 1
        self.sum += value

    def cumulative(self) -> list[tuple[str, float]]:
        """(upper bound as text, observations up to it), the last one `+Inf`."""
        total, rows = 0, []
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            total += count
            rows.append((bound, float(total)))
        return rows


class FrontMetrics:
    """Every family a front exposes. The draw path adds to `taps[lane]`; the award path calls the methods."""

    def __init__(self) -> None:
        self.taps: tuple[list[int], ...] = tuple([0] * len(TAP_KINDS) for _ in LANES)
        """Per lane (LANE_INDEX), one count for each of TAP_KINDS."""
        self.tickets = [0 for _ in LANES]
        """Per lane: losing taps answered with a ticket."""
        self.connections = 0
        self.places = 0
        self.connections_dropped = dict.fromkeys(DROPS, 0)
        self.loop_lag = BucketCounts()
        self._appends: dict[tuple[str, ...], int] = {
            (lane, verdict): 0 for lane in LANES for verdict in APPEND_VERDICTS
        }
        self._append_duration = {lane: BucketCounts() for lane in LANES}
        self._pending = dict.fromkeys(LANES, 0)
        self._issued = dict.fromkeys(LANES, 0)
        self._awarded_fen = dict.fromkeys(LANES, 0)
        self._lease_remaining = dict.fromkeys(LANES, 0)
        self._ready_rounds = dict.fromkeys(LANES, 0)
        self._blocked_rounds = dict.fromkeys(LANES, 0)
        self._clock = (0.0, False)
        self._switches: Tables = {}
        self.registry = CollectorRegistry()
        self.registry.register(self)
        tell_of_itself(self.registry)

    def append_done(self, lane: Lane, verdict: str, duration_s: float) -> None:
        """One append got its verdict (one of APPEND_VERDICTS) `duration_s` after it was sent."""
        self._appends[lane, verdict] += 1
        self._append_duration[lane].observe(duration_s)

    def awarded(self, lane: Lane, packets: int, fen: int) -> None:
        """`packets` more are durable, worth `fen` together."""
        self._issued[lane] += packets
        self._awarded_fen[lane] += fen

    def set_pending(self, lane: Lane, awards: int) -> None:
        """Awards whose append has no verdict yet."""
        self._pending[lane] = awards

    def set_lease_remaining(self, lane: Lane, packets: int) -> None:
        """Packets left in the held leases of a lane."""
        self._lease_remaining[lane] = packets

    def set_ready_rounds(self, lane: Lane, rounds: int) -> None:
        """Rounds of a lane in which this front may award."""
        self._ready_rounds[lane] = rounds

    def set_blocked_rounds(self, lane: Lane, rounds: int) -> None:
        """Rounds of a lane in which a person has to decide."""
        self._blocked_rounds[lane] = rounds

    def set_clock(self, offset_s: float, trusted: bool) -> None:
        """Control's clock minus own wall clock, and whether it is known."""
        self._clock = (offset_s, trusted)

    def set_switches(self, switches: Tables) -> None:
        """The switches as this front obeys them, by lane."""
        self._switches = switches

    def collect(self) -> Iterator[Family]:
        """The families, for prometheus-client."""
        yield from self._collect_taps()
        yield self._by_labels("hongbao_appends_total", self._appends)
        duration = HistogramMetricFamily(*_head("hongbao_append_duration_seconds"), labels=("lane",))
        for lane, histogram in self._append_duration.items():
            duration.add_metric((lane,), histogram.cumulative(), histogram.sum)
        yield duration
        for name, values in (
            ("hongbao_pending_awards", self._pending),
            ("hongbao_packets_issued_total", self._issued),
            ("hongbao_awarded_fen_total", self._awarded_fen),
            ("hongbao_lease_remaining_packets", self._lease_remaining),
            ("hongbao_front_ready_rounds", self._ready_rounds),
            ("hongbao_front_blocked_rounds", self._blocked_rounds),
        ):
            yield self._by_labels(name, {(lane,): value for lane, value in values.items()})
        yield self._by_labels("hongbao_front_connections", {(): self.connections})
        yield self._by_labels("hongbao_front_places", {(): self.places})
        dropped: dict[tuple[str, ...], float] = {(why,): count for why, count in self.connections_dropped.items()}
        yield self._by_labels("hongbao_front_connections_dropped_total", dropped)
        lag = HistogramMetricFamily(*_head("hongbao_eventloop_lag_seconds"))
        lag.add_metric((), self.loop_lag.cumulative(), self.loop_lag.sum)
        yield lag
        offset_s, trusted = self._clock
        yield self._by_labels("hongbao_clock_offset_seconds", {(): offset_s})
        yield self._by_labels("hongbao_clock_trusted", {(): int(trusted)})
        switches: dict[tuple[str, ...], float] = {}
        for lane, table in self._switches.items():
            switches |= {(key, lane): value for key, value in table.items()}
        yield self._by_labels("hongbao_switch", switches)

    def _collect_taps(self) -> Iterator[Family]:
        outcomes: dict[tuple[str, ...], float] = {}
        refusals: dict[tuple[str, ...], float] = {}
        for lane, counts in zip(LANES, self.taps, strict=True):
            for outcome in _SETTLED:
                outcomes[lane, outcome] = counts[KIND[outcome]]
            for code in REFUSAL_CODES:
                refusals[lane, code] = counts[KIND[code]]
            outcomes[lane, "refused"] = sum(counts[len(_SETTLED) :])
        yield self._by_labels("hongbao_requests_total", outcomes)
        given: dict[tuple[str, ...], float] = {(lane,): count for lane, count in zip(LANES, self.tickets, strict=True)}
        yield self._by_labels("hongbao_tickets_total", given)
        yield self._by_labels("hongbao_refusals_total", refusals)

    @staticmethod
    def _by_labels(name: str, values: Mapping[tuple[str, ...], float]) -> Family:
        metric = _CATALOGUE[name]
        family: CounterMetricFamily | GaugeMetricFamily
        if metric.kind == "counter":
            family = CounterMetricFamily(name.removesuffix("_total"), metric.help, labels=metric.labels)
        else:
            family = GaugeMetricFamily(name, metric.help, labels=metric.labels)
        for labels, value in values.items():
            family.add_metric(labels, value)
        return family


def _head(name: str) -> tuple[str, str]:
    return name, _CATALOGUE[name].help
