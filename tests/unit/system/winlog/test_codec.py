"""Entry codec: the layout stands, every field comes back, no flipped bit goes unnoticed."""

from __future__ import annotations

import numpy as np
import pytest
from crc32c import crc32c
from hypothesis import given, settings
from hypothesis import strategies as st

from system.contract.errors import XiuError
from system.contract.ids import LANES, START, Position
from system.contract.records import MAX_RECORDS, WIN_DTYPE
from system.winlog import DamagedEntry, Header, Stored, Win, decode, decode_batch, encode, follows
from system.winlog.codec import HEADER_BYTES, RECORD_BYTES

HEADER = Header("live", 7, 2, 3, 9, 4)
WIN = Win(packet=0x01020304, fen=888, uid=0x0102030405060708, time_us=1_454_850_540_000_000, sponsor=45, flags=1)

u16, u32, u64 = (st.integers(0, 2**bits - 1) for bits in (16, 32, 64))
headers = st.builds(Header, st.sampled_from(LANES), u32, u32, u64, u64, u32)
wins = st.lists(st.builds(Win, u32, u32, u64, u64, u16, u16), min_size=1, max_size=40)


def test_layout_is_pinned() -> None:
    entry = encode(HEADER, [WIN])
    assert entry.hex(" ", 8).split() == [
        "0100010007000000",  # version, lane, count; round
        "0200000004000000",  # front; lease
        "0300000000000000",  # epoch
        "0900000000000000",  # sequence
        "000000003c660186",  # reserved; crc32c
        "0403020178030000",  # packet; fen
        "0807060504030201",  # uid
        "0053a3c92d2b0500",  # time in µs
        "2d00010000000000",  # sponsor, flags; reserved
    ]
    assert crc32c(b"123456789") == 0xE3069283


@settings(max_examples=100, deadline=None)
@given(header=headers, rows=wins)
def test_round_trip(header: Header, rows: list[Win]) -> None:
    entry = encode(header, rows)
    assert len(entry) == HEADER_BYTES + len(rows) * RECORD_BYTES
    decoded = decode(entry, header.position)
    assert decoded.header == header
    assert decoded.wins() == rows
    assert decoded.records.dtype == WIN_DTYPE
    for name in Win._fields:
        assert decoded.records[name].tolist() == [getattr(win, name) for win in rows]
    assert not decoded.records["reserved"].any()


def test_every_flipped_bit_is_damage() -> None:
    entry = encode(HEADER, [WIN, WIN])
    for bit in range(len(entry) * 8):
        bad = bytearray(entry)
        bad[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DamagedEntry):
            decode(bytes(bad))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda e: b"", id="nothing"),
        pytest.param(lambda e: e[:39], id="less than a header"),
        pytest.param(lambda e: e[:40], id="a header alone"),
        pytest.param(lambda e: e[:-1], id="a torn tail"),
        pytest.param(lambda e: e[:-32], id="a record short"),
        pytest.param(lambda e: e + e[-32:], id="a record more"),
        pytest.param(lambda e: b"\x02" + e[1:], id="another version"),
    ],
)
def test_damage(damage: object) -> None:
    with pytest.raises(DamagedEntry) as caught:
        decode(damage(encode(HEADER, [WIN, WIN])), Position(3, 9))  # type: ignore[operator]
    assert isinstance(caught.value, XiuError)
    assert str(caught.value).startswith("entry 3-9: ")


def test_an_entry_under_another_id_is_damage() -> None:
    with pytest.raises(DamagedEntry, match="entry 3-10: its header says 3-9"):
        decode(encode(HEADER, [WIN]), Position(3, 10))


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        pytest.param(HEADER, [], id="no records"),
        pytest.param(HEADER, [WIN] * (MAX_RECORDS + 1), id="too many records"),
        pytest.param(HEADER._replace(epoch=-1), [WIN], id="a negative epoch"),
        pytest.param(HEADER._replace(lane="shadow"), [WIN], id="no such lane"),  # type: ignore[arg-type]
        pytest.param(HEADER, [WIN._replace(fen=2**32)], id="more fen than fit"),
        pytest.param(HEADER, [WIN._replace(fen=1.5)], id="a float is no money"),  # type: ignore[arg-type]
    ],
)
def test_refuses_to_encode(header: Header, rows: list[Win]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        encode(header, rows)


def test_largest_entry() -> None:
    rows = [WIN._replace(packet=number) for number in range(MAX_RECORDS)]
    assert decode(encode(HEADER, rows)).wins() == rows


def stored(sequence: int, count: int) -> Stored:
    rows = [WIN._replace(packet=100 * sequence + number) for number in range(count)]
    return Stored(Position(3, sequence), encode(HEADER._replace(sequence=sequence), rows))


def test_batch_is_its_entries_side_by_side() -> None:
    entries = [stored(1, 2), stored(2, 1), stored(3, 5)]
    batch = decode_batch(entries)
    assert [header.sequence for header in batch.headers] == [1, 2, 3]
    assert batch.ends == [2, 3, 8]
    assert np.array_equal(batch.records, np.concatenate([decode(entry).records for _, entry in entries]))
    empty = decode_batch([])
    assert (empty.headers, empty.ends, len(empty.records)) == ([], [], 0)


def test_batch_names_the_damaged_entry() -> None:
    good, bad = stored(1, 2), stored(2, 2)
    with pytest.raises(DamagedEntry, match="entry 3-2: checksum"):
        decode_batch([good, Stored(bad.at, bad.entry[:-1] + b"\xff")])


@pytest.mark.parametrize(
    ("earlier", "later", "expected"),
    [
        pytest.param(START, Position(1, 1), True, id="the first entry"),
        pytest.param(START, Position(5, 1), True, id="the first entry, of a later epoch"),
        pytest.param(START, Position(1, 2), False, id="the first is missing"),
        pytest.param(Position(1, 7), Position(1, 8), True, id="the next"),
        pytest.param(Position(1, 7), Position(1, 9), False, id="a gap"),
        pytest.param(Position(1, 7), Position(1, 7), False, id="itself"),
        pytest.param(Position(1, 7), Position(3, 1), True, id="the first of a newer epoch"),
        pytest.param(Position(1, 7), Position(2, 2), False, id="the newer epoch's first is missing"),
        pytest.param(Position(2, 7), Position(1, 8), False, id="an older epoch"),
    ],
)
def test_follows(earlier: Position, later: Position, expected: bool) -> None:
    assert follows(earlier, later) is expected
