"""Control's metrics, by the catalogue of the contract. A figure that could not be read from the ledger is absent."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge

from system.contract.ids import LANES
from system.web import counter, gauge


@dataclass(frozen=True, slots=True)
class ControlMeters:
    """Every family of control, registered once."""

    rounds: Gauge
    packets: Gauge
    unleased: Gauge
    pace: Gauge
    budget: Gauge
    waiting: Gauge
    epochs: Counter
    leases: Counter
    imbalance: Gauge
    transfers: Gauge
    programme: Gauge
    participations: Counter
    exposures: Counter
    switch: Gauge

    @classmethod
    def of(cls, registry: CollectorRegistry) -> ControlMeters:
        meters = cls(
            rounds=gauge(registry, "hongbao_rounds"),
            packets=gauge(registry, "hongbao_round_packets"),
            unleased=gauge(registry, "hongbao_round_unleased_packets"),
            pace=gauge(registry, "hongbao_round_release_packets_per_second"),
            budget=gauge(registry, "hongbao_round_budget_fen"),
            waiting=gauge(registry, "hongbao_close_waiting"),
            epochs=counter(registry, "hongbao_epochs_granted_total"),
            leases=counter(registry, "hongbao_leases_granted_total"),
            imbalance=gauge(registry, "hongbao_ledger_imbalance_fen"),
            transfers=gauge(registry, "hongbao_transfers_imbalance"),
            programme=gauge(registry, "hongbao_programme_rounds"),
            participations=counter(registry, "hongbao_participations_total"),
            exposures=counter(registry, "hongbao_exposures_total"),
            switch=gauge(registry, "hongbao_switch"),
        )
        for lane in LANES:  # what was never counted is 0, and not missing
            meters.participations.labels(lane)
            meters.exposures.labels(lane)
        return meters
