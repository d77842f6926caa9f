"""Winners = memory ∪ stream ∪ ledger; what is in neither ledger nor the stream behind the offset is missing."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from system.contract.api import LedgerView
from system.contract.ids import START, Position, StreamName
from system.contract.records import MAX_RECORDS, WIN_DTYPE
from system.front.rebuild import Ledger, Rebuilt, WinContradiction, ledger_of, rebuild
from system.front.seam import SettledWin
from system.winlog import DamagedEntry, Header, Stored, encode
from system.winlog import Win as Record

NAME = StreamName("live", 9, 0)


def won(uid: int) -> SettledWin:
    return SettledWin(packet=uid + 1000, fen=100, sponsor=7, time_us=uid)


def entry(epoch: int, sequence: int, *uids: int, lease: int = 1, front: int = 0) -> Stored:
    records = [Record(won(u).packet, won(u).fen, u, won(u).time_us, won(u).sponsor, 0) for u in uids]
    return Stored(Position(epoch, sequence), encode(Header("live", 9, front, epoch, sequence, lease), records))


def ledger(offset: Position = START, posted: Sequence[int] = (), suspended: Sequence[int] = ()) -> Ledger:
    return Ledger(offset, {u: won(u) for u in posted}, {u: won(u) for u in suspended})


def right(win: SettledWin) -> SettledWin:
    """What each packet of these tests holds."""
    return replace(win, fen=100, sponsor=7)


def found(memory: Sequence[int], stream: Sequence[Stored], held: Ledger) -> Rebuilt:
    return rebuild([{u: won(u) for u in memory}], {}, stream, held, NAME, right)


@pytest.mark.parametrize(
    ("memory", "stream", "held", "winners", "missing"),
    [
        pytest.param([], [], ledger(), [], [], id="nothing won: nothing missing"),
        pytest.param([1], [entry(1, 1, 1)], ledger(), [1], [], id="stored behind the offset: credit will see it"),
        pytest.param([1, 2], [entry(1, 1, 1)], ledger(), [1, 2], [2], id="a lost tail is appended again"),
        pytest.param([1], [], ledger(Position(1, 1), [1]), [1], [], id="posted: done, wherever the entry is"),
        pytest.param([1], [], ledger(Position(1, 1), [], [1]), [1], [], id="in suspense: done as well"),
        pytest.param([], [entry(1, 1, 1)], ledger(), [1], [], id="a new start learns winners from the stream"),
        pytest.param([], [], ledger(Position(1, 4), [1, 2], [3]), [1, 2, 3], [], id="and from the ledger"),
        pytest.param(
            [], [entry(1, 1, 1), entry(1, 2, 2)], ledger(Position(1, 1)), [1, 2], [1],
            id="stored before the offset yet not in the ledger: credit will not look there again",
        ),
        pytest.param([1], [entry(2, 1, 1)], ledger(Position(1, 9)), [1], [], id="a newer epoch is behind the offset"),
    ],
)  # fmt: skip
def test_winners_and_missing(
    memory: list[int], stream: list[Stored], held: Ledger, winners: list[int], missing: list[int]
) -> None:
    made = found(memory, stream, held)
    assert sorted(made.winners) == winners
    assert sorted(made.missing) == missing
    assert made.end == (stream[-1].at if stream else START)


@pytest.mark.parametrize("source", ["memory", "stream", "ledger"])
def test_two_different_wins_of_one_user_are_for_a_person(source: str) -> None:
    other = SettledWin(packet=5, fen=100, sponsor=7, time_us=1)
    memory = [{1: won(1)}] + ([{1: other}] if source == "memory" else [])
    stream = [Stored(Position(1, 1), encode(Header(*NAME, 1, 1, 1), [Record(5, 100, 1, 1, 7, 0)]))]
    held = Ledger(START, {1: other}, {}) if source == "ledger" else ledger()
    with pytest.raises(WinContradiction, match="user 1"):
        rebuild(memory, {}, stream if source == "stream" else [], held, NAME, right)


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(Stored(Position(1, 1), b"no entry"), id="no entry at all"),
        pytest.param(entry(1, 1, 1, front=2), id="an entry of another front"),
        pytest.param(Stored(Position(1, 2), entry(1, 1, 1).entry), id="an entry under another id"),
    ],
)
def test_a_damaged_entry_is_for_a_person(stored: Stored) -> None:
    with pytest.raises(DamagedEntry):
        found([], [stored], ledger())


@pytest.mark.parametrize(
    ("memory", "held", "winners", "missing"),
    [
        pytest.param([], ledger(Position(1, 1), [], [1]), [1, 2], [], id="set aside: the ledger holds it"),
        pytest.param([], ledger(Position(1, 1), [1]), [1, 2], [], id="posted while it was sound"),
        pytest.param([1], ledger(Position(1, 1)), [1, 2], [1], id="set aside unreadable: memory appends it again"),
        pytest.param([], ledger(Position(1, 1)), [2], [], id="set aside unreadable, nobody remembers: gone"),
        pytest.param([1], ledger(Position(1, 2), [2], [1]), [1, 2], [], id="far before the offset"),
    ],
)
def test_damage_before_the_offset_stops_nothing(
    memory: list[int], held: Ledger, winners: list[int], missing: list[int]
) -> None:
    """docs/model.md, "damage at or below the offset stops no rebuild": else a restart is blocked for ever."""
    broken = bytearray(entry(1, 1, 1).entry)
    broken[-1] ^= 1
    for damaged in (Stored(Position(1, 1), bytes(broken)), entry(1, 1, 1, front=2)):
        made = found(memory, [damaged, entry(1, 2, 2)], held)
        assert sorted(made.winners) == winners
        assert sorted(made.missing) == missing
        assert made.end == Position(1, 2)


def test_damage_behind_the_offset_is_for_a_person() -> None:
    with pytest.raises(DamagedEntry):
        found([], [entry(1, 1, 1), Stored(Position(1, 2), b"no entry")], ledger(Position(1, 1), [1]))


def test_suspense_of_a_damaged_record_contradicts_nobody_of_the_same_packet() -> None:
    odd = replace(won(1), fen=101, time_us=9)
    held = Ledger(Position(1, 1), {}, {1: odd})
    assert rebuild([{1: won(1)}], {}, [], held, NAME, right).winners == {1: won(1)}
    assert rebuild([], {}, [], held, NAME, right).winners == {1: replace(odd, fen=100)}, "the packet says what it holds"
    with pytest.raises(WinContradiction, match="user 1"):
        rebuild([{1: won(1)}], {}, [], Ledger(START, {}, {1: replace(odd, packet=5)}), NAME, right)
    with pytest.raises(WinContradiction, match="user 1"):
        rebuild([{1: won(1)}], {}, [], Ledger(START, {1: odd}, {}), NAME, right)


def test_appended_again_one_lease_an_entry_and_no_entry_too_long() -> None:
    origins = {uid: (1, 1 + uid % 2) for uid in range(2 * MAX_RECORDS + 4)}
    made = rebuild([{uid: won(uid) for uid in origins}], origins, [], ledger(), NAME, right)
    batches = list(made.batches())
    assert [(lease, len(uids)) for lease, uids in batches] == [(1, MAX_RECORDS), (1, 2), (2, MAX_RECORDS), (2, 2)]
    for lease, uids in batches:
        assert {origins[uid][1] for uid in uids} == {lease}
        assert uids == sorted(uids)
    assert sorted(uid for _, uids in batches for uid in uids) == sorted(origins)


def view(records: bytes, posted: int, suspended: int, held: int = 0) -> LedgerView:
    return LedgerView(
        offset_epoch=2, offset_sequence=7, granted=3, state="armed", posted=posted, suspended=suspended, held=held,
        records=base64.b64encode(records).decode(),
    )  # fmt: skip


def test_a_ledger_view_is_postings_then_suspense() -> None:
    rows = np.zeros(3, dtype=WIN_DTYPE)
    for at, uid in enumerate((1, 2, 3)):
        rows[at] = (won(uid).packet, won(uid).fen, uid, won(uid).time_us, won(uid).sponsor, 0, 0)
    made = ledger_of(view(rows.tobytes(), 2, 1))
    assert made == Ledger(Position(2, 7), {1: won(1), 2: won(2)}, {3: won(3)})
    assert made.kept(right) == {1: won(1), 2: won(2)}, "nothing is held in the third one's name"
    rows["fen"][2] = 101
    assert ledger_of(view(rows.tobytes(), 2, 1, held=1)).kept(right) == {uid: won(uid) for uid in (1, 2, 3)}


def test_what_is_held_for_a_user_is_won_for_a_rebuild_and_at_the_close() -> None:
    """The append was in doubt: the front that remembers it, and the one that starts anew, say the same."""
    held = replace(ledger(Position(1, 1), [], [1]), held=frozenset({1}))
    anew = rebuild([], {}, [entry(1, 1, 1)], held, NAME, right)
    assert anew.winners == held.kept(right) == {1: won(1)}


@pytest.mark.parametrize(
    ("records", "posted"),
    [pytest.param(b"x" * 31, 1, id="no whole record"), pytest.param(bytes(64), 1, id="another count")],
)
def test_a_malformed_ledger_view_is_damaged(records: bytes, posted: int) -> None:
    with pytest.raises(DamagedEntry):
        ledger_of(view(records, posted, 0))


def test_more_held_than_in_suspense_is_damaged() -> None:
    with pytest.raises(DamagedEntry, match="held for 1 of 0"):
        ledger_of(view(b"", 0, 0, held=1))


def test_a_user_posted_twice_differently_is_for_a_person() -> None:
    rows = np.zeros(2, dtype=WIN_DTYPE)
    rows["uid"], rows["packet"], rows["fen"] = 1, [5, 6], 100
    with pytest.raises(WinContradiction):
        ledger_of(view(rows.tobytes(), 2, 0))
