"""Play and PostgreSQL killed by signal 9 in the middle of claims and sweeps, and what must hold afterwards.

Friends claim until each has a definite answer, whatever dies. Then every part is where the ledger and the friends say,
and asking again gives the same answers. By hand: `python -m tests.support.killed_shares --trials 30`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import aiohttp

from system.audit import season
from system.audit.judging import Judge
from system.audit.snapshot import snapshot
from system.contract.audit import OF_PLAYS
from system.ledger.access import Pool, open_url
from system.ledger.migrate import migrate
from system.play.fission import shares
from system.play.fission.models import FissionFunding
from tests.support.fission import FUNDING, OWNER, broken, execute, expire, played
from tests.support.play import ADMIN, SECRET, token
from tests.support.stores import LOOPBACK, PostgresServer, free_port, wait_until

Victim = Literal["play", "postgres"]
AWARDS = tuple(f"1-{packet}" for packet in range(6))
EXPIRING = frozenset({"1-4", "1-5"})
"""These end in the middle; the others are for more friends than they have parts."""
FRIENDS = range(1000, 1024)
PARTS = 20
DEADLINE_S = 90.0
Told = tuple[int, str | int]
"""Status, and the fen or the refusal's code."""


class KilledPlay:
    """`python -m system.play` on a port of its own, which may be killed and started again."""

    def __init__(self, folder: Path, dsn: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "key").write_text(SECRET.hex())
        (folder / "admin").write_text(ADMIN)
        self._log, port = folder / "play.log", free_port()
        self.url = f"http://{LOOPBACK}:{port}"
        self._env = os.environ | {
            "XIU_LISTEN": f"{LOOPBACK}:{port}", "XIU_POSTGRES_URL": dsn, "XIU_SECRET_FILE": str(folder / "key"),
            "XIU_ADMIN_TOKEN_FILE": str(folder / "admin"),
        }  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "system.play"], env=self._env, stdout=log, stderr=log
            )

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None


class Friends:
    """All of them at once, in a thread of their own: each claims every link until the answer is definite."""

    def __init__(self, urls: Sequence[str], links: dict[str, str], seed: int) -> None:
        self._urls, self._links, self._random = urls, links, random.Random(seed)
        self.told: dict[tuple[int, str], Told] = {}
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all(self.told)), daemon=True)

    @property
    def done(self) -> float:
        """The share of claims that are answered for good."""
        return len(self.told) / (len(FRIENDS) * len(self._links))

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join(DEADLINE_S)
        assert self.done == 1, f"{self.done:.0%} of the claims have an answer"

    def again(self) -> dict[tuple[int, str], Told]:
        """What they are told when all of them ask once more."""
        told: dict[tuple[int, str], Told] = {}
        asyncio.run(self._all(told))
        return told

    async def _all(self, told: dict[tuple[int, str], Told]) -> None:
        timeout = aiohttp.ClientTimeout(total=15)
        async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
            await asyncio.gather(*(self._one(session, uid, told) for uid in FRIENDS))

    async def _one(self, session: aiohttp.ClientSession, uid: int, told: dict[tuple[int, str], Told]) -> None:
        mine = self._random.sample(sorted(self._links), len(self._links))
        for award in mine:
            told[uid, award] = await self._settled(session, uid, self._links[award])

    async def _settled(self, session: aiohttp.ClientSession, uid: int, link: str) -> Told:
        headers = {"Authorization": f"Bearer {token(uid)}"}
        async with asyncio.timeout(DEADLINE_S):
            while True:
                await asyncio.sleep(self._random.uniform(0.0, 0.04))
                url = f"{self._random.choice(self._urls)}/v1/shares/claim"
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with session.post(url, json={"link": link}, headers=headers) as answer:
                        status, body = answer.status, await answer.json()
                        if status == 200:
                            return status, int(body["fen"])
                        if status in (409, 410):
                            return status, str(body["error"]["code"])
                        assert status in (202, 503), (status, body)


async def _prepared(dsn: str) -> dict[str, str]:
    """Award → link of its open share."""
    await migrate(dsn, SECRET)
    played(dsn)
    for packet in range(3, len(AWARDS)):
        execute(dsn, f"INSERT INTO live.posting VALUES ({OWNER}, 1, {packet}, 10, 7, 0, 1, 2)")
    pool = Pool(dsn, "xiu_live", SECRET)
    try:
        await shares.fund(pool, 1, FissionFunding.model_validate(FUNDING | {"parts": PARTS}))
        opened = [(await shares.open_share(pool, "live", SECRET, OWNER, award))[0] for award in AWARDS]
    finally:
        await pool.close()
    return {view.award: str(view.link) for view in opened}


async def season_of(dsn: str) -> dict[str, Judge]:
    """The season's rules on the live lane."""
    judges = {code: Judge(code) for code in OF_PLAYS}
    async with await open_url(dsn) as conn, snapshot(conn, "live") as seen:
        await season.judge(judges, seen.rows)
    return judges


def trial(
    server: PostgresServer, dsn: str, folder: Path, seed: int, victims: Sequence[Victim], plays: int = 1
) -> Counter[str]:
    """How the claims ended. Raises AssertionError for anything that does not hold."""
    chance = random.Random(seed)
    links = asyncio.run(_prepared(dsn))
    every = [KilledPlay(folder / f"play-{number}", dsn) for number in range(plays)]
    friends = Friends([play.url for play in every], links, seed)
    try:
        for play in every:
            play.start()
        friends.start()
        for number, victim in enumerate(victims):
            at = (number + chance.random()) / (len(victims) + 1)
            wait_until(lambda at=at: friends.done >= at, DEADLINE_S, f"{at:.0%} of the claims")  # type: ignore[misc]
            if number == len(victims) // 2:
                for award in EXPIRING:
                    expire(dsn, award)
            if victim == "postgres":
                server.restart(kill=True)
            else:
                struck = chance.choice(every)
                struck.kill()
                struck.start()
        friends.join()
        wait_until(lambda: _swept(dsn), DEADLINE_S, "what is over swept")
        _hold(dsn, friends)
    finally:
        for play in every:
            play.kill()
    return Counter(str(word) if status != 200 else "claimed" for status, word in friends.told.values())


def _swept(dsn: str) -> bool:
    rows = execute(dsn, "SELECT bool_and(settled_us IS NOT NULL) FROM live.share WHERE award = ANY(%s)", [*EXPIRING])
    return bool(rows[0][0])


def _hold(dsn: str, friends: Friends) -> None:
    """The books close, nobody was told what is not so, and the same question gets the same answer."""
    assert broken(dsn) == {}
    for code, judge in asyncio.run(season_of(dsn)).items():
        assert judge.finding().valid in (True, None), (code, judge.first)
    rows: list[tuple[Any, ...]] = execute(dsn, "SELECT uid, award, fen FROM live.claim")
    there = {(uid, award): fen for uid, award, fen in rows}
    assert there == {who: word for who, (status, word) in friends.told.items() if status == 200}
    for award in set(AWARDS) - EXPIRING:
        assert sum(award == other for _, other in there) == PARTS
    assert friends.again() == friends.told


def main(argv: Sequence[str] | None = None) -> int:
    """Four kills a trial; one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plays", type=int, default=2)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="xiu-killed-shares-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = PostgresServer(folder / "postgres")
        server.init()
        server.start()
        try:
            for number in range(options.trials):
                seed = options.seed + number
                victims: list[Victim] = random.Random(seed).choices(("play", "postgres"), k=4)
                dsn = server.create_database(f"t_{number}")
                ends = trial(server, dsn, folder / str(number), seed, victims, options.plays)
                print(f"trial {number + 1}: {' '.join(victims)} killed; {dict(ends)}; books closed", flush=True)
        finally:
            server.discard()
    return 0


if __name__ == "__main__":
    sys.exit(main())
