"""A small bookkeeper for tests of credit and audit: plays control (rounds, epochs, leases, close) and front (entries).

The stores are real; only the processes around them are left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from system.contract.api import SponsorSplit
from system.contract.errors import StoreRefused, StoreUnknown
from system.contract.ids import Lane, Position
from system.contract.records import FLAG_STRESS
from system.lottery import Round, award, commitment, make_round
from system.settings import CreditSettings
from system.winlog import Stored, Verdict, Win, WinLog, WinLogStore, encode
from system.winlog.codec import Header

SECRET = bytes(range(32))
START_US = 1_700_000_000_000_000
SEED = bytes(range(100, 132))
SPLITS = (
    SponsorSplit(sponsor=7, name="Tea", classes=((100, 40), (500, 10))),
    SponsorSplit(sponsor=9, name="Tram", classes=((88, 45), (8800, 5))),
)


def _rows(cursor: psycopg.Cursor[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return cursor.fetchall() if cursor.description else []


@dataclass
class Books:
    """One migrated database and one Valkey, by url."""

    postgres_url: str
    valkey_url: str
    lane: Lane = "live"
    cell: int = field(default_factory=itertools.count(100).__next__)
    """Keys of their own in a Valkey that other tests use, too."""
    rounds: dict[int, Round] = field(default_factory=dict)
    sequences: dict[tuple[int, int, int], int] = field(default_factory=dict)
    _hand: psycopg.Connection[tuple[Any, ...]] | None = None

    async def open(self) -> None:
        self._hand = psycopg.connect(self.postgres_url, autocommit=True)
        self.store = WinLogStore(self.valkey_url, timeout_s=20.0)

    async def reconnect(self) -> None:
        """Uses up the connections that a restart of Valkey broke, and waits until it has read its files."""
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(StoreUnknown, StoreRefused):
                    return await self.store.command("PING", "-")

    async def close(self) -> None:
        if self._hand is not None:
            self._hand.close()
            self._hand = None
        await self.store.close()

    def settings(self) -> CreditSettings:
        return CreditSettings(
            self.cell, self.lane, ("127.0.0.1", 0), self.postgres_url, self.valkey_url, "http://127.0.0.1:9", SECRET
        )

    def sql(self, text: str, *params: object) -> list[tuple[Any, ...]]:
        """As the superuser: what a hand in the database could do. `{}` is the lane's schema."""
        statement = text.replace("{}", self.lane).encode()
        if self._hand is None:
            with psycopg.connect(self.postgres_url, autocommit=True) as conn:
                return _rows(conn.execute(statement, params or None))
        try:
            return _rows(self._hand.execute(statement, params or None))
        except psycopg.OperationalError:  # the server was restarted by the test
            self._hand.close()
            self._hand = psycopg.connect(self.postgres_url, autocommit=True)
            return _rows(self._hand.execute(statement, params or None))

    def add_round(self, round_id: int = 1, splits: Sequence[SponsorSplit] = SPLITS) -> Round:
        """An armed round with its budget moved from the sponsors, as control does it."""
        round_ = make_round(round_id, splits, SEED)
        self.rounds[round_id] = round_
        self.sql(
            "INSERT INTO {}.round (round, packets, budget_fen, start_us, end_us, release_ms, sponsors, seed,"
            " commitment, created_us) VALUES (%s, %s, %s, %s, %s, 9500, %s, %s, %s, 0)",
            round_id, round_.packets, round_.budget_fen, START_US, START_US + 10_000_000,
            json.dumps([split.model_dump(mode="json") for split in splits]), SEED, commitment(round_),
        )  # fmt: skip
        self._batch(round_id, "fund", {split.sponsor: split.budget_fen for split in splits})
        return round_

    def _batch(self, round_id: int, kind: str, fen_of: dict[int, int]) -> None:
        sign = 1 if kind == "fund" else -1
        rows = self.sql(
            "INSERT INTO {}.batch (kind, round, committed_us) VALUES (%s, %s, 0) RETURNING batch", kind, round_id
        )
        for sponsor, fen in fen_of.items():
            for account, amount in ((f"sponsor:{sponsor}", -fen), (f"budget:{round_id}:{sponsor}", fen)):
                if amount:
                    self.sql("INSERT INTO {}.entry VALUES (%s, %s, %s)", rows[0][0], account, sign * amount)

    async def epoch(self, round_id: int, front: int, epoch: int) -> None:
        """Grants an epoch: number taken, older leases abandoned, fence raised, granted."""
        self.sql(
            "INSERT INTO {}.stream (round, front, cell, epoch) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (round, front) DO UPDATE SET epoch = excluded.epoch",
            round_id, front, self.cell, epoch,
        )  # fmt: skip
        self.sql("UPDATE {}.lease SET abandoned = true WHERE round = %s AND front = %s", round_id, front)
        await self.log(round_id, front).raise_fence(epoch)
        self.sql("UPDATE {}.stream SET granted = %s WHERE round = %s AND front = %s", epoch, round_id, front)
        self.sequences[round_id, front, epoch] = 0

    def lease(self, round_id: int, front: int, epoch: int, number: int, count: int) -> range:
        """The next `count` packets for a front."""
        ((hi,),) = self.sql(
            "UPDATE {}.round SET next_packet = next_packet + %s WHERE round = %s RETURNING next_packet", count, round_id
        )
        self.sql(
            "INSERT INTO {}.lease (round, front, epoch, number, lo, hi, used) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            round_id, front, epoch, number, hi - count, hi, bytes(-(-count // 8)),
        )  # fmt: skip
        return range(hi - count, hi)

    def log(self, round_id: int, front: int) -> WinLog:
        return self.store.stream(self.cell, self.lane, round_id, front)

    def win(self, round_id: int, packet: int, uid: int, at_us: int = START_US + 1_000_000) -> Win:
        """The win a sound front would log."""
        sponsor, fen = award(self.rounds[round_id], packet)
        return Win(packet, fen, uid, at_us, sponsor, FLAG_STRESS if self.lane == "stress" else 0)

    def entry(self, round_id: int, front: int, epoch: int, wins: Sequence[Win]) -> Stored:
        """The next entry's bytes; not stored."""
        sequence = self.sequences[round_id, front, epoch] = self.sequences[round_id, front, epoch] + 1
        return Stored(Position(epoch, sequence), encode(Header(self.lane, round_id, front, epoch, sequence, 1), wins))

    async def append(self, round_id: int, front: int, epoch: int, wins: Sequence[Win]) -> Position:
        """One entry, as the front appends it."""
        stored = self.entry(round_id, front, epoch, wins)
        assert await self.log(round_id, front).append(stored.entry, *stored.at) is Verdict.OK
        return stored.at

    async def plant(self, round_id: int, front: int, at: Position, entry: bytes) -> None:
        """Bytes put into the stream by a hand, past every fence."""
        await self.store.command("XADD", self.log(round_id, front).key, str(at), "e", entry)

    def close_round(self, round_id: int) -> None:
        """The close: refunds what postings and suspense leave, then the state."""
        refunds = {split.sponsor: split.budget_fen for split in self.rounds[round_id].histograms}
        for sponsor, fen in self.sql(
            "SELECT sponsor, sum(fen)::bigint FROM {}.posting WHERE round = %s GROUP BY 1", round_id
        ) + self.sql(
            "SELECT held_sponsor, sum(held_fen)::bigint FROM {}.suspense"
            " WHERE round = %s AND held_fen > 0 GROUP BY 1", round_id,
        ):  # fmt: skip
            refunds[sponsor] -= fen
        self._batch(round_id, "refund", refunds)
        self.sql("UPDATE {}.round SET state = 'closed', closed_us = 1 WHERE round = %s", round_id)
