"""Which alerts fire, and which did, as Prometheus tells. Where nobody tells, none does: the reader judges that."""

from __future__ import annotations

import math
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
    since_s = now_s - passed_s
    try:
        with Prometheus(prometheus_url, 1.0) as prom:
            # Whole steps back from now, so that now itself is looked at: the alert may have begun just before.
            begin_s = now_s - math.ceil(passed_s)
            rows = prom.series(f'ALERTS{{alertname="{name}",alertstate="firing"}}', begin_s, now_s, 1)
        times = [float(at) for row in rows for at, _ in row["values"] if float(at) >= since_s]
    except (PromError, ValueError, KeyError, TypeError, IndexError):
        return None
    return min(times) - since_s if times else None
