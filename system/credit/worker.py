"""The credit worker: posts every stream of its cell and lane, pass after pass, also when stores come and go.

Owns the order *ledger first, then the stream*, the pauses after errors, and what a lost COMMIT means. Keeps no state
that a restart could lose.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

import numpy as np

from system.contract.api import SponsorSplit
from system.contract.errors import StoreRefused, StoreUnknown, XiuError
from system.contract.ids import Position, StreamName
from system.contract.places import credit
from system.contract.records import WIN_DTYPE
from system.credit.metrics import CreditMetrics
from system.credit.notices import Notices
from system.credit.post import BatchParameters, BatchRefused, Posted, post, stop
from system.credit.reading import Reader
from system.credit.switches import Switches
from system.credit.verify import Prepared, prepare
from system.ledger.access import Connection, connect, deadline, lane_role, transaction
from system.ledger.statements import statement
from system.ledger.translate import translated
from system.lottery import Round, make_round
from system.settings import CreditSettings
from system.winlog import WinLogStore
from system.winlog.codec import HEADER_BYTES

log = logging.getLogger(__name__)

TURN_BATCHES = 8
"""Batches of one stream before the other streams get a turn."""
WAIT_MS = 250
"""Milliseconds to wait for an entry before the rounds are looked up again."""
BACK_OFF_S = (0.05, 1.0)
RECORDS_PER_S_MIN = 10_000
"""A batch that takes longer counts as not answered."""
OBSERVE_S = 0.5


class CreditStream(NamedTuple):
    """A stream as the ledger knew it at the start of the pass."""

    name: StreamName
    offset: Position
    granted: int
    stopped: str | None


class Worker:
    """One cell, one lane. `run` never ends by itself; two at once do no harm."""

    def __init__(
        self,
        settings: CreditSettings,
        store: WinLogStore,
        metrics: CreditMetrics,
        switches: Switches,
        wall_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        notices: Notices | None = None,
    ) -> None:
        self._settings, self._store, self._metrics, self._switches = settings, store, metrics, switches
        self._wall_us, self._notices = wall_us, notices
        metrics.follow(lambda: switches.values)
        self._conn: Connection | None = None
        self._known: list[CreditStream] = []
        self._rounds: dict[int, Round] = {}
        self._doubt: dict[StreamName, Posted] = {}
        self._first = 0
        self._observed = 0.0
        self.passed_at = 0.0

    async def run(self) -> None:
        """Passes for ever. A store that is away is tried again after 50 ms, then after twice as long each time, up to 1
        s. A pass that breaks is logged, and the next begins after 1 s.
        """
        pause_s = BACK_OFF_S[0]
        try:
            while True:
                began = time.monotonic()
                try:
                    streams = await self.once()
                    pause_s = BACK_OFF_S[0]
                    await self._wait(streams, began)
                except (StoreUnknown, StoreRefused) as exc:
                    self._metrics.errors.inc()
                    log.warning("store away: %s", exc, extra={"event": "credit_store_away", "pause_s": pause_s})
                    await self._drop()
                    await self._watch()
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, BACK_OFF_S[1])
                except Exception:
                    # A bug of ours, or an unexpected answer. The server undoes what was begun; the ledger says where to
                    # go on; the metric and the log show that somebody must look.
                    self._metrics.errors.inc()
                    log.exception("a pass broke", extra={"event": "credit_broke", "pause_s": BACK_OFF_S[1]})
                    await self._drop()
                    await asyncio.sleep(BACK_OFF_S[1])
        finally:
            await self.close()

    async def once(self) -> dict[StreamName, Position]:
        """One pass over every stream; answers how far each of them is credited. Raises StoreUnknown, StoreRefused."""
        streams = self._known = await self._streams()
        self._resolve(streams)
        self._metrics.stopped.set(sum(stream.stopped is not None for stream in streams))
        await self._observe(streams)
        reached = {stream.name: stream.offset for stream in streams}
        if not self._switches.paused:
            drained = True
            for stream in self._turns(streams):
                # Before the attempt: should it fail, the next pass begins with the stream behind this one.
                self._first += 1
                if stream.stopped is None:
                    reached[stream.name], done = await self._drain(stream)
                    drained = drained and done
            if drained and all(stream.stopped is None for stream in streams):
                self._metrics.lag.set(0)
                self._metrics.oldest_us = None
        self.passed_at = self._metrics.progress_at = time.monotonic()
        return {stream.name: reached[stream.name] for stream in streams if stream.stopped is None}

    def _turns(self, streams: list[CreditStream]) -> list[CreditStream]:
        """Rotated, so that a stream whose batch fails again and again does not keep the others from their turn."""
        at = self._first % len(streams) if streams else 0
        return streams[at:] + streams[:at]

    async def _streams(self) -> list[CreditStream]:
        lane = self._settings.lane
        async with self._connection("streams", self._settings.store_timeout_s) as conn:
            rows = await (
                await conn.execute(statement("credit_streams", lane), {"cell": self._settings.cell})
            ).fetchall()
            for round_id in sorted({row[0] for row in rows} - self._rounds.keys()):
                self._rounds[round_id] = await self._round(conn, round_id)
        self._rounds = {row[0]: self._rounds[row[0]] for row in rows}
        return [
            CreditStream(StreamName(lane, round_id, front), Position(epoch, seq), granted, stopped)
            for round_id, front, epoch, seq, granted, stopped in rows
        ]

    async def _round(self, conn: Connection, round_id: int) -> Round:
        rows = await conn.execute(statement("round_lottery", self._settings.lane), {"round": round_id})
        sponsors, seed = (await rows.fetchall())[0]
        return make_round(round_id, [SponsorSplit.model_validate(item, strict=False) for item in sponsors], bytes(seed))

    async def _drain(self, stream: CreditStream) -> tuple[Position, bool]:
        """Posts what stands behind the offset, reading one batch ahead. Returns how far it came, and whether nothing is
        left.
        """
        settings, step = self._settings, BatchParameters(stream.name, stream.granted)
        reader = Reader(
            self._store.stream(settings.cell, settings.lane, stream.name.round_id, stream.name.front),
            stream.name, stream.offset,
        )  # fmt: skip
        reached = stream.offset
        ahead = asyncio.ensure_future(self._next(reader))
        try:
            for _ in range(TURN_BATCHES):
                prepared = await ahead
                if prepared is None:
                    if reader.stopped is not None:
                        await self._stop(step, reached, reader.stopped)
                    return reached, reader.stopped is None
                ahead = asyncio.ensure_future(self._next(reader))
                if not await self._post(step, prepared):
                    return reached, False
                reached = prepared.chunk.end
            return reached, False
        finally:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)

    async def _next(self, reader: Reader) -> Prepared | None:
        chunk = await reader.next(self._switches.batch_max)
        return None if chunk is None else prepare(chunk, self._rounds[reader.name.round_id], self._settings.lane)

    async def _post(self, step: BatchParameters, prepared: Prepared) -> bool:
        """One batch; False when the offset, the epoch or the round moved on and the ledger must be read again."""
        done: Posted | None = None
        limit_s = self._settings.store_timeout_s + len(prepared.chunk.records) / RECORDS_PER_S_MIN
        try:
            async with self._connection("batch", limit_s) as conn, transaction(conn):
                done = await post(conn, step, prepared)
        except BatchRefused as exc:
            log.info("batch refused: %s", exc.why, extra={"event": "batch_refused", "why": exc.why})
            return False
        except BaseException:
            if done is not None:
                # The COMMIT was sent and its answer lost, or spoilt: the offset will tell.
                self._doubt[step.name] = done
            raise
        # Of two batches from one offset PostgreSQL commits one: the one in doubt was not.
        self._doubt.pop(step.name, None)
        self._count(done)
        return True

    def _resolve(self, streams: list[CreditStream]) -> None:
        """Counts each batch in doubt whose end the ledger's offset has reached: it was committed. Another stays in
        doubt, for PostgreSQL may still work on its COMMIT, until a batch from the same offset is committed instead.
        """
        offsets = {stream.name: stream.offset for stream in streams}
        for name, batch in list(self._doubt.items()):
            # A round that is closed by now has reached all that was confirmed.
            if name not in offsets or offsets[name] >= batch.end:
                self._count(self._doubt.pop(name))

    def _count(self, batch: Posted) -> None:
        self._metrics.posted(batch, self._wall_us())
        if self._notices is not None:
            self._notices.offer(batch)
        self._metrics.progress_at = time.monotonic()
        if batch.duplicates:
            log.warning(
                "records met again", extra={"event": "duplicates", "stream": str(batch.name), "count": batch.duplicates}
            )
        if batch.suspended:
            log.error(
                "records in suspense", extra={"event": "suspense", "stream": str(batch.name), "count": batch.suspended}
            )

    async def _stop(self, step: BatchParameters, at: Position, reason: str) -> None:
        async with self._connection("stop", self._settings.store_timeout_s) as conn:
            if await stop(conn, step, at, reason):
                log.error("stream stopped: %s", reason, extra={"event": "stream_stopped", "stream": str(step.name)})

    async def _observe(self, streams: list[CreditStream]) -> None:
        """Reads backlog and age from time to time: what stands behind the offsets, also of stopped streams."""
        if time.monotonic() - self._observed < OBSERVE_S:
            return
        lag, oldest = 0, None
        for name, offset, _, _ in streams:
            stream = self._store.stream(self._settings.cell, name.lane, name.round_id, name.front)
            first = await stream.read_after(offset, 1)
            if first:
                tail = await stream.tail()
                lag += max(1, tail.sequence - (offset.sequence if tail.epoch == offset.epoch else 0))
                if len(first[0].entry) >= HEADER_BYTES + WIN_DTYPE.itemsize:
                    since = int(np.frombuffer(first[0].entry, WIN_DTYPE, count=1, offset=HEADER_BYTES)["time_us"][0])
                    oldest = since if oldest is None else min(oldest, since)
        self._metrics.lag.set(lag)
        self._metrics.oldest_us = oldest
        self._observed = time.monotonic()

    async def _watch(self) -> None:
        """The ledger is away: the backlog behind the last known offsets grows, and is shown."""
        try:
            await self._observe(self._known)
        except (StoreUnknown, StoreRefused) as exc:
            log.info("backlog unknown: %s", exc, extra={"event": "backlog_unknown"})

    async def _wait(self, reached: dict[StreamName, Position], began: float) -> None:
        """Until something may be there: woken by the first entry, but not sooner than `poll_interval_s`."""
        rest_s = self._settings.poll_interval_s - (time.monotonic() - began)
        if rest_s > 0:
            await asyncio.sleep(rest_s)
        if self._switches.paused or not reached:
            await asyncio.sleep(WAIT_MS / 1000)
            return
        keys = [self._store.stream(self._settings.cell, *name).key for name in reached]
        places = [str(position) for position in reached.values()]
        await self._store.command("XREAD", "BLOCK", WAIT_MS, "COUNT", 1, "STREAMS", *keys, *places)

    @asynccontextmanager
    async def _connection(self, what: str, timeout_s: float) -> AsyncIterator[Connection]:
        """The worker's one connection; dropped after any error but a refused batch."""
        settings = self._settings
        if self._conn is None or self._conn.closed:
            role = lane_role(settings.lane)
            self._conn = await connect(
                settings.postgres_url, role, settings.secret, timeout_s=settings.store_timeout_s,
                name=credit(settings.lane, settings.cell).name,
            )  # fmt: skip
        try:
            with translated(what), deadline(self._conn, timeout_s):
                yield self._conn
        except XiuError:
            await self._drop()
            raise

    async def close(self) -> None:
        """Gives the connection back; the next pass opens another."""
        await self._drop()

    async def _drop(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            await conn.close()
