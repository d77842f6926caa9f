"""Users who come all at once, and clients that ask for ever: each gets his answer, and the others theirs."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest

from system.contract.people import traits_of
from system.ledger.migrate import migrate
from tests.support.deadline import until
from tests.support.fission import FUNDING, OWNER, broken, code, execute, funded, opened, played
from tests.support.open_files import room_for
from tests.support.play import ADMIN, SECRET, running, token
from tests.support.play_process import play_process

GREEDY, POLITE = (20, 21), range(1000, 1010)
NAMED = [uid for uid in range(1000, 8000) if traits_of(uid).real_name]
"""Who gave his real name may claim."""
FRIENDS, LATE, PARTS, FEN = NAMED[:5000], NAMED[5000:5010], 300, 10_000
NOT_YET = {202, 503}
"""A COMMIT that nobody knows of yet, or a desk where too many wait: ask again."""
ALL_AT_ONCE_S = 240.0
Answer = tuple[int, dict[str, Any]]


@pytest.fixture
def two_plays(postgres_dsn: str, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Two processes on one ledger, for a crowd behind one address."""
    asyncio.run(migrate(postgres_dsn, SECRET))
    played(postgres_dsn)
    limits = {"XIU_ADDRESS_LIMIT": "1000000:1000000"}
    with contextlib.ExitStack() as both, room_for(len(FRIENDS)):
        urls = [both.enter_context(play_process(tmp_path / name, postgres_dsn, **limits)) for name in ("one", "two")]
        yield urls[0], urls[1]


class Crowd:
    """Users with a connection each, who ask until every answer is definite. `seen`: of each answer status and code."""

    def __init__(self, plays: tuple[str, str], session: aiohttp.ClientSession) -> None:
        self._plays, self._session = plays, session
        self.seen: Counter[tuple[int, str]] = Counter()

    async def post(self, uid: int, path: str, body: Any, bearer: str = "") -> Answer:
        headers = {"Authorization": f"Bearer {bearer or token(uid)}"}
        while True:
            async with self._session.post(self._plays[uid % 2] + path, json=body, headers=headers) as answer:
                status, told = answer.status, await answer.json()
            self.seen[status, "" if status < 300 else code((status, told))[1]] += 1
            if status not in NOT_YET:
                return status, told

    async def claims(self, link: str, uids: Iterable[int]) -> dict[int, Answer]:
        """All of them at once."""
        async with asyncio.timeout(ALL_AT_ONCE_S), asyncio.TaskGroup() as group:
            asked = {uid: group.create_task(self.post(uid, "/v1/shares/claim", {"link": link})) for uid in uids}
        return {uid: task.result() for uid, task in asked.items()}


def test_five_thousand_at_once(two_plays: tuple[str, str], postgres_dsn: str) -> None:
    """On one link, in two processes: as many parts as there are, not one more; the late ones without a lock."""

    async def body() -> None:
        connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=ALL_AT_ONCE_S)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            crowd = Crowd(two_plays, session)
            order = FUNDING | {"share_fen": FEN, "parts": PARTS}
            assert (await crowd.post(0, "/v1/rounds/1/fission", order, ADMIN))[0] == 200
            link = (await crowd.post(OWNER, "/v1/shares", {"award": "1-0"}))[1]["link"]
            parts = given(await crowd.claims(link, FRIENDS))
            assert (len(parts), sum(parts.values())) == (PARTS, FEN)
            assert execute(postgres_dsn, "SELECT count(*), sum(fen) FROM live.claim") == [(PARTS, FEN)]
            assert broken(postgres_dsn) == {}
            # Whoever comes now finds the share settled, and so each process remembers it.
            late = await crowd.claims(link, LATE)
            assert given(late) == {}
            with psycopg.connect(postgres_dsn) as conn:
                conn.execute("LOCK TABLE live.share, live.claim, live.holding, live.transfer IN ACCESS EXCLUSIVE MODE")
                crowd.seen.clear()
                again = await crowd.claims(link, FRIENDS)
                own = await crowd.post(OWNER, "/v1/shares/claim", {"link": link})
                conn.rollback()
            assert given(again) == parts
            assert {uid for uid, (status, told) in again.items() if status == 200 and told["again"]} == parts.keys()
            assert code(own) == (409, "own_share")
            refused = {(409, "share_exhausted"): len(FRIENDS) - PARTS, (409, "own_share"): 1}
            assert crowd.seen == refused | {(200, ""): PARTS}

    asyncio.run(body())


def given(answers: dict[int, Answer]) -> dict[int, int]:
    """Fen of each who has a part; all others are told that there is none."""
    parts = {uid: int(told["fen"]) for uid, (status, told) in answers.items() if status == 200}
    others = {code(answer) for uid, answer in answers.items() if uid not in parts}
    assert others == {(409, "share_exhausted")}
    return parts


def test_who_asks_for_ever_takes_nothing_from_the_others_of_his_address(postgres_dsn: str) -> None:
    """Two clients ignore every Retry-After, faster than their address may ask; the neighbours do not notice."""

    async def body() -> None:
        limits = {"user_rate_per_s": 20, "user_burst": 20, "address_rate_per_s": 100, "address_burst": 150}
        async with running(postgres_dsn, **limits) as play:
            await funded(play, postgres_dsn, parts=len(POLITE))
            link = await opened(play)
            refused, stop = Counter[int](), False

            async def for_ever(uid: int) -> None:
                while not stop:
                    sent = {"Authorization": f"Bearer {token(uid)}"}
                    async with play.client.post("/v1/shares/claim", json={"link": "1-0.1.x"}, headers=sent) as answer:
                        if answer.status == 404:
                            continue
                        assert code((answer.status, await answer.json())) == (429, "too_fast")
                        assert int(answer.headers["Retry-After"]) >= 1
                        refused[uid] += 1

            async def past_the_limit() -> bool:
                return all(refused[uid] > limits["address_burst"] for uid in GREEDY)

            greedy = [asyncio.create_task(for_ever(uid)) for uid in GREEDY for _ in range(4)]
            try:
                await until(past_the_limit, what="more requests than the address has tokens", timeout_s=120)
                told = [await play.call("/v1/shares/claim", token(uid), {"link": link}) for uid in POLITE]
            finally:
                stop = True
                await asyncio.gather(*greedy)
            assert [status for status, _ in told] == [200] * len(POLITE)
            assert broken(postgres_dsn) == {}

    asyncio.run(body())
