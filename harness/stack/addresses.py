"""The addresses of a stack: the directory of its parts, and its links. Opens no connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.stack.places import Directory, by_hand
from system.contract import links as contract
from system.contract.places import Place, valkey_variable

LINKS: dict[str, str] = {link.id: link.upstream for link in contract.links_of()}
"""Link id → what stands behind it, of a system of one cell. Each has a proxy of its own, in the path also when no
fault is injected.
"""
SINGLE = (
    "valkey_url", "postgres_url", "control_url", "play_url", "credit_metrics_urls", "links", "toxiproxy_url",
    "prometheus_url", "alertmanager_url", "stores_metrics_url",
)  # fmt: skip
"""Fields of a `stack.json` of an earlier version, beside the fronts."""


@dataclass(frozen=True)
class Addresses:
    """The parts with their direct addresses, and under `links` the proxied one of each link."""

    places: Directory
    links: dict[str, str] = field(default_factory=dict)
    edge: dict[str, dict[str, str]] = field(default_factory=dict)
    """Link of the edge → part at its end → the address by way of the second toxiproxy, of use while it is led there."""

    @classmethod
    def plain(
        cls,
        valkey_url: str = "",
        postgres_url: str = "",
        control_url: str | None = None,
        front_urls: tuple[str, ...] = (),
        play_url: str | None = None,
        credit_metrics_urls: Mapping[str, str] | None = None,
        front_metrics_urls: tuple[str, ...] = (),
        *,
        links: Mapping[str, str] | None = None,
        toxiproxy_url: str | None = None,
        prometheus_url: str | None = None,
        alertmanager_url: str | None = None,
        stores_metrics_url: str | None = None,
        owned: bool = True,
    ) -> Addresses:
        """One cell from single addresses; an empty one is out of reach."""
        stores = {name: url for name, url in (("valkey", valkey_url), ("postgres", postgres_url)) if url}
        others = {
            "control": control_url, "play": play_url, "toxiproxy": toxiproxy_url, "prometheus": prometheus_url,
            "alertmanager": alertmanager_url, "stores": stores_metrics_url,
        }  # fmt: skip
        rows = by_hand(stores, front_urls, front_metrics_urls, credit_metrics_urls or {}, others, owned=owned)  # type: ignore[arg-type]
        return cls(rows, dict(links or {}))

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data: every row, and the addresses of the first cell by what they are for."""
        plain = {
            "valkey_url": self.valkey_url, "postgres_url": self.postgres_url, "control_url": self.control_url,
            "front_urls": list(self.front_urls), "play_url": self.play_url,
            "credit_metrics_urls": self.credit_metrics_urls, "front_metrics_urls": list(self.front_metrics_urls),
            "links": self.links, "toxiproxy_url": self.toxiproxy_url, "prometheus_url": self.prometheus_url,
            "alertmanager_url": self.alertmanager_url, "stores_metrics_url": self.stores_metrics_url,
            "more": self.more,
        }  # fmt: skip
        return {**plain, "edge": self.edge, "places": self.places.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Addresses:
        """Back from `to_json`; of a stack from before there were rows, its single addresses."""
        if "places" in data:
            return cls(Directory.from_json(data["places"]), dict(data["links"]), dict(data.get("edge", {})))
        known: dict[str, Any] = {name: data[name] for name in SINGLE if name in data}
        known |= {name: tuple(data.get(name, ())) for name in ("front_urls", "front_metrics_urls")}
        return cls.plain(**known)

    @property
    def valkey_url(self) -> str:
        """The win log of the first cell; empty: out of reach."""
        return self.places.url("valkey") or ""

    @property
    def postgres_url(self) -> str:
        """The ledger; empty: out of reach."""
        return self.places.url("postgres") or ""

    @property
    def store_variables(self) -> dict[str, str]:
        """Variables that a process of the system reads the stores' addresses from, of every cell."""
        found = {valkey_variable(place.cell or 0): place.url or "" for place in self.places.of("valkey")}
        return {"XIU_POSTGRES_URL": self.postgres_url, valkey_variable(): self.valkey_url, **found}

    @property
    def control_url(self) -> str | None:
        """None: not part of this stack; so with the others."""
        return self.places.url("control")

    @property
    def front_urls(self) -> tuple[str, ...]:
        """Where taps go, in the order of the topology."""
        return tuple(place.url for place in self.places.of("front") if place.url)

    @property
    def front_metrics_urls(self) -> tuple[str, ...]:
        """Of /metrics, /healthz, /readyz, in the order of `front_urls`, which are for taps."""
        return tuple(place.metrics_url for place in self.places.of("front") if place.metrics_url)

    @property
    def play_url(self) -> str | None:
        """The users' API."""
        return self.places.url("play")

    @property
    def credit_metrics_urls(self) -> dict[str, str]:
        """Lane → address of the first cell's worker, of its /metrics, /healthz, /readyz; all: `places.of("credit")`."""
        workers = [place for place in self.places.of("credit", cell=0) if place.lane]
        return {str(place.lane): place.metrics_url for place in workers if place.metrics_url}

    @property
    def toxiproxy_url(self) -> str | None:
        """Its API."""
        return self.places.url("toxiproxy")

    @property
    def prometheus_url(self) -> str | None:
        """Its API and pages."""
        return self.places.url("prometheus")

    @property
    def alertmanager_url(self) -> str | None:
        """Its API and pages."""
        return self.places.url("alertmanager")

    @property
    def stores_metrics_url(self) -> str | None:
        """The exporter of the first cell's Valkey and of PostgreSQL."""
        return self.places.url("stores")

    @property
    def more(self) -> dict[str, str]:
        """Part → address, of the parts that were handed in beside the system."""
        return {place.name: place.url for place in self.places if _handed_in(place) and place.url}


def _handed_in(place: Place) -> bool:
    return place.role in ("playbook", "other")
