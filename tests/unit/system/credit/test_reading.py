"""Reading behind the offset: whole entries, never more records than asked for, never past anything unsound."""

from __future__ import annotations

import asyncio

import pytest

from system.contract.ids import START, Position, StreamName
from system.contract.records import SAYS_LANE
from system.credit import reading
from system.credit.reading import Chunk, Reader
from system.winlog import Header, Stored, Win, encode

NAME = StreamName("live", 1, 0)


class Memory:
    """A log in memory."""

    def __init__(self, entries: list[Stored]) -> None:
        self.entries, self.reads = entries, 0

    async def read_after(self, position: Position, count: int) -> list[Stored]:
        self.reads += 1
        return [stored for stored in self.entries if stored.at > position][:count]


def entry(epoch: int, sequence: int, records: int = 1) -> Stored:
    wins = [Win(sequence * 10 + place, 1, place, 5, 7, 0) for place in range(records)]
    return Stored(Position(epoch, sequence), encode(Header("live", 1, 0, epoch, sequence, 1), wins))


def chunks(log: Memory, offset: Position = START, records_max: int = 100) -> tuple[list[Chunk], str | None]:
    async def go() -> tuple[list[Chunk], str | None]:
        reader, found = Reader(log, NAME, offset), []
        while (chunk := await reader.next(records_max)) is not None:
            found.append(chunk)
        return found, reader.stopped

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("sizes", "records_max", "expected"),
    [
        pytest.param([1, 2, 3], 100, [6], id="all in one"),
        pytest.param([1, 2, 3], 3, [3, 3], id="as many whole entries as fit"),
        pytest.param([5, 1], 3, [5, 1], id="an entry larger than a batch goes alone"),
        pytest.param([], 3, [], id="nothing there"),
    ],
)
def test_batches(sizes: list[int], records_max: int, expected: list[int]) -> None:
    log = Memory([entry(1, number, size) for number, size in enumerate(sizes, 1)])
    found, stopped = chunks(log, records_max=records_max)
    assert [len(chunk.records) for chunk in found] == expected
    assert stopped is None
    assert [chunk.start for chunk in found[1:]] == [chunk.end for chunk in found[:-1]]


def test_each_record_knows_its_place() -> None:
    ((chunk,), _) = chunks(Memory([entry(1, 1, 2), entry(2, 1, 3)]))
    assert list(zip(chunk.epoch.tolist(), chunk.seq.tolist(), chunk.place.tolist(), strict=True)) == [
        (1, 1, 0), (1, 1, 1), (2, 1, 0), (2, 1, 1), (2, 1, 2),
    ]  # fmt: skip
    assert (chunk.start, chunk.end) == (START, Position(2, 1))


@pytest.mark.parametrize(
    ("offset", "positions", "read", "stopped"),
    [
        pytest.param(START, [(1, 1), (1, 2)], 2, None, id="from the start"),
        pytest.param(Position(1, 7), [(1, 8)], 1, None, id="the next of its epoch"),
        pytest.param(Position(1, 7), [(4, 1), (4, 2)], 2, None, id="a newer epoch, whatever the older one lacks"),
        pytest.param(Position(1, 7), [(1, 9)], 0, "gap: entry 1-9 follows 1-7", id="one is missing"),
        pytest.param(START, [(1, 2)], 0, "gap: entry 1-2 follows 0-0", id="the first is missing"),
        pytest.param(Position(1, 7), [(2, 2)], 0, "gap: entry 2-2 follows 1-7", id="a newer epoch without its first"),
        pytest.param(START, [(1, 1), (1, 3)], 1, "gap: entry 1-3 follows 1-1", id="what comes before a gap is read"),
    ],
)
def test_gaps(offset: Position, positions: list[tuple[int, int]], read: int, stopped: str | None) -> None:
    found, why = chunks(Memory([entry(*position) for position in positions]), offset)
    assert sum(len(chunk.records) for chunk in found) == read
    assert why == stopped


def test_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE_ENTRIES", 4)
    log = Memory([entry(1, number) for number in range(1, 11)])
    found, stopped = chunks(log, records_max=3)
    assert [len(chunk.records) for chunk in found] == [3, 3, 3, 1]
    assert (stopped, log.reads) == (None, 3)


def test_an_entry_of_the_other_lane_stops_the_stream_and_says_whose_it_is() -> None:
    """Leaks are counted by these words (`system.audit.shadow`)."""
    stress = Stored(Position(1, 1), encode(Header("stress", 1, 0, 1, 1, 1), [Win(1, 1, 1, 5, 7, 0)]))
    found, stopped = chunks(Memory([stress]))
    assert found == []
    assert stopped == f"foreign: entry 1-1 {SAYS_LANE.format(lane='stress')} round 1, front 0"
    assert stopped == "foreign: entry 1-1 says lane stress, round 1, front 0"
