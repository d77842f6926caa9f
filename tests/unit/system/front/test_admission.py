"""Admission says what `system.tokens` says, only quicker."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from system import tokens
from system.contract.errors import BadToken
from system.contract.ids import LANES
from system.front.admission import Admission
from tests.support.front_parts import NOW_S, NOW_US, SECRET, settings, tag, token

GOOD = token(42)
KEY = tokens.token_key(SECRET, "live")


def signed(payload: bytes) -> bytes:
    return payload + b"." + tokens.signature(KEY, payload)


@pytest.mark.parametrize(
    ("lane", "raw", "uid"),
    [
        pytest.param(0, GOOD, 42, id="genuine"),
        pytest.param(0, token(0), 0, id="user 0"),
        pytest.param(0, token((1 << 63) - 1), (1 << 63) - 1, id="the last user"),
        pytest.param(0, token(1 << 63), -1, id="beyond the last user"),
        pytest.param(1, token(42, "stress"), 42, id="genuine on the stress lane"),
        pytest.param(1, GOOD, -1, id="a live token is worth nothing under a tag"),
        pytest.param(0, token(42, "stress"), -1, id="a stress token is worth nothing without one"),
        pytest.param(0, token(42, expires_s=NOW_S), -1, id="expired this very second"),
        pytest.param(0, token(42, expires_s=NOW_S + 1), 42, id="a second left"),
        pytest.param(0, GOOD[:-1] + b"g", -1, id="a sign that is no hex"),
        pytest.param(0, GOOD.upper().replace(b"BEARER", b""), -1, id="the sign in capitals"),
        pytest.param(0, GOOD[:-1], -1, id="cut"),
        pytest.param(0, GOOD + b"0", -1, id="longer"),
        pytest.param(0, b"4" + GOOD, -1, id="another user's number before it"),
        pytest.param(0, b"", -1, id="nothing"),
        pytest.param(0, b".", -1, id="a dot"),
        pytest.param(0, b"..", -1, id="two dots"),
        pytest.param(0, b"\xff" * 40, -1, id="bytes that are no text"),
        pytest.param(0, signed(b"42"), -1, id="signed, but without expiry"),
        pytest.param(0, signed(b"4_2.1900000000"), -1, id="signed, but no number"),
        pytest.param(0, signed(b"42.1900000000.1"), -1, id="signed, but with a third part"),
        pytest.param(0, signed(b"42." + b"9" * 5000), -1, id="signed, but longer than any token"),
    ],
)
def test_users(lane: int, raw: bytes, uid: int) -> None:
    assert Admission(settings()).user(lane, raw, NOW_US) == uid


@given(
    place=st.integers(0, len(GOOD) - 1),
    byte=st.integers(0, 255),
    cut=st.integers(0, 3),
    lane=st.integers(0, 1),
    late_s=st.integers(-120, 120),
)
def test_the_same_answer_as_tokens(place: int, byte: int, cut: int, lane: int, late_s: int) -> None:
    raw = GOOD[:place] + bytes([byte]) + GOOD[place + cut :]
    now_us = NOW_US + late_s * 1_000_000
    try:
        expected = tokens.verify_token(tokens.token_key(SECRET, LANES[lane]), raw, now_us / 1e6)
    except BadToken:
        expected = -1
    assert Admission(settings()).user(lane, raw, now_us) == expected


@pytest.mark.parametrize(
    ("raw", "expiry_us"),
    [
        pytest.param(tag(), (NOW_S + 60) * 1_000_000, id="genuine"),
        pytest.param(tag()[:-1] + b"g", 0, id="forged"),
        pytest.param(b"", 0, id="empty"),
        pytest.param(GOOD, 0, id="a token is no tag"),
    ],
)
def test_tags(raw: bytes, expiry_us: int) -> None:
    admission = Admission(settings())
    assert [admission.tag_expiry_us(raw) for _ in range(2)] == [expiry_us] * 2


def test_a_tag_is_verified_once_and_a_forged_one_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[bytes] = []
    genuine = tokens.tag_expiry

    def spy(key: bytes, raw: bytes) -> int:
        verified.append(raw)
        return genuine(key, raw)

    monkeypatch.setattr(tokens, "tag_expiry", spy)
    admission = Admission(settings())
    for raw in (tag("a"), tag("a"), tag("b"), b"forged", b"forged"):
        admission.tag_expiry_us(raw)
    assert verified == [tag("a"), tag("b"), b"forged", b"forged"]


def test_the_memory_of_tags_is_bounded() -> None:
    admission = Admission(settings())
    for number in range(3000):
        assert admission.tag_expiry_us(tag(f"run-{number}")) > 0
    assert len(admission._tags) <= 1024


def test_expiries_that_take_turns_are_not_mixed_up() -> None:
    admission = Admission(settings())
    early, late, gone = token(1, expires_s=NOW_S + 10), token(2, expires_s=NOW_S + 20), token(3, expires_s=NOW_S)
    for now_s, expected in ((NOW_S, [1, 2, -1]), (NOW_S + 10, [-1, 2, -1]), (NOW_S + 20, [-1, -1, -1])):
        for _ in range(2):
            assert [admission.user(0, raw, now_s * 1_000_000) for raw in (early, late, gone)] == expected
