"""A front's award path in the test's own event loop: real Valkey behind a relay, control in memory."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp.test_utils import TestServer

from system.contract.errors import Superseded
from system.contract.ids import START
from system.contract.routing import Topology
from system.front.link import ControlLink
from system.front.metrics import FrontMetrics
from system.front.rounds import AwardRound
from system.front.seam import SettledWin
from system.front.stream import StreamKeeper
from system.front.sync import FrontState, Sync
from system.settings import FrontSettings
from system.winlog import Win as Record
from system.winlog import WinLog, WinLogStore, decode
from tests.support.deadline import until
from tests.support.fake_control import SECRET, FakeControl
from tests.support.relay import Relay
from tests.support.stores import LOOPBACK, ValkeyServer

_ROUND_IDS = itertools.count(1000)
"""Apart from those of other tests on the same server: that a fence was raised outlives FLUSHALL."""


async def eventually(check: Callable[[], bool], what: str, timeout_s: float = 40.0) -> None:
    async def asked() -> bool:
        return check()

    await until(asked, what, timeout_s)


class FrontUnderTest:
    """One start of front 0, without its listener: the tests are the draw path."""

    def __init__(self, sync: Sync, state: FrontState, metrics: FrontMetrics, task: asyncio.Task[None]) -> None:
        self.sync, self.state, self.metrics, self.task = sync, state, metrics, task

    def round(self, round_id: int) -> AwardRound:
        return self.keeper(round_id).round

    def keeper(self, round_id: int) -> StreamKeeper:
        return self.sync.keepers[round_id]

    async def ready(self, round_id: int) -> AwardRound:
        await eventually(lambda: round_id in self.sync.keepers and self.round(round_id).ready, "round ready")
        await eventually(lambda: self.state.serving, "serving")
        return self.round(round_id)

    async def tap(self, round_id: int, uid: int) -> asyncio.Future[SettledWin | None]:
        """Taps until the gate lets this user win; the future of the answer."""
        round_ = self.round(round_id)
        told: asyncio.Future[SettledWin | None] = asyncio.get_running_loop().create_future()

        def taken() -> bool:
            now = self.state.now_us()
            return round_.opening_us <= now and round_.award(uid, now, told.set_result)

        await eventually(taken, f"an opening for user {uid}")
        return told

    async def win(self, round_id: int, uid: int) -> SettledWin:
        told = await (await self.tap(round_id, uid))
        settled = self.round(round_id).settled
        await eventually(lambda: uid in settled, f"user {uid} settled")  # on a busy machine after its deadline
        assert told in (None, settled[uid])
        return settled[uid]

    async def kill(self) -> None:
        """As kill -9 would: nothing is settled, nothing is said."""
        self.task.cancel()
        await asyncio.wait([self.task])


@asynccontextmanager
async def started(settings: FrontSettings) -> AsyncIterator[FrontUnderTest]:
    """A start of a front, ended with the block as kill -9 would end it."""
    state, metrics = FrontState(), FrontMetrics()
    async with (
        ControlLink(settings.control_url, settings.front, settings.secret) as link,
        WinLogStore(settings.valkey_url, timeout_s=settings.append_timeout_s) as store,
    ):
        sync = Sync(state, link, store, settings, metrics)
        task = asyncio.create_task(sync.run())
        try:
            yield FrontUnderTest(sync, state, metrics, task)
        finally:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled() and task.exception() is not None:
                assert isinstance(task.exception(), Superseded), task.exception()


class Rig:
    def __init__(self, control: FakeControl, server: TestServer, relay: Relay, valkey: ValkeyServer) -> None:
        self.control, self.valkey, self.relay = control, valkey, relay
        self._url = str(server.make_url("")).rstrip("/")

    def new_round_id(self) -> int:
        return next(_ROUND_IDS)

    def settings(self, **limits: float) -> FrontSettings:
        url = f"valkey://{LOOPBACK}:{self.relay.port}/0"
        topology = Topology(("http://127.0.0.1:1",), (0,))
        fixed = {"tap_deadline_s": 0.3, "append_timeout_s": 0.5, "append_retry_s": 0.05} | limits
        return FrontSettings(0, 0, (LOOPBACK, 0), self._url, url, topology, SECRET, **fixed)  # type: ignore[arg-type]

    @asynccontextmanager
    async def front(self, **limits: float) -> AsyncIterator[FrontUnderTest]:
        """A start of front 0, ended with the block."""
        async with started(self.settings(**limits)) as front:
            yield front

    def reader(self) -> WinLogStore:
        """Connections of its own: those that are kept may have been ended by a kill that the loop has not heard of."""
        return WinLogStore(self.valkey.url, timeout_s=20.0)

    def log(self, round_id: int) -> WinLog:
        return self.control.store.stream(0, self.control.rounds[round_id].public.lane, round_id, 0)

    async def stored(self, round_id: int) -> list[tuple[str, list[Record]]]:
        """(id, wins) of each entry of the stream."""
        async with self.reader() as reader:
            log = reader.stream(0, self.control.rounds[round_id].public.lane, round_id, 0)
            entries = await log.read_after(START, 10_000)
        return [(str(at), decode(raw, at).wins()) for at, raw in entries]

    async def winners(self, round_id: int) -> dict[int, int]:
        """Packet by user, of the whole stream; a user with two packets is an error."""
        found: dict[int, int] = {}
        for _, wins in await self.stored(round_id):
            for win in wins:
                assert found.setdefault(win.uid, win.packet) == win.packet, f"user {win.uid} won twice"
        assert len(set(found.values())) == len(found), "a packet was won twice"
        return found


@asynccontextmanager
async def rig(valkey: ValkeyServer) -> AsyncIterator[Rig]:
    async with WinLogStore(valkey.url, timeout_s=20.0) as store, Relay(valkey.port) as relay:
        assert valkey.command_line("FLUSHALL") == b"+OK\r\n"
        control = FakeControl(store)
        async with TestServer(control.app()) as server:
            yield Rig(control, server, relay, valkey)


def on(valkey: ValkeyServer, scenario: Callable[[Rig], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with rig(valkey) as made, asyncio.timeout(150):
            await scenario(made)

    asyncio.run(whole())
