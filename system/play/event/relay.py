"""A tap's way from the event page to the user's front: passed on once, and its answer passed back as it is.

The page speaks to one address alone, so fronts need no cross-origin headers, and their answers stay as short as they
are. Owns the connections to the fronts. Repeats nothing: the page does, and the front knows the user.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from system.contract.errors import Degraded, XiuError
from system.contract.ids import TAG_HEADER
from system.contract.routing import front_of, tap_path
from system.play.route import SETTINGS

ANSWER_WITHIN_S = 3.0
CONNECT_WITHIN_S = 1.0
CONNECTIONS_MAX = 512
ANSWER_BYTES_MAX = 1 << 16
PASSED_ON = ("Authorization", TAG_HEADER)
PASSED_BACK = ("Retry-After", "WWW-Authenticate")

FRONTS = web.AppKey("fronts", aiohttp.ClientSession)


class FrontUnknown(XiuError):
    """The front was asked and did not answer: the tap may have won. The same user's next tap says so."""

    status, code = 503, "front_unknown"


async def connected(app: web.Application) -> AsyncIterator[None]:
    """For `cleanup_ctx`: connections to fronts, kept while the application runs."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S, sock_connect=CONNECT_WITHIN_S)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX), timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        app[FRONTS] = session
        yield


async def _whole(content: aiohttp.StreamReader) -> bytes:
    """The front's body, in however many pieces it comes. Raises ClientPayloadError for one that is no tap's answer."""
    body = b""
    async for piece in content.iter_any():
        body += piece
        if len(body) > ANSWER_BYTES_MAX:
            raise aiohttp.ClientPayloadError(f"more than {ANSWER_BYTES_MAX} bytes")
    return body


async def pass_on(request: web.Request, uid: int, round_id: int) -> web.Response:
    """The answer of the user's front. Raises Degraded (nothing happened), FrontUnknown (nobody knows)."""
    topology = request.app[SETTINGS].topology
    if topology is None:
        raise Degraded("this process knows no fronts; expected XIU_TOPOLOGY")
    url = f"{topology.fronts[front_of(uid, topology)]}{tap_path(round_id)}"
    headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
    try:
        async with request.app[FRONTS].post(url, headers=headers, allow_redirects=False) as got:
            body = await _whole(got.content)
            back = {name: got.headers[name] for name in PASSED_BACK if name in got.headers}
            return web.Response(body=body, status=got.status, headers=back, content_type="application/json")
    except aiohttp.ClientConnectorError as exc:
        raise Degraded("the front is away; nothing happened") from exc
    except (aiohttp.ClientError, TimeoutError) as exc:
        raise FrontUnknown("the front did not answer; the same tap again says what became of it") from exc
