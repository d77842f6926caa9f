"""How a tag is shown to a front and to play, and what they say to it. A tap of a round that does not exist; a read of a
wallet that nobody has: neither changes anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import requests

from harness import loopback
from harness.guard.precheck.shape import StartRequest
from system.contract.ids import TAG_HEADER
from system.contract.places import Place
from system.contract.routing import TAP_ROUTE

TIMEOUT_S = 3.0
REHEARSAL_UID = 1 << 41
"""Beyond the users of every run and of its probes."""
NO_ROUND = 0
RUN_ID, TTL_S = "precheck", 60
CANNOT_TAG = "the live lane carries no tag"


class TagAnswer(NamedTuple):
    """What a process answered to a tag. `code`: of a refusal; `failed`: why there was no answer, in words; `lane`: that
    of which play says that the wallet is.
    """

    status: int
    code: str = ""
    failed: str = ""
    lane: str = ""

    def __str__(self) -> str:
        more = f" {self.code}" if self.code else f" of lane {self.lane}" if self.lane else ""
        return self.failed or f"it answers {self.status}{more}"


def hops(ask: StartRequest) -> list[Place]:
    """Where a tag comes in: each front, and play."""
    play = [place for place in ask.addresses.places.of("play") if place.url and ask.may_ask(place.url)]
    return [*ask.tapped(), *play]


def token_of(ask: StartRequest) -> str:
    """A token of the rehearsal's own user. Raises ControlError, ControlAway."""
    return ask.control.tokens("stress", REHEARSAL_UID, 1, TTL_S)[0]


def shown(places: list[Place], token: str, tag: str) -> Iterator[tuple[Place, TagAnswer]]:
    """What each of them answers to a request with that tag."""
    with loopback.session(TIMEOUT_S) as session:
        for place in places:
            yield place, _answer(session, place, {"Authorization": f"Bearer {token}", TAG_HEADER: tag})


def _answer(session: loopback.LoopbackSession, place: Place, headers: dict[str, str]) -> TagAnswer:
    of_front = place.role == "front"
    path = TAP_ROUTE.format(round=NO_ROUND) if of_front else "/v1/wallet"
    url = f"{(place.url or '').rstrip('/')}{path}"
    try:
        answer = session.request("POST" if of_front else "GET", url, headers=headers)
    except requests.RequestException as exc:
        return TagAnswer(0, failed=f"{url} does not answer: {type(exc).__name__}")
    try:
        body = answer.json()
        if answer.status_code >= 400:
            return TagAnswer(answer.status_code, str(body["error"]["code"]))
        return TagAnswer(answer.status_code, lane=str(body.get("lane", "")))
    except (ValueError, KeyError, TypeError, AttributeError):
        return TagAnswer(answer.status_code)
