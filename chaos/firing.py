"""Which alerts fire, and which did, as Prometheus tells. Where nobody tells, none does: the reader judges that."""

from __future__ import annotations

import time

import requests

from harness import loopback
from harness.watch.prom import PromError, Prometheus


def firing(prometheus_url: str) -> set[str]:
    """Names of the alerts that fire now; empty where Prometheus does not tell."""
    try:
        rows = loopback.get(f"{prometheus_url.rstrip('/')}/api/v1/alerts", 1.0).json()["data"]["alerts"]
        return {row["labels"]["alertname"] for row in rows if row["state"] == "firing"}
    except (requests.RequestException, ValueError, KeyError, TypeError):
        return set()


def fired_after(prometheus_url: str, name: str, passed_s: float) -> float | None:
    """How soon after a moment `passed_s` ago the alert fired, as Prometheus remembers; None: it did not, or nobody
    tells.
    """
    now_s = time.time()
    try:
        with Prometheus(prometheus_url, 1.0) as prom:
            rows = prom.series(f'ALERTS{{alertname="{name}",alertstate="firing"}}', now_s - passed_s, now_s, 1)
        firsts = [float(row["values"][0][0]) for row in rows if row["values"]]
    except (PromError, ValueError, KeyError, TypeError, IndexError):
        return None
    return max(0.0, min(firsts) - (now_s - passed_s)) if firsts else None
