"""A minute of every metric in the catalogues, as OpenMetrics with times, and a real Prometheus on it."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dashboards.grafana.boards.forecast import INDICATORS
from dashboards.grafana.check import Span
from dashboards.grafana.words import INVARIANTS
from harness.stack import tools
from harness.stack.ports import Ports
from plans import metrics as drill
from system.contract import metrics as system
from system.contract.metrics import Metric
from tests.support.prometheus_server import prometheus_at

START_S, LENGTH_S = 1_700_000_000, 60
SPAN = Span(START_S + 5.0, float(START_S + LENGTH_S))
RUN = "r1"
VALUES: Mapping[str, tuple[str, ...]] = {
    "lane": ("live",),
    "outcome": ("win", "lose", "posted", "claimed"),
    "tier": ("1", "2", "3", "4"),
    "area": ("town", "country"),
    "way": ("purchase", "sale"),
    "figure": ("expected", "gained_2016"),
    "route": ("/v1/wallet",),
    "run_id": (RUN,),
    "indicator": (*INDICATORS, "residue_fen", "sponsor_1_fen"),
    "code": tuple(INVARIANTS),
    "verdict": drill.VERDICTS,
    "bound": drill.BOUNDS,
    "phase": drill.PHASES,
    "store": system.STORES,
    "place": drill.PLACES,
    "state": ("PASS", "open", "idle", "holds"),
}
DEADLINE_S = 120.0


def samples() -> Iterator[str]:
    """The text `promtool tsdb create-blocks-from openmetrics` reads: every family, a sample each second."""
    for metric in (*system.METRICS, *drill.METRICS, *system.ITSELF):
        yield from _family(metric)
    for name, labels in (
        ("ALERTS", 'alertname="Watchdog",alertstate="firing"'),
        ("ALERTS", 'alertname="LedgerImbalance",alertstate="firing"'),
        ("up", 'job="front",part="front-0",instance="127.0.0.1:1"'),
    ):
        yield from (f"{name}{{{labels}}} 1 {at}" for at in _times())
    yield "# EOF"


def _times() -> range:
    return range(START_S, START_S + LENGTH_S + 1)


def _family(metric: Metric) -> Iterator[str]:
    """Counters and histograms grow by one a second; a gauge is 1, an imbalance and a verdict other than PASS 0."""
    of_part = [
        'job="front"',
        'part="front-0"',
        *(['instance="127.0.0.1:1"'] if "instance" not in metric.labels else []),
    ]
    for values in itertools.product(*(VALUES.get(label, ("x",)) for label in metric.labels)):
        labels = [f'{label}="{value}"' for label, value in zip(metric.labels, values, strict=True)] + of_part
        joined = ",".join(labels)
        for k, at in enumerate(_times()):
            if metric.kind == "histogram":
                for le in (*metric.buckets, "+Inf"):
                    yield f'{metric.name}_bucket{{{joined},le="{le}"}} {k} {at}'
                yield f"{metric.name}_count{{{joined}}} {k} {at}"
                yield f"{metric.name}_sum{{{joined}}} {k * 0.0001} {at}"
            elif metric.kind == "counter":
                yield f"{metric.name}{{{joined}}} {k} {at}"
            else:
                zero = "imbalance" in metric.name or ("verdict" in metric.labels and "PASS" not in values)
                yield f"{metric.name}{{{joined}}} {0 if zero else 1} {at}"


@contextmanager
def prometheus(folder: Path) -> Iterator[str]:
    """Address of a Prometheus that holds the history. Raises FileNotFoundError if the programs are not here."""
    server, promtool = tools.find("prometheus"), tools.find("promtool")
    if server is None or promtool is None:
        raise FileNotFoundError("prometheus or promtool is not here; `xiu doctor` names the command that brings it")
    text, data = folder / "history.txt", folder / "data"
    text.write_text("\n".join(samples()) + "\n", encoding="utf-8")
    argv = [str(promtool), "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(text), str(data)]
    subprocess.run(argv, check=True, capture_output=True, timeout=DEADLINE_S)
    (folder / "prometheus.yml").write_text("{}\n")
    with Ports(["prometheus"]) as ports:
        address = f"127.0.0.1:{ports.by_name['prometheus']}"
        with prometheus_at(server, folder, address, data=data, options=("--storage.tsdb.retention.time=100y",)) as url:
            yield url
