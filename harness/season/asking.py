"""Sends users' orders to play, each until its answer is definite or the time is over, and counts what became of them.

An order has a key of its own, so it is sent again as it is: after 202, after 429, after an error of the server, after
no answer at all. Whether an order without a definite answer was carried out is *unknown*, never *failed*.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from system.contract.ids import TAG_HEADER

if TYPE_CHECKING:
    import aiohttp

AT_ONCE = 16
"""Requests under way."""
TIMEOUT_S = 5.0
PAUSE_S, PAUSE_MOST_S = 0.1, 1.0
TOO_MANY = 429
NOT_YET = frozenset({"award_processing"})
"""Refusals that another time may lift, and soon."""
NO_ANSWER: tuple[int, dict[str, Any]] = (0, {})
"""Status and body where there is no whole answer."""
DONE, AGAIN, UNKNOWN, UNSENT = "done", "again", "unknown", "unsent"
GOOD = frozenset({DONE, AGAIN})


def understood(status: int, document: Mapping[str, Any]) -> str | None:
    """What an answer says of an order: `done`, `again` (it was before), the code of a refusal. None: ask again."""
    if status == 200:
        return AGAIN if document.get("again") is True else DONE
    error = document.get("error")
    code = error.get("code") if isinstance(error, Mapping) else None
    if 400 <= status < 500 and status != TOO_MANY and code not in NOT_YET:
        return str(code or status)
    return None


class SeasonAsker:
    """Users of one lane at one play. `tokens`: by user; `tag`: of the stress lane; `over`: is the time over?

    `outcomes`: operation → outcome → how many orders. `repeats`: how often an order was sent again.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        play_url: str,
        tokens: Mapping[int, str],
        tag: str | None,
        over: Callable[[], bool],
    ) -> None:
        self._session, self._play, self._tokens = session, play_url.rstrip("/"), tokens
        self._tag = {TAG_HEADER: tag} if tag else {}
        self._over = over
        self._gate = asyncio.Semaphore(AT_ONCE)
        self.outcomes: dict[str, Counter[str]] = {}
        self.repeats = 0

    async def ask(self, operation: str, uid: int, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One order of a user, or a question without a body; its answer, empty where it did not come to be done."""
        sent, pause_s = 0, PAUSE_S
        outcome: str | None = None
        document: dict[str, Any] = {}
        while outcome is None:
            async with self._gate:
                if self._over():
                    break
                sent += 1
                status, document = await self._once(uid, path, body)
            outcome = understood(status, document)
            if outcome is None:
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, PAUSE_MOST_S)
        outcome = outcome or (UNKNOWN if sent else UNSENT)
        self.repeats += max(0, sent - 1)
        self.outcomes.setdefault(operation, Counter())[outcome] += 1
        return document if outcome in GOOD else {}

    async def _once(self, uid: int, path: str, body: Mapping[str, Any] | None) -> tuple[int, dict[str, Any]]:
        """Status and body, or NO_ANSWER."""
        import aiohttp  # by who plays a season alone

        headers = {"Authorization": f"Bearer {self._tokens[uid]}", **self._tag}
        method = "GET" if body is None else "POST"
        try:
            async with self._session.request(method, self._play + path, json=body, headers=headers) as answer:
                document = await answer.json()
                return (answer.status, document) if isinstance(document, dict) else NO_ANSWER
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return NO_ANSWER


def new_session() -> aiohttp.ClientSession:
    """A session for one season; aiohttp's own believes no proxy of the environment. A context manager."""
    import aiohttp

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=AT_ONCE), timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)
    )
