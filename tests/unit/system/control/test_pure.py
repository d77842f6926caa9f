"""Control's pure parts: sizes, windows, tokens, prepared answers, claims in a damaged entry."""

from __future__ import annotations

import itertools
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from system.contract.api import RoundOrder, RoundPublic, SponsorSplit, SyncAnswer, TagRequest, TokensRequest
from system.contract.errors import BadRequest, BadToken, Conflict, StoreRefused, Superseded, UnknownRound
from system.contract.ids import Position
from system.contract.records import FLAG_STRESS, WIN_DTYPE
from system.contract.routing import Topology
from system.contract.switches import tables
from system.control.closing import ClosingStream
from system.control.fronts import refuse_older
from system.control.issue import CHUNK, tag, tokens
from system.control.leases import lease_size
from system.control.rounds import planned_window
from system.control.set_aside import readable
from system.control.state import HeldRound, View
from system.control.streams import records_of
from system.ledger.statements import statements
from system.settings import ControlSettings
from system.tokens import tag_expiry, tag_key, token_key, verify_token
from system.winlog import Win, encode
from system.winlog.codec import Header

SECRET = bytes(64)
SETTINGS = ControlSettings(("127.0.0.1", 0), "postgresql://x", "valkey://x", Topology(("a",), (0,)), SECRET, "x" * 16)
SPLIT = SponsorSplit(sponsor=1, name="One", classes=((5, 10),))
NOW = 1_800_000_000_000_000


@pytest.mark.parametrize(
    ("packets", "release_ms", "fronts", "expected"),
    [
        pytest.param(1_200, 57_000, 1, 42, id="the demo: two seconds of 21 a second"),
        pytest.param(6_000, 285_000, 1, 42, id="five minutes: the same pace"),
        pytest.param(60, 60_000, 1, 16, id="a trickle: the smallest lease"),
        pytest.param(60_000_000, 285_000, 1, 5_000, id="everything at one front: the largest lease"),
        pytest.param(60_000_000, 285_000, 10_000, 42, id="the event on its fronts"),
        pytest.param(1, 1, 1, 2_000, id="all at once"),
        pytest.param(40, 4_200, 3, 14, id="a small round: no front is granted more than its share"),
    ],
)
def test_a_lease_is_two_seconds_of_the_pace_within_bounds(
    packets: int, release_ms: int, fronts: int, expected: int
) -> None:
    assert lease_size(SETTINGS, packets, release_ms, fronts) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"starts_in_ms": 0, "duration_ms": 100}, (NOW, NOW + 100_000, 95), id="95 % of the window"),
        pytest.param({"starts_in_ms": 5, "duration_ms": 1}, (NOW + 5_000, NOW + 6_000, 1), id="never no release"),
        pytest.param(
            {"start_us": NOW + 7, "duration_ms": 10, "release_ms": 4}, (NOW + 7, NOW + 10_007, 4), id="as ordered"
        ),
        pytest.param({"start_us": NOW - 5_000, "duration_ms": 10}, (NOW - 5_000, NOW + 5_000, 9), id="begun already"),
        pytest.param({"start_us": NOW - 10_000, "duration_ms": 10}, None, id="over already"),
        pytest.param({"start_us": 1 << 62, "duration_ms": 10}, None, id="beyond any clock"),
    ],
)
def test_the_window_of_an_order(fields: dict[str, int], expected: tuple[int, int, int] | None) -> None:
    order = RoundOrder(sponsors=(SPLIT,), **fields)  # type: ignore[arg-type]
    if expected is None:
        with pytest.raises(BadRequest):
            planned_window(order, NOW)
    else:
        assert planned_window(order, NOW) == expected


@given(first=st.integers(0, (1 << 62) - 1), count=st.integers(1, 3 * CHUNK), ttl=st.integers(-100, 7200))
def test_tokens_are_in_order_and_good_for_their_users_alone(first: int, count: int, ttl: int) -> None:
    order = TokensRequest(lane="live", first_uid=first, count=count, ttl_s=ttl)
    lines = b"".join(tokens(SECRET, order, 1_000)).split(b"\n")
    assert lines.pop() == b""
    assert len(lines) == count
    key = token_key(SECRET, "live")
    if ttl > 0:
        assert verify_token(key, lines[0], 1_000) == first
        assert verify_token(key, lines[-1], 1_000) == first + count - 1
    with pytest.raises(BadToken):
        verify_token(key, lines[0], 1_000 + max(ttl, 0))
    with pytest.raises(BadToken):
        verify_token(token_key(SECRET, "stress"), lines[0], 0)


def test_tokens_come_in_chunks() -> None:
    sizes = [chunk.count(b"\n") for chunk in tokens(SECRET, TokensRequest(first_uid=0, count=CHUNK * 2 + 1), 0)]
    assert sizes == [CHUNK, CHUNK, 1]


def test_tags() -> None:
    assert tag_expiry(tag_key(SECRET), tag(SECRET, TagRequest(run_id="r_1", ttl_s=9), 100).encode()) == 109
    expired = tag(SECRET, TagRequest(run_id="r_1", ttl_s=-60), 100)
    assert tag_expiry(tag_key(SECRET), expired.encode()) == 40, "genuine, and over: for the pre-check"
    with pytest.raises(BadRequest, match="letters"):
        tag(SECRET, TagRequest(run_id="a b"), 0)


@pytest.mark.parametrize(
    ("instance", "newest", "error"),
    [
        pytest.param(2, 2, None, id="the newest"),
        pytest.param(1, 2, Superseded, id="an older one"),
        pytest.param(3, 2, Conflict, id="one that never registered"),
        pytest.param(1, 0, Conflict, id="none ever registered"),
    ],
)
def test_only_the_newest_instance_is_served(instance: int, newest: int, error: type[Exception] | None) -> None:
    if error is None:
        refuse_older(0, instance, newest)
        assert instance == newest
    else:
        with pytest.raises(error):
            refuse_older(0, instance, newest)


def stream(**fields: object) -> ClosingStream:
    plain = {"front": 0, "cell": 0, "instance": 2, "confirmed_instance": 2, "epoch": 3, "granted": 3}
    plain |= {"confirmed_epoch": 3, "confirmed_seq": 5, "offset_epoch": 3, "offset_seq": 5, "stopped": None}
    return ClosingStream(**(plain | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        pytest.param({}, "", id="confirmed by the newest instance, in the granted epoch"),
        pytest.param({"instance": None}, "never started", id="nobody"),
        pytest.param({"instance": 3}, "instance 3 has not", id="by an older instance"),
        pytest.param({"confirmed_epoch": None}, "has not confirmed epoch 3", id="not confirmed"),
        pytest.param({"granted": 4, "epoch": 4}, "has not confirmed epoch 4", id="a newer epoch granted"),
        pytest.param({"epoch": 4}, "has not confirmed epoch 3", id="a newer epoch taken"),
    ],
)
def test_whose_word_counts(fields: dict[str, object], missing: str) -> None:
    said = stream(**fields).unconfirmed()
    assert missing in said
    assert bool(said) == bool(missing)


def test_the_offset_orders_like_the_log() -> None:
    assert stream(offset_epoch=2, offset_seq=99).offset < Position(3, 0) < stream(offset_epoch=3, offset_seq=1).offset


def public(number: int, state: str = "armed") -> RoundPublic:
    fields = {"round": number, "lane": "live", "state": state, "packets": 10, "budget_fen": 50, "start_us": NOW}
    fields |= {"end_us": NOW + 1, "release_ms": 1, "sponsors": (SPLIT,), "commitment": "c"}
    return RoundPublic.model_validate(fields)


def test_sync_is_prepared_once_and_parses() -> None:
    view = View(loaded=True)
    view.rounds[4] = HeldRound(public(4), "ab", NOW, None, 0)
    view.rounds[5] = HeldRound(public(5, "closed"), "cd", NOW, NOW, 0)
    view.rounds[6] = HeldRound(public(6, "closed"), "ef", NOW, NOW - 60_000_000, 0)
    view.granted[4, 1] = 9
    text = f'{{"now_us":{NOW}{view.sync_tail(1, NOW)}'
    told = SyncAnswer.model_validate_json(text)
    assert [(item.public.round, item.seed, item.epoch) for item in told.rounds] == [(4, "ab", 9), (5, "cd", 0)]
    assert view.sync_tail(1, NOW) is view.sync_tail(1, NOW)
    lanes = SyncAnswer.model_validate_json(f'{{"now_us":{NOW}{view.sync_tail(1, NOW, lanes=True)}').lanes
    assert (told.lanes, lanes) == (None, tables())
    view.changed()
    assert len(SyncAnswer.model_validate_json(f'{{"now_us":1{view.sync_tail(1, NOW + 60_000_000)}').rounds) == 1
    with pytest.raises(UnknownRound):
        view.round(7)


@pytest.mark.parametrize("cut", [0, 1, 39, 40, 71, 72, 103, 104, 200])
def test_whole_records_are_read_whatever_the_entry_says(cut: int) -> None:
    wins = [Win(7, 100, 1, 2, 3, 0), Win(8, 200, (1 << 64) - 1, 2, 3, 0)]
    entry = encode(Header("live", 1, 0, 1, 1, 1), wins)[:cut]
    claims = readable(entry)
    assert len(claims) == max(0, min(cut, 104) - 40) // 32
    for claim, win in itertools.zip_longest(claims, wins[: len(claims)]):
        assert (claim.packet, claim.fen, claim.sponsor) == (win.packet, win.fen, win.sponsor)
    if len(claims) == 2:
        assert claims[1].uid == -1, "as the ledger's bigint keeps it"


def test_rows_of_the_ledger_become_records() -> None:
    rows = struct.pack(">5q", 7, -1, 100, 3, 5) + struct.pack(">5q", (1 << 32) - 1, 8, 200, 65_535, -1)
    for lane, flags in (("live", 0), ("stress", FLAG_STRESS)):
        records = np.frombuffer(records_of(lane, rows), dtype=WIN_DTYPE)  # type: ignore[arg-type]
        assert records["uid"].tolist() == [(1 << 64) - 1, 8]
        assert records["packet"].tolist() == [7, (1 << 32) - 1]
        assert records["fen"].tolist() == [100, 200]
        assert records["sponsor"].tolist() == [3, 65_535]
        assert records["time_us"].tolist() == [5, (1 << 64) - 1]
        assert records["flags"].tolist() == [flags, flags]
    assert records_of("live", b"") == b""


def test_statements_have_a_comment_and_belong_to_their_process() -> None:
    mine = {name: one for name, one in statements().items() if name.startswith("control_")}
    for name, one in mine.items():
        assert one.text.startswith("-- "), name
        assert one.file.parent.name == "control", name
    assert {"control_close", "control_epoch_take"} <= set(mine)


def test_nothing_is_said_before_the_view_was_read() -> None:
    from prometheus_client import CollectorRegistry

    from system.control.app import make_control

    control = make_control(SETTINGS, CollectorRegistry(), lambda: NOW)
    with pytest.raises(StoreRefused):
        control.need_view()
