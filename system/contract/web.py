"""HTTP of every aiohttp process: reading bodies, checking secrets, and every error as one body, {"error": {"code",
"message", "effect"}}.

Owns the way from an exception to an answer: for handlers, for the router, and for what aiohttp itself refuses before a
handler is called (a bad head, a body that is not what its headers say). Owns the listener that does so. No state, no
routes, no decisions. It stands in the contract because the error body is part of it, and because the playbook engine,
which may import nothing else of the system, gives the same bodies (docs/architecture.md).
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import signal
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from aiohttp import HttpVersion11, web
from aiohttp.http_exceptions import BadHttpMethod, HttpProcessingError, LineTooLong
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json

from system.contract.errors import (
    BadRequest,
    BadToken,
    BodyTooLarge,
    HeadersTooLarge,
    MethodNotAllowed,
    NoBudget,
    NotFound,
    OutOfRange,
    RequestTimeout,
    XiuError,
)
from system.contract.memory import settle_memory
from system.contract.numbers import exact, shown
from system.contract.unknown_method import refusal_of

M = TypeVar("M", bound=BaseModel)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Count = Callable[[str, int, float], None]
"""Counts one answer: its route's template, its status, how long it took in seconds."""

NO_ROUTE = "unknown"
BODY_WITHIN_S = 30.0
IDLE_S = 75.0
"""A connection that sends nothing, or half a head, is closed after this time."""
PLACE_CHARS = 80
_RANGE_KINDS = {"greater_than", "greater_than_equal", "less_than", "less_than_equal", "int_parsing_size"}
"""How pydantic names a number that is outside of its bounds."""
ENCODINGS = ("identity", "gzip", "deflate")
"""Content types of a body; a body that is not of its declared type is refused."""
_ZLIB_BITS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}

log = logging.getLogger("xiu.web")


def nothing_counted(route: str, status: int, seconds: float) -> None:
    """For a process that answers nothing but /metrics and its health."""


COUNT: web.AppKey[Count] = web.AppKey("count", Callable)  # type: ignore[arg-type]


def error_answer(error: XiuError, **more: Any) -> web.Response:
    """The answer of an error: its status, its body; `more` stands beside "error" in it."""
    return web.json_response(error.body() | more, status=error.status, headers=error.headers())


def as_error(exc: BaseException) -> XiuError:
    """The error of the tree for an exception. A bug of ours is logged, and answered without its details."""
    if isinstance(exc, XiuError):
        return exc
    if isinstance(exc, LineTooLong) or (isinstance(exc, HttpProcessingError) and "Too many headers" in exc.message):
        return HeadersTooLarge("the head of the request is too large")
    if isinstance(exc, HttpProcessingError):
        return BadRequest("the request is not well-formed HTTP/1.1")
    if isinstance(exc, web.RequestPayloadError):
        return BadRequest("the body is not what the headers of the request say of it")
    if isinstance(exc, web.HTTPNotFound):
        return NotFound("no such path")
    if isinstance(exc, web.HTTPMethodNotAllowed):
        allowed = sorted(exc.allowed_methods)
        return MethodNotAllowed(f"{shown(exc.method)} is not allowed here; expected {', '.join(allowed)}", allowed)
    if isinstance(exc, web.HTTPRequestEntityTooLarge):
        return BodyTooLarge("the body is too large")
    if isinstance(exc, web.HTTPException) and exc.status < 500:
        return BadRequest(exc.reason)
    log.error("request failed", exc_info=exc, extra={"event": "request_failed"})
    return XiuError("internal error; see the log")


def application(count: Count = nothing_counted, *, body_bytes_max: int = 1 << 20) -> web.Application:
    """An app whose errors are answers, each answer counted by its route's template. Serve it with `listening`."""

    @web.middleware
    async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun = time.perf_counter()
        try:
            answer = await handler(request)
        except ConnectionError:
            # The client is gone: nobody to answer.
            raise
        except Exception as exc:
            answer = error_answer(as_error(exc))
        resource = request.match_info.route.resource
        count(resource.canonical if resource else NO_ROUTE, answer.status, time.perf_counter() - begun)
        return answer

    app = web.Application(middlewares=[watched], client_max_size=body_bytes_max)
    app[COUNT] = count
    return app


class ServerConnection(web.RequestHandler):
    """One connection. aiohttp's own refusals never reach the app's middleware: they are answered and counted here."""

    __slots__ = ("_count", "_router")

    def __init__(self, manager: web.Server, *, count: Count, router: web.UrlDispatcher, **settings: Any) -> None:
        super().__init__(manager, **settings)
        self._count = count
        self._router = router

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """The answer to what went wrong outside of the middleware; the connection ends with it."""
        if request.writer.output_size > 0 or isinstance(exc, ConnectionError):
            raise ConnectionResetError("the answer has begun, or nobody is there to read it") from exc
        known = refusal_of(exc, self._router.resources()) if isinstance(exc, BadHttpMethod) else None
        if known is not None:
            error: XiuError = known
        else:
            error = as_error(exc) if exc is not None else BadRequest(message or "the request cannot be answered")
        self._count(NO_ROUTE, error.status, 0.0)
        answer = error_answer(error)
        answer.force_close()
        # aiohttp calls a request that it could not read HTTP/1.0; these processes speak HTTP/1.1 only.
        request._version = HttpVersion11
        return answer

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """aiohttp's own refusals from before the middleware (`Expect: anything`) get the project's error body."""
        if isinstance(resp, web.HTTPException):
            error = as_error(resp)
            self._count(NO_ROUTE, error.status, 0.0)
            resp = error_answer(error)
        return await super().finish_response(request, resp, start_time)

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """After an answer the rest of a body is read and dropped; a rest that is no valid body is not a bug of ours."""
        if isinstance(kw.get("exc_info"), HttpProcessingError | web.RequestPayloadError | ConnectionError):
            log.debug("the rest of a request could not be read", exc_info=kw["exc_info"])
        else:
            super().log_exception(*args, **kw)


@asynccontextmanager
async def listening(
    app: web.Application, listen: tuple[str, int], *, grace_s: float = 3.0, idle_s: float = IDLE_S
) -> AsyncIterator[tuple[str, int]]:
    """Serves an app of `application` within the block; where, also when port 0 was asked for. Raises OSError.

    At its end requests under way get `grace_s` to be answered.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=grace_s)
    await runner.setup()
    try:
        manager = runner.server
        assert manager is not None
        loop, count = asyncio.get_running_loop(), app[COUNT]
        server = await loop.create_server(
            lambda: ServerConnection(
                manager,
                count=count,
                router=app.router,
                loop=loop,
                access_log=None,
                keepalive_timeout=idle_s,
                auto_decompress=False,
            ),
            *listen,
            backlog=1024,
            reuse_address=True,
        )
        try:
            host, port = server.sockets[0].getsockname()[:2]
            yield host, port
        finally:
            server.close()
    finally:
        await runner.cleanup()


async def serve(app: web.Application, listen: tuple[str, int], grace_s: float = 3.0) -> None:
    """Serves until SIGTERM or SIGINT; requests under way get `grace_s` to end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with listening(app, listen, grace_s=grace_s):
        log.info("listening", extra={"event": "listening"})
        settle_memory()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await stop.wait()


def bearer(request: web.Request) -> str:
    """The bearer token of the request; empty when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def need_secret(given: str, expected: str, what: str) -> None:
    """Compares in constant time; an empty secret lets nobody in. Raises BadToken."""
    if not expected or not hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode()):
        raise BadToken(f"{what} is missing or wrong")


def _part(part: int | str) -> str:
    return str(part) if isinstance(part, int) or part.isidentifier() else shown(part)


def _mistakes(error: ValidationError) -> list[ErrorDetails]:
    """What is wrong, without what only follows: a list with a wrong item counts as too short as well."""
    items = error.errors(include_url=False, include_context=False)
    within = {item["loc"][:depth] for item in items for depth in range(len(item["loc"]))}
    return [each for each in items if each["type"] != "too_short" or each["loc"] not in within]


def one_sentence(error: ValidationError) -> str:
    """A pydantic error as one sentence: each place and what is wrong there."""
    parts = []
    for item in _mistakes(error)[:5]:
        place = ".".join(_part(part) for part in item["loc"])[:PLACE_CHARS]
        # What this project's own validators say is pydantic's message behind a prefix of pydantic's.
        what = item["msg"].removeprefix("Value error, ") if item["type"] == "value_error" else item["msg"]
        parts.append(f"{place}: {what}" if place else what)
    return "; ".join(parts).replace("\n", " ")


async def _body(request: web.Request) -> bytes:
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ENCODINGS:
        raise BadRequest(f"Content-Encoding {shown(encoding)} is not read; expected one of {', '.join(ENCODINGS)}")
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            body = await request.read()
    except TimeoutError as exc:
        raise RequestTimeout("the body did not arrive in time") from exc
    return body if encoding == "identity" else _unpacked(body, encoding, request.client_max_size)


def _unpacked(body: bytes, encoding: str, bytes_max: int) -> bytes:
    """The content of one whole stream. aiohttp's own unpacking accepts a stream that is cut short."""
    stream = zlib.decompressobj(_ZLIB_BITS[encoding])
    try:
        plain = stream.decompress(body, bytes_max + 1)
    except zlib.error as exc:
        raise BadRequest(f"the body is no {encoding}, or not as it was sent") from exc
    if len(plain) > bytes_max:
        raise BodyTooLarge("the body is too large")
    if not stream.eof:
        raise BadRequest(f"the body is {encoding} that is cut short")
    if stream.unused_data:
        raise BadRequest(f"the body goes on behind its {encoding}")
    return plain


async def read_model(request: web.Request, model: type[M], *, empty: bool = False) -> M:
    """The body as a model of the contract; `empty`: no body is a model of defaults. Raises Refused, in a sentence.

    A whole number may be written as 1.0, as JSON Schema has it: it is the same number, and the same order.
    """
    body = await _body(request)
    if empty and not body:
        return model()
    try:
        read = _as_model(body, model)
    except ValidationError as exc:
        raise _refusal({item["type"] for item in _mistakes(exc)})(one_sentence(exc)) from exc
    # pydantic takes the last of two. Now that the body is a model, it is neither deep nor are its numbers long.
    json.loads(body, object_pairs_hook=_each_once)
    return read


def _as_model(body: bytes, model: type[M]) -> M:
    """Raises ValidationError."""
    try:
        return model.model_validate_json(body)
    except ValidationError as exc:
        if not any(item["type"] == "int_type" for item in exc.errors(include_url=False, include_context=False)):
            raise
        try:
            plain = json.dumps(json.loads(body, parse_float=exact))
        except ValueError:
            # A number of thousands of digits stands beside: pydantic's own words say so.
            raise exc from None
    return model.model_validate_json(plain)


def _refusal(kinds: set[str]) -> type[BadRequest]:
    """What a body with these kinds of mistakes is refused as."""
    if NoBudget.code in kinds:
        return NoBudget
    return OutOfRange if kinds <= _RANGE_KINDS else BadRequest


def _each_once(pairs: list[tuple[str, Any]]) -> None:
    """Two readers of one body must not see two amounts. Raises BadRequest for a field that stands twice."""
    names: set[str] = set()
    for name, _ in pairs:
        if name in names:
            raise BadRequest(f"{shown(name)} stands twice in one object; expected each field once")
        names.add(name)


async def read_json(request: web.Request) -> Any:
    """The body as JSON, for one that others define. Raises Refused: not UTF-8, half a surrogate pair, brackets or
    digits without end.
    """
    try:
        return from_json(await _body(request), allow_inf_nan=False)
    except ValueError as exc:
        raise BadRequest(f"not JSON: {exc}") from exc


__all__ = [
    "COUNT", "Count", "Handler", "application", "as_error", "bearer", "error_answer", "listening", "need_secret",
    "one_sentence", "read_json", "read_model", "serve",
]  # fmt: skip
