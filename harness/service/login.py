"""The login: one request for each row of its data, before the load and not measured. What it gives is a secret, kept in
memory alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urljoin

import requests

from harness.engine.prepared import GOOD, PreparedJourney, PreparedShot
from harness.errors import EnvironmentNotReady
from harness.loopback import LoopbackSession, NotWhole, whole
from harness.service.order import ServiceOrder
from harness.service.requests import filling
from plans.models.target_service import Login, UrlTarget

AT_ONCE = 8
DEADLINE_S = 120.0
LONGEST = 1 << 20
"""Bytes of an answer."""


def logged_in(order: ServiceOrder, target: UrlTarget, over: Callable[[], bool]) -> list[str]:
    """The tokens, in the order of the rows; none without a login. Raises EnvironmentNotReady, never with a secret."""
    login = target.login
    if login is None:
        return []
    ca: str | bool = True if target.tls is None else str(order.file(target.tls.ca))
    until = time.monotonic() + DEADLINE_S
    place = order.at("target", "login")
    meaning = PreparedShot(
        PreparedJourney("login", login.method, login.path, "", login.expect.status, login.expect.contains)
    )

    def one(numbered: tuple[int, tuple[str, dict[str, str], bytes]]) -> str:
        number, (path, headers, body) = numbered
        who = place + (f"login of row {number + 1} of {login.data.file}" if login.data is not None else "login")
        if over() or time.monotonic() > until:
            raise EnvironmentNotReady(f"{who}: not sent, {DEADLINE_S:g} s were over or the run was stopped")
        try:
            with (
                LoopbackSession(target.timeout) as session,
                session.request(
                    login.method, urljoin(target.url, path), headers=headers, data=body, verify=ca,
                    allow_redirects=False, proxies={}, stream=True,
                ) as answer,
            ):  # fmt: skip
                text = whole(answer, LONGEST, target.timeout)
        except NotWhole as exc:
            raise EnvironmentNotReady(f"{who}: {exc}") from None
        except requests.RequestException as exc:
            raise EnvironmentNotReady(f"{who}: no answer: {type(exc).__name__}") from None
        code = meaning.understand(answer.status_code, text).code
        if (code >> 10 & 0xFF) - 1 != GOOD:
            raise EnvironmentNotReady(f"{who}: answers {answer.status_code}, not as expected")
        return _token(login, text, who)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, enumerate(_all(login, order))))


def _all(login: Login, order: ServiceOrder) -> Iterator[tuple[str, dict[str, str], bytes]]:
    yield from filling(login, order.environment, place=order.at("target", "login"))


def _token(login: Login, text: bytes, who: str) -> str:
    try:
        value: Any = json.loads(text)
        for key in login.token.split("."):
            value = value[key]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise EnvironmentNotReady(f"{who}: its answer has no {login.token}; expected the token there") from None
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value):
        raise EnvironmentNotReady(f"{who}: {login.token} of its answer is no text; expected the token there")
    return str(value)
