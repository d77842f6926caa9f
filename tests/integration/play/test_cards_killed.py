"""kill -9 of play and of PostgreSQL in the middle of draws, gifts, combinations and the pot: the books close, and what
was answered is there, once.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest

from system.audit.close import audit
from system.ledger.access import Pool, lane_role
from system.ledger.migrate import migrate
from system.play.cards import seasons
from tests.support.cards import SEASON, ticket
from tests.support.children import END_S
from tests.support.deadline import until
from tests.support.play import ADMIN, SECRET, token
from tests.support.play_process import started_play
from tests.support.stores import LOOPBACK, PostgresServer, ValkeyServer, free_port

USERS, DRAWS, GIFTS = range(1, 11), 12, 4
UNLIMITED = {"XIU_USER_LIMIT": "1000000:1000000", "XIU_ADDRESS_LIMIT": "1000000:1000000"}
AGAIN = {202, 429, 500, 502, 503}
"""Not known, or not now: the same request is sent again, for ever."""
Answer = tuple[int, dict[str, Any]]


class Mortal:
    """A play that is killed and started again, and clients that retry until they know."""

    def __init__(self, folder: Path, dsn: str, session: aiohttp.ClientSession) -> None:
        self._folder, self._dsn, self._session = folder, dsn, session
        self._port = free_port()
        self.answered = 0
        self.repeated = 0
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return started_play(self._folder, self._dsn, self._port, **UNLIMITED)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(END_S)

    def kill_and_start(self) -> None:
        self.kill()
        self.process = self._start()

    async def ask(self, path: str, bearer: str, body: dict[str, Any] | None = None) -> Answer:
        """The first definite answer."""
        method, url = "GET" if body is None else "POST", f"http://{LOOPBACK}:{self._port}{path}"
        while True:
            try:
                head = {"Authorization": f"Bearer {bearer}"}
                async with self._session.request(method, url, json=body, headers=head) as answer:
                    if answer.status not in AGAIN:
                        told = await answer.json()
                        self.answered += 1
                        return answer.status, told
            except (aiohttp.ClientError, TimeoutError):
                pass
            self.repeated += 1
            await asyncio.sleep(0.03)

    async def after(self, answers: int, then: Callable[[], object]) -> None:
        """Does it when so many more requests were answered."""
        least = self.answered + answers

        async def reached() -> bool:
            return self.answered >= least

        await until(reached, f"{answers} more answers", 120.0)
        then()


async def played(play: Mortal, uid: int, said: list[tuple[str, int, dict[str, Any], Answer]]) -> None:
    """One user's evening: draws, gives some away, combines."""
    chance = random.Random(uid)

    async def order(path: str, body: dict[str, Any]) -> Answer:
        answer = await play.ask(path, token(uid), body)
        said.append((path, uid, body, answer))
        return answer

    kinds = []
    for second in range(DRAWS):
        status, card = await order("/v1/cards/redeem", {"ticket": ticket(uid, second)})
        assert (status, card["state"]) == (200, "done")
        kinds.append(card["kind"])
    for number in range(GIFTS):
        to = chance.choice([other for other in USERS if other != uid])
        gift = {"key": f"g{number}", "season": 3, "to": to, "kind": chance.choice(kinds), "whom": "family"}
        await order("/v1/cards/gift", gift)
    await order("/v1/cards/combine", {"season": 3, "key": "k"})


async def closes(dsn: str, valkey: str) -> dict[str, str]:
    report = await audit(dsn, valkey, SECRET, "live")
    found = {each.code: each for each in report.findings if each.code in ("S14", "S15", "S18")}
    assert {code: (each.valid, each.first) for code, each in found.items()} == dict.fromkeys(found, (True, ""))
    assert len(found) == 3
    return {code: each.figure for code, each in found.items()}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    """One of its own, nearly empty: after a crash every file of every database is synced first."""
    server = PostgresServer(tmp_path / "postgres")
    try:
        server.init()
        server.start()
        yield server
    finally:
        server.discard()


def test_killed_in_the_middle_of_everything(
    tmp_path: Path, server: PostgresServer, valkey_server: ValkeyServer
) -> None:
    postgres_dsn = server.create_database("cards")

    def through_the_store() -> None:
        server.restart(kill=True)

    async def body() -> None:
        await migrate(postgres_dsn, SECRET)
        limit = aiohttp.ClientTimeout(total=10.0)
        async with aiohttp.ClientSession(timeout=limit) as session:
            play = Mortal(tmp_path / "play", postgres_dsn, session)
            try:
                await evening(play, session)
            finally:
                play.kill()

    async def evening(play: Mortal, session: aiohttp.ClientSession) -> None:
        assert (await play.ask("/v1/seasons", ADMIN, SEASON | {"cards": [40] * 5}))[0] == 200
        said: list[tuple[str, int, dict[str, Any], Answer]] = []
        kills: list[Callable[[], object]] = [play.kill_and_start, through_the_store, play.kill_and_start]
        async with asyncio.TaskGroup() as group:
            for uid in USERS:
                group.create_task(played(play, uid, said))
            for kill in kills:
                await play.after(35, kill)
        assert play.repeated > 0
        await repeats(play, said)
        await closes(postgres_dsn, valkey_server.url)
        await pot(play, sum(path.endswith("combine") and status == 200 for path, _, _, (status, _) in said))

    async def repeats(play: Mortal, said: list[tuple[str, int, dict[str, Any], Answer]]) -> None:
        """Whoever was told *done* is told the same again; whoever was refused had nothing done."""
        done: dict[str, int] = {}
        for path, uid, order, (status, told) in said:
            what = path.rpartition("/")[2]
            if status == 200:
                done[what] = done.get(what, 0) + 1
                assert await play.ask(path, token(uid), order) == (200, told | {"again": True})
            else:
                assert told["error"]["code"] in ("card_not_owned", "kinds_missing")
        with psycopg.connect(postgres_dsn) as conn:
            rows: dict[str, int] = dict(
                conn.execute("SELECT kind, count(*) FROM live.transfer GROUP BY kind").fetchall()
            )
        names = {"redeem": "ticket", "gift": "gift", "combine": "combine"}
        assert {names[what]: count for what, count in done.items()} | {"season": 1} == rows
        assert rows["ticket"] == len(USERS) * DRAWS

    async def pot(play: Mortal, blessings: int) -> None:
        """Ended and paid by one user a batch, play killed between them."""
        pool = Pool(postgres_dsn, lane_role("live"), SECRET)
        over = await seasons.end_season(pool, "live", 3, batch_users=1)
        assert over.blessings == blessings

        async def seen() -> str:
            return (await seasons.season_view(pool, "live", 3)).state

        async def some_paid() -> bool:
            rows = await pool.fetch(b"SELECT count(*) FROM live.transfer WHERE kind = 'pot'")
            return bool(rows[0][0] >= 1) or await seen() == "paid"

        async def all_paid() -> bool:
            return await seen() == "paid"

        await until(some_paid, "the first batch", 60.0)
        play.kill_and_start()
        await until(all_paid, "the pot paid", 60.0)
        await pool.close()
        figures = await closes(postgres_dsn, valkey_server.url)
        assert figures["S15"].endswith(f"left 0, combinations {blessings}")

    asyncio.run(body())
