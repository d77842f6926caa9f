"""Control's metrics, by the catalogue of the contract. A figure that could not be read from the ledger is absent."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge

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
    switch: Gauge

    @classmethod
    def of(cls, registry: CollectorRegistry) -> ControlMeters:
        return cls(
            rounds=gauge(registry, "hongbao_rounds"),
            packets=gauge(registry, "hongbao_round_packets"),
            unleased=gauge(registry, "hongbao_round_unleased_packets"),
            pace=gauge(registry, "hongbao_round_release_packets_per_second"),
            budget=gauge(registry, "hongbao_round_budget_fen"),
            waiting=gauge(registry, "hongbao_close_waiting"),
            epochs=counter(registry, "hongbao_epochs_granted_total"),
            leases=counter(registry, "hongbao_leases_granted_total"),
            imbalance=gauge(registry, "hongbao_ledger_imbalance_fen"),
            switch=gauge(registry, "hongbao_switch"),
        )
