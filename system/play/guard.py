"""What every request passes before its handler: how many, who, which parameters, what type of body.

Owns the order of these refusals: 429 of the address, 401, 403, 429 of the user, 404, 400, 415. Decides nothing else.
"""

from __future__ import annotations

from aiohttp import web

from system.contract.errors import BadTag, TooFast, UnsupportedMediaType, XiuError
from system.contract.ids import Lane
from system.contract.numbers import shown
from system.contract.web import Handler
from system.play.limits import RequestLimits
from system.play.parameters import check_all
from system.play.route import Route, is_operator, need_operator, tagged, user_of

LIMITS = web.AppKey("limits", RequestLimits)
UNLIMITED = frozenset(("/healthz", "/readyz", "/metrics"))
"""Whoever watches the process is answered whatever others do."""


@web.middleware
async def per_address(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Takes a token of the client's address. Operators, and traffic with a genuine stress tag, have no such limit.

    Who is refused for what he alone has asked takes none: a client that asks for ever leaves its neighbours theirs.
    """
    if request.path in UNLIMITED or _known(request):
        return await handler(request)
    limits = request.app[LIMITS]
    limits.take("address", request.remote)
    try:
        return await handler(request)
    except TooFast:
        limits.give_back("address", request.remote)
        raise


def _known(request: web.Request) -> bool:
    try:
        return tagged(request) or is_operator(request)
    except XiuError:
        return False


def guarded(route: Route) -> Handler:
    """The route's handler behind its checks."""

    async def answered(request: web.Request) -> web.StreamResponse:
        if route.who == "user":
            request.app[LIMITS].take("user", _user(request))
        elif route.who == "operator":
            need_operator(request)
        check_all(request, route.parameters)
        if route.body is not None:
            _need_json(request)
        return await route.handler(request)

    return answered


def _user(request: web.Request) -> tuple[Lane, int]:
    """Who asks, on which lane. Raises BadToken; BadTag, which is counted."""
    try:
        return user_of(request)
    except BadTag:
        request.app[LIMITS].bad_tag()
        raise


def _need_json(request: web.Request) -> None:
    """A body without a type is taken for JSON. Raises UnsupportedMediaType."""
    if "Content-Type" not in request.headers:
        return
    charset = (request.charset or "utf-8").lower()
    if request.content_type != "application/json" or charset not in ("utf-8", "utf8", "us-ascii"):
        says = shown(request.headers["Content-Type"])
        raise UnsupportedMediaType(f"a body of type {says} is not read; expected application/json")


def options(methods: tuple[str, ...]) -> Handler:
    """Says which methods a path has."""
    allowed = ", ".join(sorted(methods))

    async def answered(_: web.Request) -> web.Response:
        return web.Response(status=204, headers={"Allow": allowed})

    return answered
