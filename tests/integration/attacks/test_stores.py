"""What a Valkey may do: killed, frozen, truncated, flushed, brought back, reloaded; with the front alive, and dead.

Alive, the front's memory restores what was acknowledged: every invariant holds. Dead as well, what Valkey lost before
credit came is lost: the declared limit of one copy. The audit shows it to the fen; S1, S3, S5, S12 hold even then.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from system.contract.history import Outcome
from system.contract.ids import fence_key
from system.winlog.log import library_code
from tests.support.deadline import lasting
from tests.support.stage import Stage, eventually, stage
from tests.support.stores import ValkeyServer

CREDITED, ACKNOWLEDGED, LATER = range(6), range(6, 10), range(20, 23)
MEANWHILE = 30
"""Taps as the fault begins: its append is on the way."""
FROZEN_S = 0.15


def files(valkey: ValkeyServer) -> Path:
    return valkey.folder / "appendonlydir"


async def killed(s: Stage) -> None:
    s.valkey.restart(kill=True)


async def frozen(s: Stage) -> None:
    s.valkey.freeze()
    await lasting(FROZEN_S, "the store stands still")
    s.valkey.thaw()


async def tail_truncated(s: Stage) -> None:
    """The file ends in the middle of its last entry."""
    s.valkey.kill()
    file = max(files(s.valkey).glob("*.incr.aof"), key=lambda path: int(path.name.split(".")[-3]))
    data = file.read_bytes()
    file.write_bytes(data[: data.rindex(b"XADD") + 2])
    s.valkey.start()


async def flushed(s: Stage) -> None:
    s.valkey.command_line("FLUSHALL")


async def flush_undone(s: Stage) -> None:
    """An older file is put back: what was there before the flush, the fence too."""
    s.valkey.restart(kill=True)
    shutil.copytree(files(s.valkey), s.valkey.folder / "backup", dirs_exist_ok=True)
    s.valkey.command_line("FLUSHALL")
    await lasting(FROZEN_S, "the store is empty")
    s.valkey.kill()
    shutil.rmtree(files(s.valkey))
    (s.valkey.folder / "backup").rename(files(s.valkey))
    s.valkey.start()


async def fence_rolled_back(s: Stage) -> None:
    s.valkey.command_line(f"SET {fence_key(0, 'live', s.round_id, 0)} 0")


async def library_reloaded(s: Stage) -> None:
    await s.api.control.winlog.of(0).command("FUNCTION", "LOAD", "REPLACE", library_code())


Fault = Callable[[Stage], Awaitable[None]]
NOTHING: tuple[int, ...] = ()
FAULTS = [
    pytest.param(killed, NOTHING, id="killed"),
    pytest.param(frozen, NOTHING, id="frozen and thawed"),
    pytest.param(tail_truncated, (9,), id="its file's tail truncated"),
    pytest.param(flushed, tuple(ACKNOWLEDGED), id="flushed"),
    pytest.param(flush_undone, NOTHING, id="flushed, and the flush undone"),
    pytest.param(fence_rolled_back, NOTHING, id="its fence rolled back"),
    pytest.param(library_reloaded, NOTHING, id="its function library reloaded"),
]


@pytest.mark.parametrize(("fault", "lost"), FAULTS)
def test_with_a_live_front_nothing_is_lost(
    fault: Fault, lost: tuple[int, ...], postgres_dsn: str, fresh_valkey: ValkeyServer, tmp_path: Path
) -> None:
    async def attack(s: Stage) -> None:
        async with s.front() as front:
            for uid in CREDITED:
                assert await s.tap(front, uid) is not None
            await s.credited()
            for uid in ACKNOWLEDGED:
                assert await s.tap(front, uid) is not None
            meanwhile = asyncio.create_task(s.tap(front, MEANWHILE))
            await asyncio.sleep(0)
            await fault(s)
            await asyncio.sleep(0.05)
            await meanwhile
            for uid in (*CREDITED, *ACKNOWLEDGED):  # shown again at once, whatever became of the store
                assert await s.tap(front, uid) is not None
            for uid in (MEANWHILE, *LATER):
                await s.tap(front, uid)
                await eventually(lambda uid=uid: uid in front.round(s.round_id).settled, "settled")  # type: ignore[misc]
            await s.close()
        report = await s.judged(tmp_path)
        found = {one.code: one.valid for one in report.findings}
        assert {code for code, valid in found.items() if valid is False} == set(), report.findings
        assert all(found[code] is True for code in ("S1", "S3", "S4", "S5", "S6", "S10", "S12")), found
        assert set(s.posted()) == {*CREDITED, *ACKNOWLEDGED, MEANWHILE, *LATER}

    stage(postgres_dsn, fresh_valkey, attack)


@pytest.mark.parametrize(("fault", "lost"), FAULTS)
def test_with_the_front_dead_the_loss_is_declared_to_the_fen(
    fault: Fault, lost: tuple[int, ...], postgres_dsn: str, fresh_valkey: ValkeyServer, tmp_path: Path
) -> None:
    async def attack(s: Stage) -> None:
        async with s.front() as first:
            for uid in CREDITED:
                assert await s.tap(first, uid) is not None
            await s.credited()
            for uid in ACKNOWLEDGED:
                assert await s.tap(first, uid) is not None
            await first.kill()
        await fault(s)
        won = {uid: win for uid, _, win in s.told if win is not None}
        async with s.front() as second:
            settled = second.round(s.round_id).settled
            assert {uid: settled.get(uid) for uid in won if uid not in lost} == {
                uid: win for uid, win in won.items() if uid not in lost
            }
            assert not settled.keys() & set(lost)
            for uid in LATER:
                assert await s.tap(second, uid) is not None
            await s.close()
        report = await s.judged(tmp_path)
        found = {one.code: one for one in report.findings}
        assert all(found[code].valid is True for code in ("S1", "S3", "S5", "S12")), report.findings
        assert [one.code for one in report.findings if one.valid is False] == (["S4"] if lost else [])
        assert found["S4"].residue_fen == sum(won[uid].fen for uid in lost)
        assert found["S4"].violations == len(lost)
        assert {outcome for _, outcome, _ in s.told} <= {Outcome.WIN, Outcome.REPEAT}

    stage(postgres_dsn, fresh_valkey, attack)
