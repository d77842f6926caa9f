"""The whole money path on real stores, for attacks: real control, real front, real credit worker, and the audit.

A mutation takes one rule out (a text of SQL or Lua, or one function, replaced in the test); the attack is the same with
and without it. What the audit says is the outcome.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psycopg

from system.audit.close import audit
from system.audit.unwritten import PATIENCE_S
from system.contract.audit import AuditReport
from system.contract.errors import StoreRefused, StoreUnknown
from system.contract.history import NO_PACKET, OP_DTYPE, Outcome
from system.contract.ids import Lane
from system.contract.routing import Topology
from system.credit.reading import Reader
from system.credit.verify import Prepared
from system.credit.worker import Worker
from system.front.seam import SettledWin
from system.ledger.statements import statement
from system.settings import FrontSettings
from tests.support.control import SECRET, Api, LateClock, running, settings_of
from tests.support.deadline import until
from tests.support.front import FrontUnderTest, eventually, started
from tests.support.op_history import write_history
from tests.support.played_front import PlayedFront, credit
from tests.support.stores import LOOPBACK, ValkeyServer, free_port

SAMPLES = [{"t_ns": 1, "credited_fen": 0, "awarded_fen": 0, "budget_fen": 1}]


@dataclass
class Stage:
    """One open round. `told`: what users heard, in order: (uid, outcome, win). `patience_s`: how long the audit waits
    for what fronts counted; one in this process writes it nowhere.
    """

    api: Api
    worker: Worker
    clock: LateClock
    valkey: ValkeyServer
    postgres_url: str
    round_id: int
    told: list[tuple[int, Outcome, SettledWin | None]] = field(default_factory=list)
    patience_s: float = 0.0

    @property
    def settings(self) -> FrontSettings:
        url = str(self.api.client.make_url("")).rstrip("/")
        topology = Topology(("http://127.0.0.1:9000",), (0,))
        limits = {
            "tap_deadline_s": 2.5,
            "append_timeout_s": 3.0,
            "append_retry_s": 0.05,
        }  # a busy disk, or a process that stands still for a second, is no dead store
        return FrontSettings(0, 0, (LOOPBACK, 0), url, self.valkey.url, topology, SECRET, **limits)  # type: ignore[arg-type]

    def environment(self, folder: Path) -> dict[str, str]:
        """Of a front as a process of its own: its counts are waited for."""
        self.patience_s = PATIENCE_S
        secret = folder / "secret"
        secret.write_text(SECRET.hex())
        return dict(os.environ) | {
            "XIU_FRONT": "0",
            "XIU_LISTEN": f"{LOOPBACK}:{free_port()}",
            "XIU_CONTROL_URL": self.settings.control_url,
            "XIU_VALKEY_URL": self.valkey.url,
            "XIU_TOPOLOGY": json.dumps({"fronts": ["http://127.0.0.1:9000"], "cells": [0]}),
            "XIU_SECRET_FILE": str(secret),
        }

    @asynccontextmanager
    async def front(self) -> AsyncIterator[FrontUnderTest]:
        """A start of the real front, ready; ended with the block as kill -9 would end it."""
        async with started(self.settings) as front:
            await front.ready(self.round_id)
            yield front

    @asynccontextmanager
    async def front_of_a_round_over(self) -> AsyncIterator[FrontUnderTest]:
        """A start of the front past the round's end: it confirms, awards nothing."""
        async with started(self.settings) as front:
            yield front

    async def reconnected(self) -> None:
        """Uses up the test's own connections that a restart of Valkey broke."""

        async def heard() -> bool:
            with contextlib.suppress(StoreUnknown, StoreRefused):
                await self.api.control.winlog.of(0).command("PING", "-")
                return True
            return False

        await until(heard, "Valkey heard again")

    async def dead_front(self) -> PlayedFront:
        """An earlier start of the front that did what the test says, and will never do anything again."""
        played = await PlayedFront(self.api, self.round_id).start()
        await played.lease()
        return played

    async def tap(self, front: FrontUnderTest, uid: int) -> SettledWin | None:
        """One tap that takes a packet, or shows the user's win again; what the user hears is noted."""
        settled = front.round(self.round_id).settled
        if uid in settled:
            self.told.append((uid, Outcome.REPEAT, settled[uid]))
            return settled[uid]
        heard = await (await front.tap(self.round_id, uid))
        self.told.append((uid, Outcome.PENDING if heard is None else Outcome.WIN, heard))
        return heard

    async def credited(self, passes: int = 3) -> None:
        """Some passes of the credit worker."""
        for _ in range(passes):
            await self.worker.once()

    async def read(self) -> tuple[int, Prepared]:
        """What a credit worker reads: the epoch granted, then the next batch. It stops there."""
        (stream,) = await self.worker._streams()
        log = self.api.control.winlog.stream(0, "live", self.round_id, 0)
        prepared = await self.worker._next(Reader(log, stream.name, stream.offset))
        assert prepared is not None
        return stream.granted, prepared

    def posted(self) -> dict[int, int]:
        """Packet by user, as the ledger has it; a user with two postings is an error."""
        rows = self.sql("SELECT uid, packet FROM live.posting")
        assert len({uid for uid, _ in rows}) == len(rows), rows
        return {int(str(uid)): int(str(packet)) for uid, packet in rows}

    async def waits(self, word: str) -> None:
        """The close waits for something with this word in it."""

        async def said() -> bool:
            money = await self.api.money(self.round_id)
            assert money["state"] == "closing", money
            return any(word in item for item in money["waiting_for"])

        await until(said, f"the close waits for {word!r}")

    async def end(self) -> None:
        """Past the end, and asked to close; nothing more."""
        self.clock.ahead_us = 301_000_000
        await self.api.close(self.round_id)

    async def close(self, timeout_s: float = 50.0) -> None:
        """Past the end: closed, with the credit worker at work; a front must be there to confirm."""
        await self.end()

        async def closed() -> bool:
            await self.worker.once()
            return await self.api.state(self.round_id) == "closed"

        await until(closed, "closed", timeout_s)

    async def judged(self, folder: Path) -> AuditReport:
        """The books of the round with what was told as its history."""
        ops = np.zeros(len(self.told), OP_DTYPE)
        for at, (op, (uid, outcome, win)) in enumerate(zip(ops, self.told, strict=True)):
            op["uid"], op["round"], op["outcome"], op["http"] = uid, self.round_id, outcome, 200 if win else 202
            op["sent_ns"], op["done_ns"] = 10 * at + 1, 10 * at + 2
            op["packet"], op["fen"] = (win.packet, win.fen) if win else (NO_PACKET, 0)
        write_history(folder, ops, SAMPLES)
        return await audit(
            self.postgres_url, self.valkey.url, SECRET, "live", folder=folder, patience_s=self.patience_s
        )

    async def broken(self, folder: Path, *, whole: bool = True) -> dict[str, str]:
        """Invariants that do not hold, with the first offender. `whole`: the history has every tap, which S17 needs to
        hold the counts of real fronts against it.
        """
        report = await self.judged(folder)
        judged = (one for one in report.findings if whole or one.code != "S17")
        return {one.code: one.first for one in judged if one.valid is False}

    def sql(self, text: str) -> list[tuple[object, ...]]:
        """As the superuser."""
        with psycopg.connect(self.postgres_url, autocommit=True) as conn:
            cursor = conn.execute(text.encode())
            return cursor.fetchall() if cursor.description else []


def stage(
    postgres_url: str, valkey: ValkeyServer, scenario: Callable[[Stage], Awaitable[None]], timeout_s: float = 180.0
) -> None:
    """Plays a scenario on a fresh stage."""

    async def play() -> None:
        clock = LateClock()
        async with running(settings_of(postgres_url, valkey.url), clock) as api, credit(api) as worker:
            number = await api.make_round(duration_ms=300_000, release_ms=20_000)  # leases of 16
            await scenario(Stage(api, worker, clock, valkey, postgres_url, number))

    asyncio.run(asyncio.wait_for(play(), timeout_s))


def without(name: str, *words: tuple[str, str]) -> Callable[[str, Lane], bytes]:
    """`statement`, but in the text of the statement `name` these words stand for those."""

    def changed(asked: str, lane: Lane) -> bytes:
        text = statement(asked, lane)
        if asked == name:
            for old, new in words:
                assert old.encode() in text, f"{name} no longer says {old!r}"
                text = text.replace(old.encode(), new.encode())
        return text

    return changed


__all__ = ["Stage", "eventually", "stage", "without"]
