"""How much traffic of the public a system serves now, by what its fronts have counted. Sends nothing else."""

from __future__ import annotations

import time
from collections.abc import Sequence

from harness.watch.prom import PromError, read_metrics
from system.contract.ids import Lane

COUNTED = "hongbao_requests_total"
PUBLIC: Lane = "live"
SPAN_S, TIMEOUT_S = 1.0, 2.0


def live_rps(metrics_urls: Sequence[str]) -> float | None:
    """Requests a second of the live lane over all these fronts, within a second; None where one of them, or nobody,
    tells.
    """
    began, before = time.monotonic(), _counted(metrics_urls)
    if before is None:
        return None
    time.sleep(SPAN_S)
    after, took_s = _counted(metrics_urls), time.monotonic() - began
    return None if after is None else max(0.0, after - before) / took_s


def _counted(metrics_urls: Sequence[str]) -> float | None:
    total = 0.0
    for url in metrics_urls:
        try:
            samples = read_metrics(f"{url.rstrip('/')}/metrics", TIMEOUT_S)
        except PromError:
            return None
        total += sum(
            value for (name, labels), value in samples.items() if name == COUNTED and ("lane", PUBLIC) in labels
        )
    return total if metrics_urls else None
