"""Where everything of a stack is reached: plain data, to and from JSON. Refuses to open a connection."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from system.contract import links as contract

LINKS: dict[str, str] = {link.id: link.upstream for link in contract.LINKS if link.always}
"""Link id → what stands behind it. Each has a proxy of its own, in the path also when no fault is injected."""


@dataclass(frozen=True)
class Addresses:
    """Direct addresses, and under `links` the proxied one of each link. None: not part of this stack."""

    valkey_url: str
    postgres_url: str
    control_url: str | None = None
    front_urls: tuple[str, ...] = ()
    play_url: str | None = None
    credit_metrics_urls: dict[str, str] = field(default_factory=dict)
    """lane → address of that worker's /metrics, /healthz, /readyz"""
    front_metrics_urls: tuple[str, ...] = ()
    """of /metrics, /healthz, /readyz, in the order of `front_urls`, which are for taps"""
    links: dict[str, str] = field(default_factory=dict)
    toxiproxy_url: str | None = None
    prometheus_url: str | None = None
    alertmanager_url: str | None = None
    stores_metrics_url: str | None = None
    """the exporter of Valkey and PostgreSQL"""
    more: dict[str, str] = field(default_factory=dict)
    """part → address, of the parts that were handed in beside the system"""

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Addresses:
        """Back from `to_json`."""
        return cls(**{**data, **{key: tuple(data[key]) for key in ("front_urls", "front_metrics_urls")}})
