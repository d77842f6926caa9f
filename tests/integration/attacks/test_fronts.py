"""One front id, several processes: frozen past its replacement's start, in a crash loop, two at once."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import aiohttp
import pytest

from system.contract.api import EpochGranted, EpochRequest
from system.contract.history import Outcome
from system.credit.post import BatchParameters
from system.credit.verify import Prepared
from system.front.link import ControlLink
from system.winlog import Verdict
from tests.support.front import Rig, eventually
from tests.support.front_process import Taps, environment, on_process, process, started
from tests.support.stage import Stage, stage
from tests.support.stores import ValkeyServer

CRASHES = 6
"""Each start takes a lease of 16; the pool holds 100 packets."""
LEASES_HELD, LEASE = 2, 16
UID, OTHER = 7, 8


def test_frozen_past_its_replacement_it_ends_when_it_thaws(valkey_server: ValkeyServer, tmp_path: Path) -> None:
    """Two processes with one front id: the older one awards nothing more, and stops by itself."""

    async def scenario(rig: Rig, session: aiohttp.ClientSession) -> None:
        round_id = rig.new_round_id()
        rig.control.add_round(round_id)
        old, new = environment(rig, tmp_path), environment(rig, tmp_path)
        async with process(old) as first:
            await started(Taps(session, old))
            os.kill(first.pid, signal.SIGSTOP)
            async with process(new) as second:
                taps = Taps(session, new)
                await started(taps)
                before = {uid: await taps.win(round_id, uid) for uid in range(1, 5)}
                os.kill(first.pid, signal.SIGCONT)
                await eventually(lambda: first.returncode is not None, "the older one has stopped", timeout_s=60)
                assert first.returncode == 0
                assert second.returncode is None
                for uid, body in before.items():
                    assert (await taps.tap(round_id, uid))[1] == body | {"repeat": True}
        assert sorted(await rig.winners(round_id)) == [1, 2, 3, 4]

    on_process(valkey_server, scenario)


def test_a_crash_loop_loses_no_win_and_little_of_the_pool(
    postgres_dsn: str, fresh_valkey: ValkeyServer, tmp_path: Path
) -> None:
    """Each start abandons at most two leases; no packet leaves twice; every answer stays."""

    async def attack(s: Stage) -> None:
        for start in range(CRASHES):
            async with s.front() as front:
                for uid in range(start):
                    assert await s.tap(front, uid) is not None, "what an earlier start told"
                assert await s.tap(front, start) is not None
                await front.kill()
            await s.credited(1)
        ((leased,),) = s.sql("SELECT max(hi) FROM live.lease")
        ((epochs,),) = s.sql("SELECT epoch FROM live.stream")
        assert int(str(leased)) <= LEASES_HELD * LEASE * int(str(epochs))
        async with s.front_of_a_round_over():
            await s.close()
        assert await s.broken(tmp_path) == {}
        assert set(s.posted()) == set(range(CRASHES))

    stage(postgres_dsn, fresh_valkey, attack)


def test_an_append_of_an_older_start_lands_before_the_rebuild_or_not_at_all(
    postgres_dsn: str, fresh_valkey: ValkeyServer, tmp_path: Path
) -> None:
    """The same late bytes: before the new fence they are a win that the rebuild finds, behind it they are nothing."""

    async def attack(s: Stage) -> None:
        old = await s.dead_front()
        log = s.api.control.winlog.stream(0, "live", s.round_id, 0)
        first = old.entry([(1, old.lease_lo)])
        assert await log.append(first, old.epoch, 1) is Verdict.OK
        old.sequence = 1
        late = old.entry([(2, old.lease_lo + 1)])
        async with s.front() as front:
            assert set(front.round(s.round_id).settled) == {1}
            assert await log.append(late, old.epoch, 2) is Verdict.FENCED
            assert await log.append(first, old.epoch, 1) is Verdict.FENCED, "not even the same bytes again"
            assert await s.tap(front, 1) is not None
            assert await s.tap(front, 2) is not None
            assert await log.append(late, old.epoch, 2) is Verdict.FENCED, "nor behind a newer entry"
            await s.close()
        assert await s.broken(tmp_path) == {}
        assert set(s.posted()) == {1, 2}

    stage(postgres_dsn, fresh_valkey, attack)


def test_what_credit_read_before_a_flush_is_not_posted_behind_a_rebuild(
    postgres_dsn: str, fresh_valkey: ValkeyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model's history without *stream read under the fence*: read, flushed, rebuilt from nothing, then committed.

    Under the fence the rebuild takes a further epoch, and credit's batch is one of an epoch that is over.
    """
    held: list[tuple[int, Prepared]] = []

    async def attack(s: Stage) -> None:
        old = await s.dead_front()
        assert await old.append((UID, old.lease_lo)) is Verdict.OK
        s.told.append((UID, Outcome.PENDING, None))
        ask = ControlLink.epoch

        async def answered_late(link: ControlLink, round_id: int, body: EpochRequest) -> EpochGranted:
            granted = await ask(link, round_id, body)
            if not held:
                held.append(await s.read())
                s.valkey.command_line("FLUSHALL")
            return granted

        monkeypatch.setattr(ControlLink, "epoch", answered_late)
        async with s.front() as front:
            ((granted, prepared),) = held
            assert granted == old.epoch + 1, "read under the epoch that the front was told"
            step = BatchParameters((await s.worker._streams())[0].name, granted)
            assert await s.worker._post(step, prepared) is False
            assert await s.tap(front, UID) is not None, "whoever wins it now is who the ledger will say"
            await s.credited()
            await s.close()
        assert await s.broken(tmp_path) == {}
        assert set(s.posted()) == {UID}

    stage(postgres_dsn, fresh_valkey, attack)


def test_what_credit_commits_until_the_epoch_is_granted_the_rebuild_knows(
    postgres_dsn: str, fresh_valkey: ValkeyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without *stream before ledger*: read before the epoch, the ledger is without the win, and so is the stream."""
    asked: list[int] = []

    async def attack(s: Stage) -> None:
        old = await s.dead_front()
        assert await old.append((UID, old.lease_lo)) is Verdict.OK
        s.told.append((UID, Outcome.PENDING, None))
        ask = ControlLink.epoch

        async def sent_late(link: ControlLink, round_id: int, body: EpochRequest) -> EpochGranted:
            if not asked:
                asked.append(round_id)
                await s.credited(1)
                assert set(s.posted()) == {UID}
                s.valkey.command_line("FLUSHALL")
            return await ask(link, round_id, body)

        monkeypatch.setattr(ControlLink, "epoch", sent_late)
        async with s.front() as front:
            assert asked == [s.round_id]
            settled = front.round(s.round_id).settled
            assert {uid: win.packet for uid, win in settled.items()} == {UID: old.lease_lo}
            await s.tap(front, UID)
            await s.close()
        assert await s.broken(tmp_path) == {}
        assert set(s.posted()) == {UID}

    stage(postgres_dsn, fresh_valkey, attack)


def test_what_comes_back_below_the_offset_is_appended_again(
    postgres_dsn: str, fresh_valkey: ValkeyServer, tmp_path: Path
) -> None:
    """Without *behind the offset*: an entry that a flush took and a backup brought back is one credit has passed."""

    async def attack(s: Stage) -> None:
        store = s.api.control.winlog.of(0)
        key = store.stream(0, "live", s.round_id, 0).key
        old = await s.dead_front()
        assert await old.append((UID, old.lease_lo)) is Verdict.OK
        backup = await store.command("DUMP", key)
        s.valkey.command_line("FLUSHALL")
        await old.new_epoch()
        await old.lease()
        assert await old.append((OTHER, old.lease_lo)) is Verdict.OK
        await s.credited(1)
        assert set(s.posted()) == {OTHER}
        await store.command("RESTORE", key, 0, backup, "REPLACE")
        async with s.front() as front:
            assert set(front.round(s.round_id).settled) == {UID, OTHER}
            for uid in (UID, OTHER):
                assert await s.tap(front, uid) is not None
            await s.close()
        assert await s.broken(tmp_path) == {}
        assert set(s.posted()) == {UID, OTHER}

    stage(postgres_dsn, fresh_valkey, attack)
