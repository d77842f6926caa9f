"""What the aiohttp processes share: bodies in and out, the error tree as answers, HTTP metrics, health, serving.

Owns the shape of answers. Refuses routes of its own beyond /metrics, /healthz, /readyz, and every decision.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ValidationError

from system.contract.errors import BadRequest, BadToken, Degraded, MethodNotAllowed, NotFound, TooLarge, XiuError
from system.contract.ids import ROUND_MAX
from system.contract.itself import tell_of_itself
from system.contract.metrics import METRICS
from system.contract.numbers import shown, whole_number

M = TypeVar("M", bound=BaseModel)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Ready = Callable[[], str]
"""Says what is missing, in words; empty when ready."""

log = logging.getLogger("xiu.web")
PLACE_CHARS = 80
_CATALOGUE = {metric.name: metric for metric in METRICS}
_STATUS_CLASSES = {2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}


def counter(registry: CollectorRegistry, name: str) -> Counter:
    """The catalogue's counter of that name."""
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


def error_answer(error: XiuError) -> web.Response:
    """The answer of an error: its status, its body."""
    return web.json_response(error.body(), status=error.status)


def _as_error(exc: Exception) -> XiuError:
    if isinstance(exc, XiuError):
        return exc
    if isinstance(exc, web.HTTPNotFound):
        return NotFound("no such path")
    if isinstance(exc, web.HTTPMethodNotAllowed):
        return MethodNotAllowed(f"{exc.method} is not allowed here; expected {', '.join(sorted(exc.allowed_methods))}")
    if isinstance(exc, web.HTTPRequestEntityTooLarge):
        return TooLarge("the body is too large")
    if isinstance(exc, web.HTTPException) and exc.status < 500:
        return BadRequest(exc.reason)
    log.error("request failed", exc_info=exc, extra={"event": "request_failed"})
    return XiuError("internal error; see the log")


@web.middleware
async def errors_as_answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns errors into answers, and counts nothing: for a process whose one page is /metrics."""
    try:
        return await handler(request)
    except ConnectionResetError:
        # Nobody is left to tell.
        raise
    except Exception as exc:
        return error_answer(_as_error(exc))


def middleware(registry: CollectorRegistry) -> Any:
    """Turns errors into answers, counts and times every request by its route's template."""
    requests = counter(registry, "hongbao_http_requests_total")
    duration = histogram(registry, "hongbao_http_request_duration_seconds")

    @web.middleware
    async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun = time.perf_counter()
        try:
            answer = await handler(request)
        except ConnectionResetError:
            # Nobody is left to tell.
            raise
        except Exception as exc:
            answer = error_answer(_as_error(exc))
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "unknown"
        requests.labels(route, _STATUS_CLASSES.get(answer.status // 100, "5xx")).inc()
        duration.labels(route).observe(time.perf_counter() - begun)
        return answer

    return watched


def _part(part: int | str) -> str:
    return str(part) if isinstance(part, int) or part.isidentifier() else shown(part)


def one_sentence(error: ValidationError) -> str:
    """A pydantic error as one sentence: each place and what is wrong there."""
    parts = []
    for item in error.errors(include_url=False, include_context=False)[:5]:
        place = ".".join(_part(part) for part in item["loc"])[:PLACE_CHARS]
        parts.append(f"{place}: {item['msg']}" if place else item["msg"])
    return "; ".join(parts).replace("\n", " ")


async def read_model(request: web.Request, model: type[M], *, empty: bool = False) -> M:
    """The body as a model of the contract; `empty`: no body is a model of defaults. Raises BadRequest in a sentence."""
    body = await request.read()
    try:
        return model() if empty and not body else model.model_validate_json(body)
    except ValidationError as exc:
        raise BadRequest(one_sentence(exc)) from exc


def path_number(request: web.Request, name: str, upper: int = ROUND_MAX) -> int:
    """A number of the path, 0 to `upper`. Raises NotFound: a path with anything else names nothing."""
    text = request.match_info[name]
    number = whole_number(text, upper)
    if number is None:
        raise NotFound(f"{name} {shown(text)} is no number from 0 to {upper}")
    return number


def query_number(request: web.Request, name: str, default: int, lower: int, upper: int) -> int:
    """A number of the query string. Raises BadRequest."""
    text = request.query.get(name)
    if text is None:
        return default
    number = whole_number(text, upper)
    if number is None or number < lower:
        raise BadRequest(f"{name}={shown(text)}; expected a whole number from {lower} to {upper}")
    return number


def bearer(request: web.Request) -> str:
    """The bearer token of the request; empty when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def need_secret(given: str, expected: str, what: str) -> None:
    """Compares in constant time; an empty secret lets nobody in. Raises BadToken."""
    if not expected or not hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode()):
        raise BadToken(f"{what} is missing or wrong")


def answer(model: BaseModel, status: int = 200) -> web.Response:
    """A model as JSON."""
    return web.Response(text=model.model_dump_json(), status=status, content_type="application/json")


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


async def serve(app: web.Application, listen: tuple[str, int], grace_s: float = 3.0) -> None:
    """Serves until SIGTERM or SIGINT; requests under way get `grace_s` to end."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=grace_s)
    await runner.setup()
    try:
        await web.TCPSite(runner, *listen, backlog=1024, reuse_address=True).start()
        log.info("listening", extra={"event": "listening"})
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await stop.wait()
    finally:
        await runner.cleanup()


def set_up_logging() -> None:
    """One line an event, on stderr."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
