"""Whatever bytes come, in whatever pieces: no crash, whole answers, and known shapes say what the parser says."""

from __future__ import annotations

import itertools

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.front_parts import (
    EARLY,
    LATE,
    LIVE,
    NOW_S,
    STRESS,
    Client,
    StillFront,
    client,
    statuses,
    tag,
    tap,
    token,
)

TAPS = [
    tap(),
    tap(bearer=token(7)),
    tap(bearer=token(123456789)),
    tap(EARLY),
    tap(LATE, token(9)),
    tap(99),
    tap(bearer=token(expires_s=NOW_S)),
    tap(bearer=b"1.2.3"),
    tap(LIVE, token(8), body=b"body"),
    tap(STRESS, token(5, "stress"), b"X-Xiu-Tag: " + tag()),
    tap(STRESS, token(6, "stress"), b"X-Xiu-Tag: " + tag()),
    tap(STRESS, token(6, "stress"), b"X-Xiu-Tag: forged"),
    tap().replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"4\r\nbody\r\n0\r\n\r\n",
    tap().replace(b"Host", b"Connection: close\r\nHost"),
    b"GET /healthz HTTP/1.1\r\nHost: f\r\n\r\n",
    b"\r\n",
    tap(LIVE, None, b"X: " + b"x" * 8100),
    b"x\r\n\r\n",
]
KNOWN = {100, 200, 202, 400, 401, 403, 404, 405, 408, 409, 410, 413, 421, 429, 431, 503}


def outcome(made: Client) -> tuple[object, ...]:
    wins = dict(made.front.live.settled)
    return (
        made.wire.sent,
        made.wire.ended,
        made.wire.closed,
        made.counted(0),
        made.counted(1),
        wins,
        made.protocol.waits,
    )


def played(chunks: list[bytes], shapes: bool, packets: int) -> tuple[object, ...]:
    made = client(StillFront(packets), shapes)
    made.send(*chunks)
    assert set(statuses(made.wire.sent)) <= KNOWN
    return outcome(made)


def cut(data: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(data) + 1) for place in at}), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges) if a < b]


@settings(max_examples=200, deadline=None)
@given(taps=st.lists(st.sampled_from(TAPS), min_size=1, max_size=8), at=st.lists(st.integers(0, 20_000), max_size=12))
def test_pieces_make_no_difference(taps: list[bytes], at: list[int]) -> None:
    data = b"".join(taps)
    assert played(cut(data, at), True, 2) == played([data], True, 2)


@settings(max_examples=300, deadline=None)
@given(taps=st.lists(st.sampled_from(TAPS), min_size=1, max_size=12), at=st.lists(st.integers(0, 20_000), max_size=4))
def test_a_known_shape_says_what_the_parser_says(taps: list[bytes], at: list[int]) -> None:
    assert played(taps, True, 2) == played(taps, False, 2)
    chunks = cut(b"".join(taps), at)
    assert played(chunks, True, 2) == played(chunks, False, 2)


@settings(max_examples=400, deadline=None)
@given(
    which=st.sampled_from(TAPS[:12]),
    edits=st.lists(
        st.tuples(
            st.integers(0, 400), st.integers(0, 3), st.binary(max_size=3) | st.sampled_from([b"\r\n", b"\r\n\r\n"])
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_damaged_taps_after_good_ones(which: bytes, edits: list[tuple[int, int, bytes]]) -> None:
    damaged = which
    for place, length, put in edits:
        place %= len(damaged) + 1
        damaged = damaged[:place] + put + damaged[place + length :]
    for before in ([which], [tap(bearer=token(3)), tap(bearer=token(4))]):
        chunks = [*before, damaged, tap(bearer=token(11))]
        assert played(chunks, True, 0) == played(chunks, False, 0)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=300), at=st.lists(st.integers(0, 300), max_size=3))
@example(data=b"GET /healthz HTTP/1.1\r\nHost:\r\n\r\n", at=[])
def test_any_bytes_at_all_change_nothing(data: bytes, at: list[int]) -> None:
    """Hypothesis also draws what the project's modules hold: some of them ask fronts whether they are well."""
    made = client(StillFront(packets=1))
    made.send(*cut(data, at))
    pages = {200, 503} if b"/healthz" in data or b"/readyz" in data else set[int]()
    assert set(statuses(made.wire.sent)) <= {400, 404, 405, 431} | pages
    assert not made.front.touched


@settings(max_examples=200, deadline=None)
@given(middle=st.binary(max_size=120))
def test_nothing_but_a_genuine_token_passes_between_known_bytes(middle: bytes) -> None:
    before, _, after = tap().partition(token())
    made = client(StillFront(packets=0))
    made.send(tap())
    made.send(before + middle + after)
    assert made.counted(0).get("lose") == (2 if middle.strip(b" \t") == token() else 1)
