"""Awards end to end on a real Valkey: settle, share, group, resend, rebuild. Source: docs/money.md, Award and Epoch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from system.contract.errors import StoreUnknown
from system.contract.ids import Position
from system.contract.records import FLAG_STRESS
from system.front.seam import NEVER, SettledWin
from system.front.stream import TAIL_INTERVAL_S
from system.lottery import award, make_round
from system.winlog import WinLog
from tests.support.fake_control import SEED
from tests.support.front import FrontUnderTest, Rig, eventually, on
from tests.support.stores import ValkeyServer


def test_a_win_is_told_once_it_is_stored_with_the_amount_of_the_lottery(valkey_server: ValkeyServer) -> None:
    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        made = rig.control.add_round(round_id, lane="stress")
        async with rig.front() as front:
            round_ = await front.ready(round_id)
            win = await front.win(round_id, 42)
            lottery = make_round(round_id, made.public.sponsors, SEED)
            assert (win.sponsor, win.fen) == award(lottery, win.packet)
            assert round_.settled == {42: win}
            assert round_.pending == {}
            assert made.public.start_us <= win.time_us < made.public.end_us
        [(at, [record])] = await rig.stored(round_id)
        assert at == "1-1"
        assert record == (win.packet, win.fen, 42, win.time_us, win.sponsor, FLAG_STRESS)

    on(valkey_server, scenario)


def test_what_arrives_while_an_append_is_on_its_way_shares_the_next_entry(valkey_server: ValkeyServer) -> None:
    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        async with rig.front() as front:
            await front.ready(round_id)
            for uid in range(10):
                await front.tap(round_id, uid)
            await front.round(round_id).idle()
        entries = await rig.stored(round_id)
        assert sum(len(wins) for _, wins in entries) == 10
        assert len(entries) < 10
        assert [at for at, _ in entries] == [f"1-{n + 1}" for n in range(len(entries))]

    on(valkey_server, scenario)


def test_a_second_tap_of_the_same_user_shares_the_append(valkey_server: ValkeyServer) -> None:
    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        async with rig.front(tap_deadline_s=30.0, append_timeout_s=30.0, recent_s=40.0) as front:
            round_ = await front.ready(round_id)
            first = await front.tap(round_id, 5)
            second: asyncio.Future[SettledWin | None] = asyncio.get_running_loop().create_future()
            assert 5 in round_.pending
            round_.join(5, second.set_result)
            assert await first == await second
            assert await first is not None
        assert len(await rig.winners(round_id)) == 1

    on(valkey_server, scenario)


def test_a_lost_answer_is_pending_then_settled_by_the_same_bytes_sent_again(valkey_server: ValkeyServer) -> None:
    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        async with rig.front() as front:
            round_ = await front.ready(round_id)
            rig.relay.mute = True
            assert await (await front.tap(round_id, 1)) is None
            await eventually(lambda: rig.relay.dropped >= 2, "sent at least twice")
            await eventually(lambda: round_.slow, "the append takes longer than it should")
            assert round_.opening_us == NEVER, "the gate stays shut while an append is unanswered"
            assert 1 in round_.pending
            rig.relay.mute = False
            await eventually(lambda: 1 in round_.settled, "settled")
            await front.win(round_id, 2)
            assert front.keeper(round_id).epoch == 1
        assert sorted(await rig.winners(round_id)) == [1, 2]
        assert [at for at, _ in await rig.stored(round_id)] == ["1-1", "1-2"]

    on(valkey_server, scenario)


def test_connections_reset_under_load_lose_nothing_and_double_nothing(valkey_server: ValkeyServer) -> None:
    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        async with rig.front() as front:
            round_ = await front.ready(round_id)
            for uid in range(60):
                await front.tap(round_id, uid)
                if uid % 7 == 0:
                    rig.relay.cut()
            await eventually(lambda: len(round_.settled) == 60, "all settled")
            settled = {uid: win.packet for uid, win in round_.settled.items()}
        assert await rig.winners(round_id) == settled

    on(valkey_server, scenario)


def test_valkey_killed_and_restarted_means_a_new_epoch_and_no_win_lost(valkey_server: ValkeyServer) -> None:
    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        async with rig.front() as front:
            round_ = await front.ready(round_id)
            before = {uid: await front.win(round_id, uid) for uid in range(5)}
            rig.valkey.kill()
            told = await front.tap(round_id, 100)
            assert await told is None
            rig.valkey.start()  # in this thread: the server dies with the thread that started it
            await eventually(lambda: 100 in round_.settled, "the pending one is settled")
            await front.ready(round_id)
            assert front.keeper(round_id).epoch >= 2
            assert {uid: round_.settled[uid] for uid in before} == before
            await front.win(round_id, 101)
            settled = {uid: win.packet for uid, win in round_.settled.items()}
        assert await rig.winners(round_id) == settled
        assert len(settled) == 7

    on(valkey_server, scenario)


class Looks:
    """The front's own readings of its last id: they judge what it notices, not a wall clock that others' work moves."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.begun = self.answered = 0
        self.epoch_lost = 0
        look = WinLog.last_id

        async def counted(log: WinLog, epoch: int) -> Position:
            self.begun += 1
            behind_the_loss = epoch == self.epoch_lost
            try:
                return await look(log, epoch)
            except StoreUnknown:
                behind_the_loss = False  # it saw nothing
                raise
            finally:
                self.answered += behind_the_loss

        patch.setattr(WinLog, "last_id", counted)

    async def until_noticed(self, front: FrontUnderTest, round_id: int, lose: Callable[[], Awaitable[object]]) -> int:
        """Loses something once the front looks; how many looks begun and answered behind that it takes to notice."""
        keeper, epoch = front.keeper(round_id), front.keeper(round_id).epoch
        await eventually(lambda: self.begun > 0, "a look")
        await lose()
        self.epoch_lost = epoch
        await eventually(lambda: keeper.epoch > epoch, "a new epoch, without traffic")
        await front.ready(round_id)
        return self.answered


def test_after_a_flush_every_win_that_credit_has_not_seen_is_appended_again(
    valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = Looks(monkeypatch)

    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        made = rig.control.add_round(round_id)
        async with rig.front() as front:
            round_ = await front.ready(round_id)
            for uid in range(20):
                await front.win(round_id, uid)
            first = (await rig.stored(round_id))[:3]
            made.posted = [win for _, wins in first for win in wins]
            made.offset = Position.parse(first[-1][0])

            async def flush() -> None:
                rig.valkey.command_line("FLUSHALL")

            assert await looks.until_noticed(front, round_id, flush) <= 1
            credited = {win.uid for win in made.posted}
            expected = {uid: win.packet for uid, win in round_.settled.items() if uid not in credited}
        assert len(expected) == 17
        assert await rig.winners(round_id) == expected
        assert all(Position.parse(at).epoch > made.offset.epoch for at, _ in await rig.stored(round_id))

    on(valkey_server, scenario)


def test_a_lost_tail_is_noticed_within_two_seconds_and_appended_again(
    valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the next look, and there is one a second."""
    looks = Looks(monkeypatch)

    async def scenario(rig: Rig) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        async with rig.front() as front:
            round_ = await front.ready(round_id)
            for uid in range(4):
                await front.win(round_id, uid)
            last = (await rig.stored(round_id))[-1][0]
            key = rig.log(round_id).key
            assert await looks.until_noticed(front, round_id, lambda: rig.control.store.command("XDEL", key, last)) <= 1
            assert TAIL_INTERVAL_S <= 1.0
            settled = {uid: win.packet for uid, win in round_.settled.items()}
        assert await rig.winners(round_id) == settled
        assert len(settled) == 4

    on(valkey_server, scenario)
