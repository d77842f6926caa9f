"""Play's routes: who asks, in which lane, for what. Refuses users without a token of that lane.

The list ROUTES is the one source of the router and of the OpenAPI page.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from aiohttp import web
from pydantic import BaseModel

from system.contract.errors import BadRequest, BadTag
from system.contract.ids import LANES, TAG_HEADER, Lane
from system.contract.numbers import shown
from system.contract.web import Handler, bearer, need_secret, read_model
from system.ledger.access import Pool
from system.play import models, reading
from system.settings import PlaySettings
from system.tokens import tag_expiry, tag_key, token_key, verify_token
from system.web import answer, path_number, query_number

SETTINGS = web.AppKey("settings", PlaySettings)
POOLS: web.AppKey[Mapping[Lane, Pool]] = web.AppKey("pools", Mapping)
PAGE_MAX = 200


def user_of(request: web.Request) -> tuple[Lane, int]:
    """(lane, uid) of the request: stress with a genuine tag, live without. Raises BadToken, BadTag."""
    secret = request.app[SETTINGS].secret
    now_s = time.time()
    tag = request.headers.get(TAG_HEADER)
    if tag is not None and tag_expiry(tag_key(secret), tag.encode("utf-8", "replace")) <= now_s:
        raise BadTag("tag has expired")
    lane: Lane = "live" if tag is None else "stress"
    return lane, verify_token(token_key(secret, lane), bearer(request).encode("utf-8", "replace"), now_s)


def _operator(request: web.Request) -> None:
    need_secret(bearer(request), request.app[SETTINGS].admin_token, "the operators' token")


async def wallet(request: web.Request) -> web.Response:
    """Balance of the user, and what became of the award asked about: *processing* until it is in the ledger."""
    lane, uid = user_of(request)
    return answer(await reading.wallet(request.app[POOLS][lane], lane, uid, request.query.get("award")))


async def statement(request: web.Request) -> web.Response:
    """The user's credits, newest first, a page at a time."""
    lane, uid = user_of(request)
    limit = query_number(request, "limit", 50, 1, PAGE_MAX)
    pool = request.app[POOLS][lane]
    return answer(await reading.statement_page(pool, lane, uid, request.query.get("after"), limit))


async def sponsor(request: web.Request) -> web.Response:
    """A sponsor's accounts: what it paid in, what each round still holds, and the legs that made it so."""
    _operator(request)
    lane = _lane(request)
    number = path_number(request, "sponsor", (1 << 16) - 1)
    limit = query_number(request, "limit", 50, 2, PAGE_MAX)
    after = query_number(request, "after", (1 << 63) - 1, 1, (1 << 63) - 1)
    return answer(await reading.sponsor_page(request.app[POOLS][lane], lane, number, after, limit))


async def bulk(request: web.Request) -> web.Response:
    """Every posting of up to 20,000 users at once; for the last read of a run."""
    _operator(request)
    order = await read_model(request, models.BulkRequest)
    return answer(await reading.bulk(request.app[POOLS][order.lane], order))


def _lane(request: web.Request) -> Lane:
    text = request.query.get("lane", "live")
    for lane in LANES:
        if text == lane:
            return lane
    raise BadRequest(f"lane={shown(text)}; expected one of {', '.join(LANES)}")


@dataclass(frozen=True, slots=True)
class Route:
    """One operation, as the router and the page need it. `query` is (name, meaning)."""

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    answers: type[BaseModel]
    who: Literal["user", "operator"]
    query: tuple[tuple[str, str], ...] = ()
    body: type[BaseModel] | None = None
    errors: tuple[int, ...] = (400, 401, 503)
    """Of its own; `refusals` has those of HTTP besides."""

    @property
    def refusals(self) -> list[int]:
        """Every status but 200 that it may answer with: its own, a head too large, a body too late or too large."""
        return sorted({*self.errors, 431} | ({408, 413} if self.body is not None else set()))


ROUTES: tuple[Route, ...] = (
    Route(
        "GET", "/v1/wallet", wallet, models.Wallet, "user",
        (("award", "an award id, round-index, the user was shown"),), errors=(400, 401, 403, 404, 503),
    ),
    Route(
        "GET", "/v1/wallet/statement", statement, models.Statement, "user",
        (("after", "`next` of the page before"), ("limit", "lines of a page, 1 to 200, 50 if not given")),
        errors=(400, 401, 403, 503),
    ),
    Route(
        "GET", "/v1/sponsors/{sponsor}/statement", sponsor, models.SponsorStatement, "operator",
        (("lane", "live or stress"), ("after", "`next` of the page before"), ("limit", "lines of a page, 2 to 200")),
        errors=(400, 401, 404, 503),
    ),
    Route("POST", "/v1/wallets/bulk", bulk, models.BulkAnswer, "operator", body=models.BulkRequest),
)  # fmt: skip
