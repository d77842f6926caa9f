"""The win log against a real Valkey: every verdict of money.md."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from system.contract.errors import StoreRefused
from system.contract.ids import START, Position
from system.winlog import DamagedEntry, Fenced, StaleEpoch, Stored, Verdict, decode_batch
from system.winlog.log import LIBRARY, PAGE, library_code
from tests.support.stores import ValkeyServer
from tests.support.win_stream import Bench, bench, entry, put

OK, FENCED, CONFLICT = Verdict.OK, Verdict.FENCED, Verdict.CONFLICT
Steps = Callable[[Bench], Awaitable[None]]


async def fenced_before_any_raise(b: Bench) -> None:
    await b.store.ensure_library()
    assert await put(b.log, 1, 1) is FENCED
    assert await b.ids() == []


async def fenced_without_the_library(b: Bench) -> None:
    await b.log.raise_fence(1)
    assert await put(b.log, 1, 1) is OK
    await b.command("FUNCTION", "FLUSH")
    assert await put(b.log, 1, 2) is FENCED
    with pytest.raises(Fenced):
        await b.log.last_id(1)
    await b.log.raise_fence(2)
    assert await put(b.log, 2, 1) is OK


async def stored_in_order(b: Bench) -> None:
    await b.log.raise_fence(1)
    assert [await put(b.log, 1, n) for n in (1, 2, 3)] == [OK, OK, OK]
    assert await b.ids() == ["1-1", "1-2", "1-3"]
    assert await b.log.tail() == await b.log.last_id(1) == Position(1, 3)


async def resent_is_harmless(b: Bench) -> None:
    await b.log.raise_fence(1)
    for n in (1, 2, 3):
        assert await put(b.log, 1, n) is OK
    assert [await put(b.log, 1, n) for n in (3, 1, 2)] == [OK, OK, OK]
    assert await b.ids() == ["1-1", "1-2", "1-3"]


async def other_bytes_under_the_same_id(b: Bench) -> None:
    await b.log.raise_fence(1)
    assert await put(b.log, 1, 1) is OK
    assert await put(b.log, 1, 2) is OK
    assert [await put(b.log, 1, n, fen=101) for n in (1, 2)] == [CONFLICT, CONFLICT]
    assert await b.log.read_after(START, 10) == [Stored(Position(1, n), entry(1, n)) for n in (1, 2)]


async def gap(b: Bench) -> None:
    await b.log.raise_fence(1)
    assert await put(b.log, 1, 2) is CONFLICT
    assert await put(b.log, 1, 1) is OK
    assert await put(b.log, 1, 3) is CONFLICT
    assert await put(b.log, 1, 0) is CONFLICT
    assert await b.ids() == ["1-1"]


async def newer_epoch_starts_at_one(b: Bench) -> None:
    await b.log.raise_fence(1)
    assert await put(b.log, 1, 1) is OK
    await b.log.raise_fence(3)
    assert await put(b.log, 3, 2) is CONFLICT
    assert await put(b.log, 3, 1) is OK
    assert await put(b.log, 3, 2) is OK
    assert await b.ids() == ["1-1", "3-1", "3-2"]


async def older_epoch_is_fenced(b: Bench) -> None:
    await b.log.raise_fence(1)
    assert await put(b.log, 1, 1) is OK
    await b.log.raise_fence(2)
    assert await put(b.log, 1, 2) is FENCED
    assert await put(b.log, 1, 1) is FENCED
    assert await put(b.log, 3, 1) is FENCED
    assert await b.ids() == ["1-1"]


async def one_raise_per_epoch_number(b: Bench) -> None:
    await b.log.raise_fence(4)
    for epoch in (4, 3, 1):
        with pytest.raises(StaleEpoch) as caught:
            await b.log.raise_fence(epoch)
        assert caught.value.known == 4
    assert await put(b.log, 4, 1) is OK


async def flushed(b: Bench) -> None:
    await b.log.raise_fence(1)
    assert await put(b.log, 1, 1) is OK
    await b.command("FLUSHALL")
    assert await put(b.log, 1, 2) is FENCED
    assert await put(b.log, 1, 1) is FENCED
    # A late message of the same number does not lift it: the library still knows.
    with pytest.raises(StaleEpoch):
        await b.log.raise_fence(1)
    await b.log.raise_fence(2)
    assert await put(b.log, 2, 1) is OK
    assert await b.ids() == ["2-1"]


async def fence_key_brought_back(b: Bench) -> None:
    """A restored backup: key and stream of an old state, the library of the new one."""
    await b.log.raise_fence(1)
    assert await put(b.log, 1, 1) is OK
    await b.log.raise_fence(2)
    await b.command("SET", b.log.key.replace("win:", "fence:"), 1)
    assert await put(b.log, 1, 2) is FENCED
    assert await put(b.log, 2, 1) is FENCED
    with pytest.raises(StaleEpoch):
        await b.log.raise_fence(2)
    await b.log.raise_fence(3)
    assert await put(b.log, 3, 1) is OK


async def library_loaded_again(b: Bench) -> None:
    await b.log.raise_fence(1)
    assert await put(b.log, 1, 1) is OK
    await b.command("FUNCTION", "LOAD", "REPLACE", library_code())
    assert await put(b.log, 1, 2) is FENCED
    with pytest.raises(Fenced):
        await b.log.read_under_fence(1)
    with pytest.raises(StaleEpoch):
        await b.log.raise_fence(1)
    await b.log.raise_fence(2)
    assert await put(b.log, 2, 1) is OK
    assert await b.ids() == ["1-1", "2-1"]


async def reloaded_from_disk(b: Bench) -> None:
    await b.log.raise_fence(1)
    assert await put(b.log, 1, 1) is OK
    await b.command("DEBUG", "LOADAOF")
    assert await put(b.log, 1, 2) is FENCED


async def tail_deleted(b: Bench) -> None:
    await b.log.raise_fence(1)
    for n in (1, 2):
        assert await put(b.log, 1, n) is OK
    await b.command("XDEL", b.log.key, "1-2")
    assert await b.log.last_id(1) == Position(1, 1)
    assert await put(b.log, 1, 3) is CONFLICT
    assert await put(b.log, 1, 2) is CONFLICT
    await b.log.raise_fence(2)
    assert await put(b.log, 2, 1) is OK


async def stream_deleted(b: Bench) -> None:
    await b.log.raise_fence(1)
    assert await put(b.log, 1, 1) is OK
    await b.command("DEL", b.log.key)
    assert await b.log.last_id(1) == START
    assert await put(b.log, 1, 2) is CONFLICT


async def streams_are_separate(b: Bench) -> None:
    other = b.store.stream(0, "stress", b.round_id, 0)
    await b.log.raise_fence(5)
    assert await put(other, 5, 1) is FENCED
    await other.raise_fence(1)
    assert await put(other, 1, 1) is OK
    assert await put(b.log, 5, 1) is OK
    assert await b.ids() == ["5-1"]


async def the_other_lane_is_fenced(b: Bench) -> None:
    """A stress win that goes to the live stream of its round, and the other way round: nobody raised a fence there."""
    for lane, other in (("live", "stress"), ("stress", "live")):
        round_id = b.round_id + 1_000_000 * (lane == "stress")
        mine, theirs = b.store.stream(0, lane, round_id, 0), b.store.stream(0, other, round_id, 0)
        await mine.raise_fence(1)
        assert [await put(mine, 1, 1), await put(theirs, 1, 1)] == [OK, FENCED]
        assert len(await mine.read_after(START, 5)) == 1
        assert await theirs.read_after(START, 5) == []


async def read_needs_the_fence(b: Bench) -> None:
    await b.store.ensure_library()
    for read in (b.log.read_under_fence, b.log.last_id):
        with pytest.raises(Fenced, match="does not accept epoch 1"):
            await read(1)
    await b.log.raise_fence(1)
    assert await b.log.read_under_fence(1) == []
    assert await b.log.last_id(1) == await b.log.tail() == START
    assert await put(b.log, 1, 1) is OK
    assert await b.log.read_under_fence(1) == [Stored(Position(1, 1), entry(1, 1))]
    await b.log.raise_fence(2)
    for read in (b.log.read_under_fence, b.log.last_id):
        with pytest.raises(Fenced):
            await read(1)


async def every_page_needs_the_fence(b: Bench) -> None:
    """Whole under one fence, or not at all: raised between two pages of one read, the second is refused."""
    await b.log.raise_fence(1)
    entries = [Stored(Position(1, n), entry(1, n)) for n in range(1, PAGE + 2)]
    assert await b.log.append_many(entries) == [OK] * len(entries)
    command = b.store.command
    pages: list[bytes | str | int] = []

    async def raised_meanwhile(*parts: bytes | str | int) -> object:
        if "xiu_read" in parts:
            pages.append(parts[-2])
            if len(pages) == 2:
                await b.command("FCALL", "xiu_raise", 2, b.log.key, b.log.key.replace("win:", "fence:"), 2)
        return await command(*parts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(b.store, "command", raised_meanwhile)
        with pytest.raises(Fenced):
            await b.log.read_under_fence(1)
    assert pages == ["0-0", f"1-{PAGE}"]
    assert await b.log.read_under_fence(2) == entries


async def pipelined_and_paged(b: Bench) -> None:
    await b.log.raise_fence(1)
    count = PAGE * 2
    entries = [Stored(Position(1, n), entry(1, n, count=2)) for n in range(1, count + 1)]
    assert await b.log.append_many(entries) == [OK] * count
    assert await b.log.append_many(entries[-3:]) == [OK] * 3
    assert await b.log.read_under_fence(1) == entries
    assert await b.log.read_after(Position(1, 10), 5) == entries[10:15]
    assert await b.log.read_after(Position(1, count), 5) == []
    assert len(decode_batch(entries).records) == 2 * count
    gap = [Stored(Position(1, count + 2), entry(1, count + 2)), Stored(Position(1, count + 1), entry(1, count + 1))]
    assert await b.log.append_many(gap) == [CONFLICT, OK]
    await b.log.raise_fence(2)
    assert await b.log.append_many(entries[:2]) == [FENCED, FENCED]


async def foreign_entries_are_damage(b: Bench) -> None:
    await b.log.raise_fence(1)
    await b.command("XADD", b.log.key, "1-1", "a", "1", "b", "2")
    assert await b.log.read_after(START, 5) == await b.log.read_under_fence(1) == [Stored(Position(1, 1), b"")]
    with pytest.raises(DamagedEntry, match="entry 1-1"):
        decode_batch(await b.log.read_after(START, 5))


async def definite_errors_are_refusals(b: Bench) -> None:
    await b.log.raise_fence(1)
    await b.command("SET", b.log.key, "no stream")
    with pytest.raises(StoreRefused, match="WRONGTYPE"):
        await put(b.log, 1, 1)
    with pytest.raises(StoreRefused, match="WRONGTYPE"):
        await b.log.append_many([Stored(Position(1, 1), entry(1, 1))])
    with pytest.raises(StoreRefused, match="unknown command"):
        await b.store.command("NONSENSE")


async def library_is_loaded_once(b: Bench) -> None:
    await b.store.ensure_library()
    await b.log.raise_fence(1)
    assert await b.store.ensure_library() is False
    assert await put(b.log, 1, 1) is OK  # the fence is still up
    await b.command("FUNCTION", "DELETE", LIBRARY)
    assert sorted(await asyncio.gather(*(b.store.ensure_library() for _ in range(5)))) == [False] * 4 + [True]


async def another_version_of_the_library_is_replaced(b: Bench) -> None:
    await b.log.raise_fence(1)
    await b.command("FUNCTION", "LOAD", "REPLACE", library_code() + "\n-- older")
    assert await b.store.ensure_library() is True
    assert await put(b.log, 1, 1) is FENCED


@pytest.mark.parametrize(
    "steps",
    [
        fenced_before_any_raise,
        fenced_without_the_library,
        stored_in_order,
        resent_is_harmless,
        other_bytes_under_the_same_id,
        gap,
        newer_epoch_starts_at_one,
        older_epoch_is_fenced,
        one_raise_per_epoch_number,
        flushed,
        fence_key_brought_back,
        library_loaded_again,
        reloaded_from_disk,
        tail_deleted,
        stream_deleted,
        streams_are_separate,
        the_other_lane_is_fenced,
        read_needs_the_fence,
        every_page_needs_the_fence,
        pipelined_and_paged,
        foreign_entries_are_damage,
        definite_errors_are_refusals,
        library_is_loaded_once,
        another_version_of_the_library_is_replaced,
    ],
    ids=lambda steps: steps.__name__,
)
def test_verdicts(valkey_server: ValkeyServer, steps: Steps) -> None:
    async def scenario() -> int:
        async with bench(valkey_server) as b:
            await steps(b)
            return b.round_id

    assert asyncio.run(scenario()) > 0
