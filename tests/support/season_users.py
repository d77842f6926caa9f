"""Users of a season, all at once, in a thread of their own: each asks until every answer is definite, whatever dies.

They tap both rounds, open shares, claim them, draw cards for tickets, give cards and money away, combine, spend, buy,
and have an operator take a spending back. `again` asks all of it once more, with the same keys.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import numpy as np
import numpy.typing as npt

from system.contract.history import NO_PACKET, OP_DTYPE, Outcome
from tests.support.cards import ticket
from tests.support.deadline import lasting, until
from tests.support.play import ADMIN, token

USERS = range(1000, 1012)
PACKETS = 8
"""Of each round: every one is won, and each of the first round is shared."""
DRAWS, GIFTS, SPENDINGS = 15, 3, 3
"""The deck is of a new seed each time: after 15 draws somebody has all five kinds, in all but one of a
million evenings; after 10 it was nobody in one of 230."""
ORDERS = len(USERS) * (1 + 1 + DRAWS + GIFTS + PACKETS + SPENDINGS + 1 + 1 + 1 + 1) + PACKETS
DEADLINE_S = 150.0
NOT_YET = {"award_processing", "fission_not_funded", "unknown_round"}
"""Refusals that a later answer replaces."""
FOR_GOOD = {"share_exhausted", "share_expired", "own_share", "combined_already", "final"}
"""Refusals that every later answer repeats."""
Answer = tuple[int, dict[str, Any]]


@dataclass(frozen=True)
class AskedOrder:
    """An order with its first definite answer. `op`: what it is called in figures. `uid` 0: an operator."""

    op: str
    uid: int
    path: str
    body: dict[str, Any]
    status: int
    told: dict[str, Any]

    @property
    def done(self) -> bool:
        return self.status == 200

    @property
    def code(self) -> str:
        return "" if self.done else str(self.told["error"]["code"])


def tap_record(uid: int, number: int, sent_ns: int, status: int, told: dict[str, Any]) -> npt.NDArray[np.void]:
    """A tap that was just answered. `status` 0: it was not, or the answer did not come whole."""
    row = np.zeros(1, OP_DTYPE)
    row["uid"], row["round"], row["http"], row["packet"] = uid, number, status, NO_PACKET
    row["sent_ns"], row["done_ns"] = sent_ns, time.monotonic_ns() if status else 0
    row["outcome"] = {0: Outcome.UNKNOWN, 200: Outcome.LOSE, 202: Outcome.PENDING}.get(status, Outcome.REFUSED)
    if told.get("won"):
        row["outcome"] = Outcome.REPEAT if told["repeat"] else Outcome.WIN
        row["packet"], row["fen"] = int(told["award"].partition("-")[2]), told["fen"]
    return row


class SeasonUsers:
    """`orders` as they were answered; `victim`: who was killed last, for the figures of what had to be asked again."""

    def __init__(self, plays: Sequence[str], front: str, rounds: tuple[int, int], season: int, seed: int) -> None:
        self._plays, self._front, self._rounds, self._season = plays, front, rounds, season
        self._random = random.Random(seed)
        self.orders: list[AskedOrder] = []
        self.repeated: Counter[tuple[str, str]] = Counter()
        self.taps: defaultdict[int, Counter[str]] = defaultdict(Counter)
        self._tapped: list[npt.NDArray[np.void]] = []
        self.victim = "none"
        self.asked_again = 0
        self.no_further_than = 1.0
        """Orders beyond this share wait: who is to be killed in the middle of them is killed before they are over."""
        self._links: dict[str, asyncio.Future[str]] = {}
        self._failed: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(self._evening,), daemon=True)

    @property
    def progress(self) -> float:
        """The share of what is to be answered for good; 1 at the end."""
        if self._failed:
            raise self._failed[0]
        over = sum(counts["over"] for counts in self.taps.values())
        return (len(self.orders) + over) / ORDERS if self._thread.is_alive() else 1.0

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive(), f"{self.progress:.0%} of the orders have an answer"
        if self._failed:
            raise self._failed[0]

    def _run(self, what: Any) -> None:
        try:
            asyncio.run(self._with_session(what))
        except BaseException as exc:
            self._failed.append(exc)

    async def _with_session(self, what: Any) -> None:
        timeout, connector = aiohttp.ClientTimeout(total=15), aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as self._session:
            async with asyncio.timeout(DEADLINE_S):
                await what()

    async def _evening(self) -> None:
        async with asyncio.TaskGroup() as group:
            for uid in USERS:
                group.create_task(self._user(uid, random.Random(self._random.random())))

    async def _user(self, uid: int, chance: random.Random) -> None:
        await self._tap_until_over(uid, self._rounds[0])
        award = await self._award(uid, self._rounds[0])
        if award:
            shared = await self._order("share", uid, "/v1/shares", {"award": award})
            self._link(award).set_result(str(shared.told["link"]))
        redeems = [
            ("redeem", "/v1/cards/redeem", {"ticket": ticket(uid, s, season=self._season)}) for s in range(DRAWS)
        ]
        spends = [
            ("spend", "/v1/wallet/spend", {"key": f"s{n}", "fen": chance.randint(1, 40), "what": "rice"})
            for n in range(SPENDINGS)
        ]
        steps = [*redeems, *spends, ("buy", "/v1/fund/purchase", {"key": "b", "fen": chance.randint(1, 20)})]
        steps += [("claim", "/v1/shares/claim", {"place": place}) for place in range(PACKETS)]
        chance.shuffle(steps)
        kinds, spent = [], list[int]()
        for op, path, body in steps:
            if op == "claim":
                body = {"link": await self._link(f"{self._rounds[0]}-{body['place']}")}
            said = await self._order(op, uid, path, body)
            if op == "redeem":
                kinds.append(int(said.told["kind"]))
            if op == "spend" and said.done:
                spent.append(int(said.told["transfer"]))
        for number in range(GIFTS):
            to, kind = chance.choice([other for other in USERS if other != uid]), chance.choice(kinds)
            gift = {"key": f"g{number}", "season": self._season, "to": to, "kind": kind, "whom": "family"}
            await self._order("gift", uid, "/v1/cards/gift", gift)
        # Who was given a card is a friend by that.
        await self._order("present", uid, "/v1/presents", {"key": "p", "to": to, "fen": chance.randint(1, 5)})
        await self._order("combine", uid, "/v1/cards/combine", {"season": self._season, "key": "k"})
        if spent:
            undo = {"by": "Li Lei", "approved_by": "Han Meimei", "why": "a trial"}
            await self._order("reverse", 0, f"/v1/transfers/{spent[0]}/reverse", undo)
        await self._tap_until_over(uid, self._rounds[1])

    def _link(self, award: str) -> asyncio.Future[str]:
        """Of the award's share: there once its owner has opened it."""
        return self._links.setdefault(award, asyncio.get_running_loop().create_future())

    async def _award(self, uid: int, number: int) -> str:
        """What the user won in a round that is sold out, and so paid; empty: nothing."""
        lines = (await self._read(uid, "/v1/wallet/statement"))["lines"]
        return next((str(line["award"]) for line in lines if line["round"] == number), "")

    async def _tap_until_over(self, uid: int, number: int) -> None:
        url, counts = f"{self._front}/v1/rounds/{number}/taps", self.taps[number]
        while True:
            status, told, sent_ns = 0, dict[str, Any](), time.monotonic_ns()
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with self._session.post(url, headers={"Authorization": f"Bearer {token(uid)}"}) as answer:
                    status, told = answer.status, await answer.json()
            self._tapped.append(tap_record(uid, number, sent_ns, status, told))
            if status == 410:
                counts["over"] += 1
                return
            assert status in (0, 200, 202, 404, 409, 429, 503), (status, told)
            counts["answered" if status in (200, 202) else "unknown" if not status else str(status)] += 1
            counts["shown"] += bool(told.get("won"))
            await lasting(0.15, "a user's pause")

    @property
    def history(self) -> npt.NDArray[np.void]:
        """Every tap with its answer, as a generator writes it down."""
        return np.concatenate(self._tapped)

    async def _order(self, op: str, uid: int, path: str, body: dict[str, Any]) -> AskedOrder:
        await until(self._may_go_on, what="the kill that others wait for", timeout_s=DEADLINE_S)
        said = AskedOrder(op, uid, path, body, *await self._definite(op, uid, path, body))
        self.orders.append(said)
        return said

    async def _may_go_on(self) -> bool:
        return self.progress < self.no_further_than

    async def _definite(self, op: str, uid: int, path: str, body: dict[str, Any]) -> Answer:
        headers = {"Authorization": f"Bearer {token(uid) if uid else ADMIN}"}
        while True:
            url = self._random.choice(self._plays) + path
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with self._session.post(url, json=body, headers=headers) as answer:
                    status, told = answer.status, await answer.json()
                    code = told["error"]["code"] if "error" in told else ""
                    if status not in (202, 429, 503) and code not in NOT_YET:
                        assert status in (200, 409, 410), (op, status, told)
                        return status, told
                    if code in NOT_YET:
                        await asyncio.sleep(0.03)
                        continue
            self.repeated[self.victim, op] += 1
            self.asked_again += 1
            await asyncio.sleep(0.03)

    async def _read(self, uid: int, path: str) -> dict[str, Any]:
        while True:
            headers = {"Authorization": f"Bearer {token(uid)}"}
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with self._session.get(self._random.choice(self._plays) + path, headers=headers) as answer:
                    if answer.status == 200:
                        return dict(await answer.json())
            await asyncio.sleep(0.03)

    def again(self) -> list[tuple[AskedOrder, Answer]]:
        """What they are told when everything that was done, or refused for good, is asked once more."""
        found: list[tuple[AskedOrder, Answer]] = []

        async def one(order: AskedOrder) -> None:
            found.append((order, await self._definite(order.op, order.uid, order.path, order.body)))

        async def everything() -> None:
            await asyncio.gather(*(one(order) for order in self.orders if order.done or order.code in FOR_GOOD))

        asyncio.run(self._with_session(everything))
        return found

    def read(self, path: str) -> dict[int, dict[str, Any]]:
        """What each user reads there."""
        found: dict[int, dict[str, Any]] = {}

        async def one(uid: int) -> None:
            found[uid] = await self._read(uid, path)

        async def everybody() -> None:
            await asyncio.gather(*map(one, USERS))

        asyncio.run(self._with_session(everybody))
        return found
