"""The close against what may stand in its way: a dead front, appends in doubt, a lost tail, Valkey away."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from system.contract.api import EpochGranted, EpochRequest
from system.contract.ids import Position
from system.front.answers import HttpAnswer
from system.front.draw import Draw
from system.front.link import ControlLink
from tests.support.deadline import lasting, until
from tests.support.front_process import process
from tests.support.stage import Stage, eventually, stage
from tests.support.stores import ValkeyServer


class NoReplier:
    """For taps that are answered at once."""

    def later(self) -> Callable[[HttpAnswer], None]:
        raise AssertionError("this tap should have had its answer")


async def is_closed(s: Stage) -> bool:
    await s.worker.once()
    return await s.api.state(s.round_id) == "closed"


def test_a_dead_front_holds_the_round_until_it_is_started_again(
    postgres_dsn: str, fresh_valkey: ValkeyServer, tmp_path: Path
) -> None:
    async def attack(s: Stage) -> None:
        async with s.front() as front:
            for uid in range(3):
                assert await s.tap(front, uid) is not None
            await front.kill()
        await s.end()
        await s.credited()
        await s.waits("has not confirmed")
        async with s.front_of_a_round_over():
            await until(lambda: is_closed(s), "closed")
        assert set(s.posted()) == {0, 1, 2}
        assert await s.broken(tmp_path) == {}

    stage(postgres_dsn, fresh_valkey, attack)


def test_a_frozen_front_holds_the_round_until_it_thaws(
    postgres_dsn: str, fresh_valkey: ValkeyServer, tmp_path: Path
) -> None:
    """A process of its own: nobody speaks for it while it is stopped."""

    async def attack(s: Stage) -> None:
        async with process(s.environment(tmp_path)) as front:

            async def granted() -> bool:
                return s.sql("SELECT granted FROM live.stream") == [(1,)]

            await until(granted, "the front at work")
            front.send_signal(signal.SIGSTOP)
            await s.end()
            await s.waits("front 0: instance 1 has not confirmed epoch 1")
            await s.credited()
            assert await s.api.state(s.round_id) == "closing"
            front.send_signal(signal.SIGCONT)
            await until(lambda: is_closed(s), "closed")
        assert await s.broken(tmp_path / "history") == {}

    stage(postgres_dsn, fresh_valkey, attack)


def test_appends_in_doubt_hold_the_round_until_they_are_settled(
    postgres_dsn: str, fresh_valkey: ValkeyServer, tmp_path: Path
) -> None:
    async def attack(s: Stage) -> None:
        async with s.front() as front:
            round_ = front.round(s.round_id)
            assert await s.tap(front, 1) is not None
            s.valkey.freeze()
            try:
                assert await s.tap(front, 2) is None, "processing"
                await s.end()
                await eventually(lambda: round_.state == "closing", "closing")
                await s.waits("has not confirmed")
                assert front.keeper(s.round_id).confirmed is None
            finally:
                s.valkey.thaw()
            await until(lambda: is_closed(s), "closed")
            assert set(s.posted()) == {1, 2}
        assert await s.broken(tmp_path) == {}

    stage(postgres_dsn, fresh_valkey, attack)


def test_closed_before_its_end_with_appends_in_doubt(
    postgres_dsn: str, fresh_valkey: ValkeyServer, tmp_path: Path
) -> None:
    """The window is open, an append has no answer: taps lose until the close, nothing won is lost, then it is over."""

    async def attack(s: Stage) -> None:
        async with s.front() as front:
            round_, draw = front.round(s.round_id), Draw(front.state, s.settings)

            def status_of_a_tap(uid: int) -> int:
                told = draw.tap(s.round_id, 0, uid, front.state.now_us(), NoReplier())
                assert told is not None
                return told.status

            assert await s.tap(front, 1) is not None
            s.valkey.freeze()
            try:
                assert await s.tap(front, 2) is None, "processing"
                closing = await s.api.admin("POST", f"/v1/rounds/{s.round_id}/close", {"before_end": True})
                assert closing[1]["state"] == "closing"
                await eventually(lambda: round_.state == "closing", "closing")
                assert front.state.now_us() < round_.end_us
                assert status_of_a_tap(3) == 200, "an ordinary losing tap"
                assert set(round_.pending) == {2}
                assert front.keeper(s.round_id).confirmed is None
            finally:
                s.valkey.thaw()
            await until(lambda: is_closed(s), "closed")
            await eventually(lambda: round_.closed, "the front knows")
            assert front.state.now_us() < round_.end_us
            assert [status_of_a_tap(uid) for uid in (1, 2, 3)] == [410, 410, 410]
            assert set(s.posted()) == {1, 2}
        assert await s.broken(tmp_path) == {}

    stage(postgres_dsn, fresh_valkey, attack)


def test_a_tail_lost_between_confirmation_and_close_is_appended_and_confirmed_again(
    postgres_dsn: str, fresh_valkey: ValkeyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The front, which looks at its tail once a second, gets its next epoch once credit has looked at what is left."""

    async def attack(s: Stage) -> None:
        ask, credit_has_looked = ControlLink.epoch, asyncio.Event()

        async def held(link: ControlLink, round_id: int, body: EpochRequest) -> EpochGranted:
            await credit_has_looked.wait()
            return await ask(link, round_id, body)

        async with s.front() as front:
            keeper = front.keeper(s.round_id)
            for uid in range(3):
                assert await s.tap(front, uid) is not None
            await s.end()
            await eventually(lambda: keeper.confirmed == Position(1, 3), "confirmed")
            await s.waits("credit of front 0: at 0-0, confirmed 1-3")
            monkeypatch.setattr(ControlLink, "epoch", held)
            s.valkey.command_line("FLUSHALL")
            await s.worker.once()
            assert s.posted() == {}, "there is nothing to post any more"
            credit_has_looked.set()
            await eventually(lambda: keeper.confirmed is not None and keeper.confirmed.epoch > 1, "confirmed again")
            await until(lambda: is_closed(s), "closed")
        assert set(s.posted()) == {0, 1, 2}
        assert await s.broken(tmp_path) == {}

    stage(postgres_dsn, fresh_valkey, attack)


def test_with_valkey_away_the_round_stays_closing(
    postgres_dsn: str, fresh_valkey: ValkeyServer, tmp_path: Path
) -> None:
    async def attack(s: Stage) -> None:
        async with s.front() as front:
            assert await s.tap(front, 1) is not None
            s.valkey.kill()
            try:
                await s.end()
                await s.waits("front 0")
                await lasting(0.1, "the round stays as it is")
                assert await s.api.state(s.round_id) == "closing"
            finally:
                s.valkey.start()
            await s.reconnected()
            await until(lambda: is_closed(s), "closed")
        assert set(s.posted()) == {1}
        assert await s.broken(tmp_path) == {}

    stage(postgres_dsn, fresh_valkey, attack)


def test_nothing_is_awarded_after_the_word_was_given(
    postgres_dsn: str, fresh_valkey: ValkeyServer, tmp_path: Path
) -> None:
    """Confirmed, the front takes no packet more, though the gate's time has come and it holds leases."""

    async def attack(s: Stage) -> None:
        async with s.front() as front:
            round_, keeper = front.round(s.round_id), front.keeper(s.round_id)
            first = await s.tap(front, 1)
            assert first is not None
            await s.end()
            await eventually(lambda: keeper.confirmed is not None, "confirmed")
            # Nothing but the round's state stands in the way of this tap.
            last_us, conditions = round_.end_us - 1, round_._conditions
            assert round_._gate.opening(len(round_.settled), first.time_us) <= last_us
            assert (round_.ready, round_.slow) == (True, False)
            assert round_.leases.remaining > 0
            await eventually(lambda: conditions.clock.trusted, "the clock is trusted")
            assert (conditions.serving, conditions.award_on["live"]) == (True, True)
            assert not round_.award(2, last_us, lambda _: None)
            assert round_.pending == {}
            await until(lambda: is_closed(s), "closed")
        assert set(s.posted()) == {1}
        assert await s.broken(tmp_path) == {}

    stage(postgres_dsn, fresh_valkey, attack)
