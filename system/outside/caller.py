"""One party outside, as a process of the system calls it: for the live lane the party itself, for the stress lane its
double, and nobody else.

Owns who may be called for which lane, the deadline of a call, and the count of all that. On the stress lane an address
is denied until it has said that it is the double; an answer without the double's mark, or with it on the live lane of a
system that has a party of its own, is *crossed*: it counts as no answer, and the address is denied until it proves
itself again. Repeats nothing: whoever calls knows whether that is safe.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from prometheus_client import Counter
from pydantic_core import from_json

from system.contract.ids import LANES, Lane, need_lane
from system.contract.parties import CALL_OUTCOMES, DOUBLE_HEADER, LANE_HEADER, PATH, Party
from system.settings import PartyAddress

ANSWER_BYTES_MAX = 1 << 16
CONNECTIONS_MAX = 16

log = logging.getLogger("xiu.outside")


class OutsideUnknown(Exception):
    """No answer, or one that says nothing: the call may have been carried out."""


class OutsideDenied(Exception):
    """Nothing was sent: no address of that lane is known to be the right one."""


@dataclass(frozen=True, slots=True)
class OutsideAnswer:
    """A whole answer of who was meant. `body`: JSON, or None where there is none."""

    status: int
    body: Any


class OutsideCaller:
    """Calls one party. An asynchronous context manager; `calls` counts each call by party, lane and outcome."""

    def __init__(self, party: Party, address: PartyAddress, calls: Counter, *, timeout_s: float) -> None:
        self._party, self._address, self._calls = party, address, calls
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None
        self._proven = False
        for lane in LANES:
            for outcome in CALL_OUTCOMES:
                calls.labels(party.name, lane, outcome)

    async def __aenter__(self) -> OutsideCaller:
        self._session = aiohttp.ClientSession(
            timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
        )  # fmt: skip
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(self, lane: Lane, method: str, path: str, body: Mapping[str, Any]) -> OutsideAnswer:
        """The answer to one call for a lane. Raises OutsideDenied (nothing was sent), OutsideUnknown; ValueError where
        there is no lane.
        """
        url = self._address.of(need_lane(lane))
        if url is None:
            raise self._denied(lane, f"the {lane} lane has no address of {self._party.name}")
        if lane == "stress" and not self._proven:
            await self._prove(url)
        try:
            answer, mark = await self._sent(method, f"{url}{path}", body, lane)
        except (aiohttp.ClientError, TimeoutError, ValueError) as exc:
            self._count(lane, "unknown")
            raise OutsideUnknown(f"{self._party.name}: {exc or type(exc).__name__}") from exc
        if not self._meant(lane, mark):
            self._proven = False
            self._count(lane, "crossed")
            who = f"the double of {mark!r}" if mark else "no double"
            log.error("%s answered the %s lane", who, lane, extra={"event": "outside_crossed"})
            raise OutsideUnknown(f"{self._party.name}: answered by {who}")
        if answer.status >= 500 or answer.status == 429:
            self._count(lane, "unknown")
            raise OutsideUnknown(f"{self._party.name}: {answer.status}")
        self._count(lane, "answered")
        return answer

    def dropped(self, lane: Lane, count: int = 1) -> None:
        """Calls that were not made, for want of room."""
        self._calls.labels(self._party.name, lane, "dropped").inc(count)

    def _count(self, lane: Lane, outcome: str) -> None:
        self._calls.labels(self._party.name, lane, outcome).inc()

    def _denied(self, lane: Lane, why: str) -> OutsideDenied:
        self._count(lane, "denied")
        return OutsideDenied(why)

    def _meant(self, lane: Lane, mark: str | None) -> bool:
        """Did who was called answer? A live lane whose address is the double's own is of a system that has no party."""
        if lane == "stress" or self._address.of("live") == self._address.of("stress"):
            return mark == self._party.name
        return mark is None

    async def _prove(self, url: str) -> None:
        """Raises OutsideDenied unless the address says that it is the double. The question is no traffic of a run."""
        try:
            answer, mark = await self._sent("GET", f"{url}{PATH}", None, "stress")
        except (aiohttp.ClientError, TimeoutError, ValueError) as exc:
            # A double that is away is no party that was nearly called.
            self._count("stress", "unknown")
            raise OutsideDenied(f"{self._party.name}: no double answers: {exc or type(exc).__name__}") from exc
        says = answer.body.get("double") if isinstance(answer.body, dict) else None
        if (says, mark) != (self._party.name, self._party.name):
            raise self._denied("stress", f"{self._party.name}: its address does not say that it is the double")
        self._proven = True

    async def _sent(
        self, method: str, url: str, body: Mapping[str, Any] | None, lane: Lane
    ) -> tuple[OutsideAnswer, str | None]:
        """(the answer, the double's mark). Raises aiohttp's errors, TimeoutError, ValueError for a body too long."""
        assert self._session is not None, "used outside of its context"
        async with self._session.request(
            method, url, json=body, headers={LANE_HEADER: lane}, allow_redirects=False
        ) as got:
            raw = await got.content.read(ANSWER_BYTES_MAX + 1)
            while len(raw) <= ANSWER_BYTES_MAX and (more := await got.content.read(ANSWER_BYTES_MAX)):
                raw += more
            if len(raw) > ANSWER_BYTES_MAX:
                raise ValueError(f"more than {ANSWER_BYTES_MAX} bytes")
            mark = got.headers.get(DOUBLE_HEADER)
            return OutsideAnswer(got.status, _json(raw)), mark


def _json(raw: bytes) -> Any:
    try:
        return from_json(raw)
    except ValueError:
        return None
