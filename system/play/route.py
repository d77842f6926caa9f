"""What every play's routes share: who asks, in which lane, the pools, and a route as data.

A user without a token of that lane is refused.
"""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel

from system.contract.errors import (
    BadRequest,
    BadTag,
    BadToken,
    BodyTooLarge,
    Degraded,
    HeadersTooLarge,
    NotFound,
    OutOfRange,
    RequestTimeout,
    StoreRefused,
    StoreUnknown,
    TooFast,
    UnsupportedMediaType,
    XiuError,
)
from system.contract.ids import TAG_HEADER, Lane
from system.contract.web import Handler, bearer, need_secret
from system.ledger.access import Pool
from system.play.parameters import NumberParameter, Parameter
from system.settings import PlaySettings
from system.tokens import tag_expiry, tag_key, token_key, verify_token

SETTINGS = web.AppKey("settings", PlaySettings)
POOLS: web.AppKey[Mapping[Lane, Pool]] = web.AppKey("pools", Mapping)


Who = Literal["user", "operator", "anybody"]
METHODS = ("GET", "POST")
_USER = web.RequestKey("user", tuple[Lane, int])
_TAGGED = web.RequestKey("tagged", bool)
_OF_HTTP: tuple[type[XiuError], ...] = (TooFast, HeadersTooLarge)
_OF_BODY: tuple[type[XiuError], ...] = (OutOfRange, RequestTimeout, BodyTooLarge, UnsupportedMediaType)
_OF_WHO: Mapping[Who, tuple[type[XiuError], ...]] = {"user": (BadToken, BadTag), "operator": (BadToken,), "anybody": ()}
_OF_STORES: tuple[type[XiuError], ...] = (Degraded, StoreUnknown, StoreRefused)


@dataclass(frozen=True, slots=True)
class Route:
    """One operation, as the router and the description need it. `parameters`: each of the path and of the query."""

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    answers: type[BaseModel]
    who: Who
    parameters: tuple[Parameter[Any], ...] = ()
    body: type[BaseModel] | None = None
    errors: tuple[type[XiuError], ...] = ()
    """Of its own; `refusals` has those besides that every request may meet."""
    pending: bool = False
    """It may answer 202, the same model: what was asked may still come to pass."""
    also: tuple[str, ...] = ()
    """Other media types of the answer, on request."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the path's parameters, in order."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    def wrong(self) -> str:
        """Why nobody can describe it, in words; empty if somebody can."""
        shape = {
            f"method {self.method!r}; expected {' or '.join(METHODS)}": self.method not in METHODS,
            f"path {self.path!r}; expected one that begins with /": not str(self.path).startswith("/"),
            f"who {self.who!r}; expected one of {', '.join(_OF_WHO)}": self.who not in _OF_WHO,
            f"{self.path}: its handler is no coroutine function": not inspect.iscoroutinefunction(self.handler),
            f"{self.path}: `answers` is no model": not _is_a(self.answers, BaseModel),
            f"{self.path}: `body` is no model": self.body is not None and not _is_a(self.body, BaseModel),
            f"{self.path}: `errors` are no classes of XiuError": not all(_is_a(one, XiuError) for one in self.errors),
        }
        if found := [what for what, is_so in shape.items() if is_so]:
            return found[0]
        declared = [parameter.name for parameter in self.parameters]
        missing = [name for name in self.names if name not in declared]
        if missing:
            return f"{self.path} has no parameter {', '.join(missing)}; expected one of system.play.parameters for each"
        return "" if len(set(declared)) == len(declared) else f"{self.path} declares a parameter twice"

    @property
    def refusals(self) -> Mapping[int, tuple[str, ...]]:
        """Status → codes, of every refusal: its own, and those of HTTP, of tokens, parameters, bodies and stores."""
        found: set[type[XiuError]] = {*self.errors, *_OF_HTTP, *_OF_WHO[self.who], *_OF_STORES, BadRequest}
        found |= {NotFound} if self.names else set()
        found |= set(_OF_BODY) if self.body is not None else set()
        found |= {OutOfRange} if any(isinstance(each, NumberParameter) for each in self.parameters) else set()
        return {
            status: tuple(sorted({error.code for error in found if error.status == status}))
            for status in sorted({error.status for error in found})
        }


def _is_a(one: object, base: type) -> bool:
    return isinstance(one, type) and issubclass(one, base)


def tagged(request: web.Request) -> bool:
    """Has the request a genuine stress tag? Raises BadTag for another."""
    known = request.get(_TAGGED)
    if known is None:
        tag = request.headers.get(TAG_HEADER)
        known = tag is not None
        if tag is not None:
            secret = request.app[SETTINGS].secret
            if tag_expiry(tag_key(secret), tag.encode("utf-8", "replace")) <= time.time():
                raise BadTag("tag has expired")
        request[_TAGGED] = known
    return known


def user_of(request: web.Request) -> tuple[Lane, int]:
    """(lane, uid) of the request: stress with a genuine tag, live without. Raises BadToken, BadTag."""
    user = request.get(_USER)
    if user is None:
        token = bearer(request)
        if not token:
            raise BadToken("a user's token is missing")
        lane: Lane = "stress" if tagged(request) else "live"
        key = token_key(request.app[SETTINGS].secret, lane)
        user = request[_USER] = lane, verify_token(key, token.encode("utf-8", "replace"), time.time())
    return user


def is_operator(request: web.Request) -> bool:
    """Has the request the operators' token?"""
    try:
        need_operator(request)
    except BadToken:
        return False
    return True


def need_operator(request: web.Request) -> None:
    """Raises BadToken unless the request has the operators' token."""
    need_secret(bearer(request), request.app[SETTINGS].admin_token, "the operators' token")
