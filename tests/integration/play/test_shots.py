"""The generator's own requests at a play on a real ledger: what they move is moved, and is understood as done."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from harness.engine import shots
from harness.engine.answers import outcomes_of
from harness.engine.shot import Aim, Following, People
from harness.engine.shots.gift import FAMILY
from system.settings import PartyAddress
from tests.support.cards import held, opened, ticket
from tests.support.deadline import until
from tests.support.doubles import doubled
from tests.support.fission import broken, funded
from tests.support.play import Caller, running, token

FIRST, PEOPLE = 1000, FAMILY + 10
ROUND, SEASON = 1, 3
FUNDED = {"fen": 3_000, "share_fen": 1_000, "parts": 4}
OWNERS = 2
"""The first two of the people have an award each."""


class Gun:
    """Sends what a shot has made, byte by byte, over a connection of its own each time."""

    def __init__(self, play: Caller) -> None:
        server = play.client.server
        self._host, self._port = server.host, server.port
        tokens = [token(FIRST + place).encode() for place in range(PEOPLE)]
        self.people = People(Aim(f"{self._host}:{self._port}", ROUND, None, season=SEASON), tokens)

    async def follow(self, name: str, place: int, note: str, each: int = 1) -> list[tuple[int, str, str]]:
        """Of each follow-up: whose it is, its outcome, what its answer said."""
        made: list[Following] = shots.find(name).follow(self.people, place, note, each)  # type: ignore[attr-defined]
        return [(who, *await self.sent(name, data)) for who, data in made]

    async def sent(self, name: str, data: bytes) -> tuple[str, str]:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(data)
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("Content-Length"))
            body = await reader.readexactly(length)
        finally:
            writer.close()
            await writer.wait_closed()
        shot = shots.find(name)
        answer = shot.understand(int(head.split()[1]), body)
        return shot.outcomes[int(outcomes_of(np.array([answer.code], np.uint32))[0])], answer.note


def test_tickets_become_cards_cards_are_given_and_combined(postgres_dsn: str) -> None:
    """A deck of one card of each kind, in five hands of one family: whoever gathers them has all five, and combines."""

    async def body() -> None:
        async with running(postgres_dsn) as play:
            await opened(play, cards=[1] * 5)
            gun, moved = Gun(play), list[tuple[str, str]]()
            for place in (FAMILY - 1, 7, 3, 42, 0):
                ((who, outcome, kind),) = await gun.follow("redeem", place, ticket(FIRST + place))
                assert (who, outcome) == (place, "card")
                for who, outcome, _ in await gun.follow("gift", place, kind):
                    assert who == place, "the giver's own order"
                    moved.append(("gift", outcome))
                    moved += [("combine", end) for _, end, _ in await gun.follow("combine", place, "")]
            assert moved == [("gift", "given"), ("combine", "missing")] * 4, "the gatherer's own card came last"
            ((who, outcome, _),) = await gun.follow("combine", 7, "")
            assert (who, outcome) == (0, "combined")
            assert [outcome for _, outcome, _ in await gun.follow("combine", 7, "")] == ["again"]
            assert await held(play, FIRST) == {}
            ((_, outcome, _),) = await gun.follow("redeem", FAMILY, ticket(FIRST + FAMILY))
            assert outcome == "gone"
            assert broken(postgres_dsn) == {}

    asyncio.run(body())


def test_a_winner_s_share_is_claimed_by_his_friends(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            await funded(play, postgres_dsn, **FUNDED)
            won(postgres_dsn)
            gun, ends = Gun(play), list[Any]()
            for place in range(OWNERS):
                ((who, outcome, link),) = await gun.follow("share", place, f"{ROUND}-{4 + place}")
                assert (who, outcome) == (place, "opened")
                claims = await gun.follow("claim", place, link, each=8)
                assert place not in {who for who, *_ in claims}, "never the owner"
                ends += [outcome for _, outcome, _ in claims]
            assert ends.count("claimed") == 2 * FUNDED["parts"]
            assert set(ends) <= {"claimed", "late", "unnamed"}
            with psycopg.connect(postgres_dsn) as conn:
                assert conn.execute("SELECT count(*), sum(fen) FROM live.claim").fetchone() == (8, 2_000)
            assert broken(postgres_dsn) == {}

    asyncio.run(body())


def test_a_winner_has_a_fen_paid_out_once_for_an_award(postgres_dsn: str, tmp_path: Path) -> None:
    async def body() -> None:
        bank_is = {"payout_again_s": 0.05, "payout_again_max_s": 0.2}
        async with (
            doubled(tmp_path / "doubles") as bank,
            running(postgres_dsn, bank=PartyAddress(bank.url, bank.url), **bank_is) as play,
        ):
            won(postgres_dsn)
            gun, note = Gun(play), f"{ROUND}-4"
            ((who, outcome, _),) = await gun.follow("wallet", 0, "")
            assert (who, outcome) == (0, "funded")
            ((who, outcome, _),) = await gun.follow("payout", 0, note)
            assert (who, outcome) == (0, "ordered")
            ((_, outcome, _),) = await gun.follow("payout", OWNERS, note)
            assert outcome == "empty", "who has no money"

            async def paid() -> bool:
                return (await gun.follow("payout", 0, note))[0][1] == "paid"

            await until(paid, "the bank has paid")
            assert (await bank.calls())["live"][1] == 1, "one fen, however often it was asked for"
            assert broken(postgres_dsn) == {}
        async with running(postgres_dsn) as play:
            ((_, outcome, _),) = await Gun(play).follow("payout", 1, f"{ROUND}-5")
            assert outcome == "bankless"

    asyncio.run(body())


def won(dsn: str) -> None:
    """Packets 4 and 5 of the round are theirs."""
    with psycopg.connect(dsn) as conn:
        for place in range(OWNERS):
            conn.execute("INSERT INTO live.posting VALUES (%s, 1, %s, 10, 7, 0, 400, 2)", (FIRST + place, 4 + place))
