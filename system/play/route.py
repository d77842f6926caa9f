"""What every play's routes share: who asks, in which lane, the pools, and a route as data.

A user without a token of that lane is refused.
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
from system.contract.web import Handler, bearer, need_secret
from system.ledger.access import Pool
from system.settings import PlaySettings
from system.tokens import tag_expiry, tag_key, token_key, verify_token

SETTINGS = web.AppKey("settings", PlaySettings)
POOLS: web.AppKey[Mapping[Lane, Pool]] = web.AppKey("pools", Mapping)


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
    pending: bool = False
    """It may answer 202, the same model: what was asked may still come to pass."""
    also: tuple[str, ...] = ()
    """Other media types of the answer, on request."""

    @property
    def refusals(self) -> list[int]:
        """Every status but 200 that it may answer with: its own, a head too large, a body too late or too large."""
        return sorted({*self.errors, 431} | ({408, 413} if self.body is not None else set()))


def user_of(request: web.Request) -> tuple[Lane, int]:
    """(lane, uid) of the request: stress with a genuine tag, live without. Raises BadToken, BadTag."""
    secret = request.app[SETTINGS].secret
    now_s = time.time()
    tag = request.headers.get(TAG_HEADER)
    if tag is not None and tag_expiry(tag_key(secret), tag.encode("utf-8", "replace")) <= now_s:
        raise BadTag("tag has expired")
    lane: Lane = "live" if tag is None else "stress"
    return lane, verify_token(token_key(secret, lane), bearer(request).encode("utf-8", "replace"), now_s)


def need_operator(request: web.Request) -> None:
    """Raises BadToken unless the request has the operators' token."""
    need_secret(bearer(request), request.app[SETTINGS].admin_token, "the operators' token")


def asked_lane(request: web.Request) -> Lane:
    """The lane that the query names, live if it names none. Raises BadRequest."""
    text = request.query.get("lane", "live")
    for lane in LANES:
        if text == lane:
            return lane
    raise BadRequest(f"lane={shown(text)}; expected one of {', '.join(LANES)}")
