"""What the system's aiohttp processes share beside the contract: numbers of paths, answers, metrics, health.

Has no routes beyond /metrics, /healthz, /readyz, and takes no decisions. Error answers and bodies are in
`system.contract.web`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from system.contract.counted import counting
from system.contract.errors import BadRequest, Degraded, NotFound
from system.contract.ids import ROUND_MAX
from system.contract.itself import tell_of_itself
from system.contract.metrics import METRICS
from system.contract.numbers import refused_as, shown, whole_number
from system.contract.web import Count, error_answer

Ready = Callable[[], str]
"""Says what is missing, in words; empty when ready."""

_AS_JSON = {"Content-Type": "application/json; charset=utf-8"}
_CATALOGUE = {metric.name: metric for metric in METRICS}


def counter(registry: CollectorRegistry | None, name: str) -> Counter:
    """The catalogue's counter of that name; without a registry, one that is registered later."""
    metric = _CATALOGUE[name]
    return Counter(name, metric.help, metric.labels, registry=registry)


def gauge(registry: CollectorRegistry, name: str) -> Gauge:
    """The catalogue's gauge of that name."""
    metric = _CATALOGUE[name]
    return Gauge(name, metric.help, metric.labels, registry=registry)


def histogram(registry: CollectorRegistry, name: str) -> Histogram:
    """The catalogue's histogram of that name, with its buckets."""
    metric = _CATALOGUE[name]
    return Histogram(name, metric.help, metric.labels, registry=registry, buckets=metric.buckets)


def counted(registry: CollectorRegistry) -> Count:
    """Counts and times answers by route, for `application`."""
    requests, duration = (_CATALOGUE[f"hongbao_http_{name}"] for name in ("requests_total", "request_duration_seconds"))
    return counting(registry, requests, duration)


def path_number(request: web.Request, name: str, upper: int = ROUND_MAX) -> int:
    """A number of the path, 0 to `upper`. Raises OutOfRange for another number, NotFound for what is none."""
    text = request.match_info[name]
    number = whole_number(text, upper)
    if number is None:
        raise refused_as(text, NotFound)(f"{name} {shown(text)} is no number from 0 to {upper}")
    return number


def query_number(request: web.Request, name: str, default: int, lower: int, upper: int) -> int:
    """A number of the query string. Raises OutOfRange for another number, BadRequest for what is none."""
    text = request.query.get(name)
    if text is None:
        return default
    number = whole_number(text, upper)
    if number is None or number < lower:
        raise refused_as(text, BadRequest)(f"{name}={shown(text)}; expected a whole number from {lower} to {upper}")
    return number


def answer(model: BaseModel, status: int = 200) -> web.Response:
    """A model as JSON."""
    return web.Response(body=model.model_dump_json().encode(), status=status, headers=_AS_JSON)


def add_health(app: web.Application, registry: CollectorRegistry, ready: Ready) -> None:
    """/metrics, /healthz (the process lives), /readyz (it can do its work; 503 with the reason otherwise).

    The process's own figures are added to the registry.
    """
    tell_of_itself(registry)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        missing = ready()
        return error_answer(Degraded(missing)) if missing else web.json_response({"status": "ready"})

    app.router.add_get("/metrics", metrics)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)


def set_up_logging() -> None:
    """One line an event, on stderr."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
