"""Many faults in a seeded order while users win: no answer changes, nobody wins twice, nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from system.contract.ids import fence_key
from system.front.seam import SettledWin
from tests.support.deadline import lasting, until
from tests.support.front import FrontUnderTest, Rig, eventually, on
from tests.support.stores import ValkeyServer

PACKETS = 4000
FAULTS = 12
# Entries of the accepted epoch only: a store that forgets older ones has restarted, and then its fence is gone too.
LOSE_LAST = """
local epoch = server.call('GET', KEYS[2])
for _, entry in ipairs(server.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)) do
    if epoch and string.find(entry[1], epoch .. '-', 1, true) == 1 then
        server.call('XDEL', KEYS[1], entry[1])
    end
end
"""


class Crowd:
    """Users who tap once each, and remember what they were told."""

    def __init__(self, round_id: int) -> None:
        self.round_id = round_id
        self.told: dict[int, SettledWin] = {}
        self.next_uid = 0

    async def tap(self, front: FrontUnderTest) -> None:
        while True:
            round_ = front.round(self.round_id)
            now = front.state.now_us()
            if round_.opening_us <= now:
                self.next_uid += 1
                round_.award(self.next_uid, now, self._hears(self.next_uid))
            await asyncio.sleep(0.002)

    def has_heard(self, count: int) -> bool:
        """Have at least so many been told that they won?"""
        return len(self.told) >= count

    def _hears(self, uid: int) -> Callable[[SettledWin | None], None]:
        def hear(win: SettledWin | None) -> None:
            if win is not None:
                self.told[uid] = win

        return hear


async def _mute(rig: Rig, round_id: int) -> None:
    rig.relay.mute = True
    await lasting(0.1, "the store says nothing")
    rig.relay.mute = False


async def _cut(rig: Rig, round_id: int) -> None:
    rig.relay.cut()


async def _kill(rig: Rig, round_id: int) -> None:
    rig.valkey.restart(kill=True)


async def _flush(rig: Rig, round_id: int) -> None:
    rig.valkey.command_line("FLUSHALL")


async def _lose_tail(rig: Rig, round_id: int) -> None:
    # At once: a hole before the end would be no lost tail, and is credit's to find.
    async with rig.reader() as store:
        await store.command("EVAL", LOSE_LAST, 2, rig.log(round_id).key, fence_key(0, "live", round_id, 0))


async def _lose_answers(rig: Rig, round_id: int) -> None:
    rig.control.lose.update({"epoch": 1, "lease": 1})


KINDS: tuple[Callable[[Rig, int], Awaitable[None]], ...] = (_mute, _cut, _kill, _flush, _lose_tail, _lose_answers)


@pytest.mark.parametrize("seed", range(3))
def test_no_answer_changes_and_nothing_acknowledged_is_lost(valkey_server: ValkeyServer, seed: int) -> None:
    async def scenario(rig: Rig) -> None:
        chance = random.Random(seed)
        round_id = rig.new_round_id()
        rig.control.add_round(round_id, packets=PACKETS)
        crowd = Crowd(round_id)
        for _ in range(2):  # the second start is rebuilt from what the first left
            async with rig.front() as front:
                round_ = await front.ready(round_id)
                assert {uid: round_.settled.get(uid) for uid in crowd.told} == crowd.told
                heard = len(crowd.told)
                tapping = asyncio.create_task(crowd.tap(front))
                try:
                    for _ in range(FAULTS // 2):
                        await lasting(chance.uniform(0.02, 0.2), "between two faults")
                        await chance.choice(KINDS)(rig, round_id)
                    await eventually(partial(crowd.has_heard, heard + 11), "users win, whatever the faults")
                finally:
                    tapping.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await tapping
                await until(partial(_whole, rig, front, round_id), "all settled and stored")
                assert {uid: round_.settled.get(uid) for uid in crowd.told} == crowd.told
                settled = {uid: win.packet for uid, win in round_.settled.items()}
            assert await rig.winners(round_id) == settled
        assert len(crowd.told) > 20

    on(valkey_server, scenario)


async def _whole(rig: Rig, front: FrontUnderTest, round_id: int) -> bool:
    """Also when the last fault is noticed by the look at the tail alone, within a second."""
    round_ = front.round(round_id)
    settled = {uid: win.packet for uid, win in round_.settled.items()}
    return round_.ready and not round_.pending and await rig.winners(round_id) == settled
