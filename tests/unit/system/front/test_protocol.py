"""A connection, table-driven: bytes in, statuses out, and what becomes of the connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import cast

import pytest

from system.contract.switches import tables
from system.front.places import NEVER_SPOKE
from system.front.protocol import TapProtocol
from system.front.seam import SettledWin
from tests.support.front_parts import (
    EARLY,
    LATE,
    LIVE,
    NOW_S,
    NOW_US,
    SHUT,
    STRESS,
    Client,
    StillFront,
    client,
    statuses,
    tag,
    tap,
    token,
)

WON = SettledWin(packet=5, fen=100, sponsor=1, time_us=NOW_US)
GOOD = tap()
STRESS_TAP = tap(STRESS, token(lane="stress"), b"X-Xiu-Tag: " + tag())


def line(first: bytes, *lines: bytes) -> bytes:
    return b"\r\n".join([first, *lines]) + b"\r\n\r\n"


KEPT = [
    pytest.param(GOOD, [200], id="a tap"),
    pytest.param(STRESS_TAP, [200], id="a stress tap"),
    pytest.param(GOOD * 3, [200] * 3, id="three taps at once"),
    pytest.param(b"\r\n\r\n" + GOOD, [200], id="empty lines before a request"),
    pytest.param(tap(body=b"x" * 1024), [200], id="a body as large as allowed, ignored"),
    pytest.param(GOOD.replace(b"Authorization: Bearer", b"aUTHORIZATION:bearer"), [200], id="names in any case"),
    pytest.param(tap(f"{LIVE}/taps?x=1#"[:1]), [200], id="one digit"),
    pytest.param(GOOD.replace(b"/taps ", b"/taps?source=shake "), [200], id="a query is ignored"),
    pytest.param(GOOD.replace(b"POST /", b"POST http://x/"), [200], id="absolute form"),
    pytest.param(GOOD.replace(b"POST /", b"POST HTTPS://x:8443/") * 3, [200] * 3, id="absolute form, three times"),
    pytest.param(
        GOOD.replace(b"POST /v1/rounds/1/taps", b"POST http://x/v1/rounds/1/taps?a=/b"), [200], id="and a query"
    ),
    pytest.param(STRESS_TAP.replace(b"POST /", b"POST http://x/"), [200], id="a stress tap in absolute form"),
    pytest.param(line(b"GET http://x/healthz HTTP/1.1", b"Host: f"), [200], id="health in absolute form"),
    pytest.param(line(b"GET http://x?/healthz HTTP/1.1", b"Host: f"), [404], id="absolute form without a path"),
    pytest.param(GOOD.replace(b"POST /", b"POST ftp://x/"), [404], id="another scheme"),
    pytest.param(tap(bearer=b"nonsense"), [401], id="malformed token"),
    pytest.param(tap(bearer=token()[:-1] + b"x"), [401], id="forged token"),
    pytest.param(tap(bearer=token(expires_s=NOW_S)), [401], id="expired token"),
    pytest.param(GOOD.replace(b"Bearer", b"Basic"), [401], id="another scheme"),
    pytest.param(line(b"POST /v1/rounds/1/taps HTTP/1.1", b"Host: f"), [401], id="no token"),
    pytest.param(tap(99, b"nonsense"), [401], id="401 before 404"),
    pytest.param(tap(STRESS, token(), b"X-Xiu-Tag: " + tag()), [401], id="a live token under a tag"),
    pytest.param(tap(STRESS, token(lane="stress"), b"X-Xiu-Tag: x"), [403], id="forged tag"),
    pytest.param(tap(STRESS, token(lane="stress"), b"X-Xiu-Tag:"), [403], id="empty tag"),
    pytest.param(tap(STRESS, token(lane="stress"), b"X-Xiu-Tag: " + tag(expires_s=NOW_S)), [403], id="expired tag"),
    pytest.param(tap(99, token(lane="stress"), b"X-Xiu-Tag: x"), [403], id="403 before 404"),
    pytest.param(tap(LIVE, token(lane="stress"), b"X-Xiu-Tag: " + tag()), [404], id="a live round under a tag"),
    pytest.param(tap(STRESS), [404], id="a stress round without a tag"),
    *(
        pytest.param(tap(name), [404], id=f"no such round: {name!r}")
        for name in ("99", "0", "-1", "01", "1e0", "abc", "", "%31", "9" * 30, "9" * 5000, "1_0", "+1", "2147483648")
    ),
    pytest.param(tap(EARLY), [409], id="before the start"),
    pytest.param(tap(LATE), [410], id="after the end"),
    pytest.param(tap(SHUT), [410], id="closed"),
    pytest.param(GOOD.replace(b"/taps", b"/naps"), [404], id="unknown path"),
    pytest.param(GOOD.replace(b"/v1/", b"/v1/x/"), [404], id="another unknown path"),
    pytest.param(GOOD.replace(b"POST", b"GET"), [405], id="a tap is no GET"),
    pytest.param(GOOD.replace(b"POST", b"DELETE"), [405], id="nor a DELETE"),
    pytest.param(line(b"POST /readyz HTTP/1.1", b"Host: f", b"Content-Length: 0"), [405], id="pages are no POST"),
    pytest.param(line(b"GET /healthz HTTP/1.1", b"Host: f"), [200], id="health"),
    pytest.param(line(b"GET /readyz HTTP/1.1", b"Host: f"), [200], id="ready"),
    pytest.param(line(b"GET /metrics HTTP/1.1", b"Host: f"), [404], id="metrics have a port of their own"),
    pytest.param(GOOD * 8, [200] * 7 + [429], id="too fast"),
]
ENDED = [
    pytest.param(GOOD.replace(b"Host", b"Connection: close\r\nHost"), [200], id="close is obeyed"),
    pytest.param(GOOD.replace(b"HTTP/1.1", b"HTTP/1.0"), [200], id="HTTP/1.0"),
    pytest.param(line(b"GET /healthz HTTP/1.0"), [200], id="HTTP/1.0 needs no Host"),
    pytest.param(b"nonsense\r\n\r\n", [400], id="no HTTP"),
    pytest.param(GOOD.replace(b"\r\n\r\n", b"\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n"), [400], id="a length"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [400], id="a TLS hello"),
    pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400], id="HTTP/2"),
    pytest.param(GOOD.replace(b"HTTP/1.1", b"HTTP/3.7"), [400], id="HTTP of another age"),
    pytest.param(GOOD.replace(b"Host: front\r\n", b""), [400], id="no Host"),
    pytest.param(GOOD.replace(b"Host: front", b"Host: a\r\nHost: b"), [400], id="two Hosts"),
    pytest.param(tap(LIVE, token(), b"Authorization: Bearer x"), [400], id="two tokens"),
    pytest.param(tap(STRESS, token(), b"X-Xiu-Tag: a", b"X-Xiu-Tag: a"), [400], id="two tags"),
    pytest.param(GOOD.replace(b"Host:", b"Ho st:"), [400], id="a blank in a name"),
    pytest.param(GOOD.replace(b"Length: 0", b"Length: -1"), [400], id="a negative length"),
    pytest.param(GOOD.replace(b"Length: 0", b"Length: "), [400], id="an empty length"),
    pytest.param(GOOD.replace(b"Length: 0", b"Length: 0\r\nContent-Length: 1"), [400], id="two lengths"),
    pytest.param(GOOD.replace(b"Length: 0", b"Length: 0\r\nTransfer-Encoding: chunked"), [400], id="smuggling"),
    pytest.param(GOOD + b"garbage\r\n\r\n", [200, 400], id="garbage behind a tap"),
    pytest.param(tap(body=b"x" * 1025), [413], id="a body too large"),
    pytest.param(GOOD.replace(b"Length: 0", b"Length: 99999999999"), [413], id="a body announced too large"),
    pytest.param(tap(LIVE, None, b"X: " + b"x" * 9000), [431], id="a head too large"),
    pytest.param(b"POST /" + b"x" * 9000, [431], id="a line without end"),
    pytest.param(line(b"HEAD /healthz HTTP/1.1", b"Host: f"), None, id="HEAD"),
]


def chunked(size: int) -> bytes:
    head = GOOD.replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    return head + b"%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n"


def fed(data: bytes, step: int, shapes: bool = True) -> Client:
    made = client(StillFront(), shapes)
    made.send(*(data[at : at + step] for at in range(0, len(data), step)))
    return made


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
@pytest.mark.parametrize(("data", "expected"), [*KEPT, pytest.param(chunked(1024), [200], id="a chunked body")])
def test_answers_on_a_connection_that_stays(data: bytes, expected: list[int], step: int) -> None:
    made = fed(data, step)
    assert statuses(made.wire.sent) == expected
    assert not made.wire.ended
    assert not made.partial
    assert not made.front.touched
    made.send(tap(bearer=token(77)))
    assert statuses(made.wire.sent) == [*expected, 200]


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    ("data", "expected"), [*ENDED, pytest.param(chunked(1025), [413], id="a chunked body too large")]
)
def test_answers_that_end_the_connection(data: bytes, expected: list[int] | None, step: int) -> None:
    made = fed(data, step)
    if expected is not None:
        assert statuses(made.wire.sent) == expected
        assert b"Connection: close" in made.wire.sent
    assert made.wire.ended
    assert not made.front.touched
    sent = made.wire.sent
    made.send(GOOD)
    assert made.wire.sent == sent
    made.timers.pass_time(1.0)
    assert made.wire.closed


def test_a_head_of_exactly_the_limit_passes_and_one_byte_more_does_not() -> None:
    def sized(size: int) -> bytes:
        return tap(LIVE, None, b"X: " + b"x" * (size - len(tap(LIVE, None, b"X: "))))

    for step in (1, 1000, 1 << 20):
        assert statuses(fed(sized(8192), step).wire.sent) == [200]
        assert statuses(fed(sized(8193), step).wire.sent) == [431]


def test_head_has_the_headers_alone() -> None:
    made = fed(line(b"HEAD /healthz HTTP/1.1", b"Host: f"), 1 << 20)
    assert made.wire.sent.endswith(b"\r\n\r\n")
    assert b"Content-Length: 15" in made.wire.sent


def test_an_upgrade_is_declined_by_a_plain_answer() -> None:
    made = client(StillFront())
    made.send(GOOD.replace(b"Host", b"Connection: Upgrade\r\nUpgrade: h2c\r\nHost"))
    assert statuses(made.wire.sent) == [200]
    assert made.wire.ended


def test_expect_is_answered_before_the_body_comes() -> None:
    made = client(StillFront())
    whole = tap(LIVE, None, b"Expect: 100-continue", body=b"body")
    made.send(whole[:-4])
    assert made.wire.sent == b"HTTP/1.1 100 Continue\r\n\r\n"
    made.send(whole[-4:])
    assert statuses(made.wire.sent) == [100, 200]


def test_expect_is_answered_before_the_first_chunk_comes() -> None:
    made = client(StillFront())
    head = tap(LIVE, None, b"Expect: 100-continue").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    made.send(head[:-2])
    assert made.wire.sent == b""
    made.send(head[-2:])
    assert made.wire.sent == b"HTTP/1.1 100 Continue\r\n\r\n"
    made.send(b"4\r\nbody\r\n")
    made.send(b"0\r\n\r\n" + GOOD)
    assert statuses(made.wire.sent) == [100, 200, 200]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(tap(LIVE, None, b"Expect: 100-continue"), id="no body is to come"),
        pytest.param(
            tap(LIVE, None, b"Expect: 100-continue", body=b"body").replace(b"HTTP/1.1", b"HTTP/1.0"), id="HTTP/1.0"
        ),
    ],
)
def test_who_is_owed_no_continue_gets_none(data: bytes) -> None:
    made = client(StillFront())
    made.send(data)
    assert statuses(made.wire.sent) == [200]


def test_a_slow_request_is_timed_out_an_idle_connection_is_not() -> None:
    made = client(StillFront())
    made.send(GOOD)
    assert not made.partial
    made.send(GOOD[:20])
    assert list(made.partial.values()) == [100.0]
    made.timers.pass_time(5)
    made.send(GOOD[20:40])
    assert list(made.partial.values()) == [100.0]
    made.protocol.time_out()
    assert statuses(made.wire.sent) == [200, 408]
    assert made.wire.ended
    assert not made.partial


def test_each_pipelined_request_has_a_time_of_its_own() -> None:
    made = client(StillFront())
    made.send(GOOD[:20])
    made.timers.pass_time(5)
    made.send(GOOD[20:] + GOOD[:20])
    assert list(made.partial.values()) == [105.0]


@pytest.mark.parametrize("shapes", [True, False])
def test_answers_stay_in_order_while_a_win_is_on_its_way(shapes: bool) -> None:
    made = client(StillFront(), shapes)
    made.front.live.pending[42] = WON
    made.send(tap(bearer=token(1)), tap(bearer=token(2)), tap(bearer=token(42)), tap(bearer=token(3)), tap(EARLY))
    assert statuses(made.wire.sent) == [200, 200]
    assert made.protocol.waits
    made.front.live.joined[0](WON)
    assert statuses(made.wire.sent) == [200, 200, 200, 200, 409]
    assert made.wire.sent.count(b'"award":"1-5"') == 1
    made.send(tap(bearer=token(4)))
    assert statuses(made.wire.sent) == [200, 200, 200, 200, 409, 200]
    assert made.counted() == {"lose": 4, "repeat": 1, "not_open": 1}


def test_no_verdict_in_time_is_pending() -> None:
    made = client(StillFront())
    made.front.live.pending[42] = WON
    made.send(GOOD)
    made.front.live.joined[0](None)
    assert statuses(made.wire.sent) == [202]
    assert json.loads(made.wire.sent.partition(b"\r\n\r\n")[2]) == {"pending": True}


def test_a_client_that_asks_and_leaves_costs_nothing_but_its_answer() -> None:
    made = client(StillFront())
    made.front.live.pending[42] = WON
    made.send(GOOD)
    made.protocol.connection_lost(None)
    made.front.live.joined[0](WON)
    assert made.wire.sent == b""
    assert made.counted() == {"repeat": 1}
    assert made.metrics.connections == 0


def test_a_client_that_has_said_all_still_gets_its_answer() -> None:
    made = client(StillFront())
    assert made.protocol.eof_received() is False
    made = client(StillFront())
    made.front.live.pending[42] = WON
    made.send(GOOD)
    assert made.protocol.eof_received() is True
    made.front.live.joined[0](WON)
    assert statuses(made.wire.sent) == [200]
    assert b"Connection: close" in made.wire.sent
    assert made.wire.closed


def test_who_is_owed_too_many_answers_is_not_read_from() -> None:
    made = client(StillFront())
    made.front.live.pending[42] = WON
    made.send(GOOD * 127)
    assert not made.wire.paused
    made.send(GOOD)
    assert made.wire.paused
    for waiter in made.front.live.joined:
        waiter(WON)
    assert not made.wire.paused
    assert statuses(made.wire.sent) == [200] * 128


def test_who_does_not_read_is_not_read_from() -> None:
    made = client(StillFront())
    made.protocol.pause_writing()
    assert made.wire.paused
    made.send(GOOD)
    assert made.wire.paused
    made.protocol.resume_writing()
    assert not made.wire.paused


@pytest.mark.parametrize("shapes", [True, False])
def test_the_switch_delays_every_tap_and_keeps_their_order(shapes: bool) -> None:
    made = client(StillFront(packets=1), shapes)
    made.send(tap(EARLY))
    made.front.switches = tables(each={"live": {"draw.delay_ms": 250}})
    made.send(GOOD, tap(bearer=token(2)), tap(bearer=b"x"))
    made.timers.pass_time(0.249)
    assert statuses(made.wire.sent) == [409]
    made.timers.pass_time(0.002)
    assert statuses(made.wire.sent) == [409, 200, 200, 401]
    assert made.counted() == {"not_open": 1, "win": 1, "lose": 1, "bad_token": 1}
    made.send(line(b"GET /healthz HTTP/1.1", b"Host: f"))
    assert statuses(made.wire.sent) == [409, 200, 200, 401, 200]


def test_a_delay_of_one_lane_does_not_delay_the_other() -> None:
    made = client(StillFront())
    made.front.switches = tables(each={"stress": {"draw.delay_ms": 250}})
    made.send(GOOD)
    assert statuses(made.wire.sent) == [200]
    made.send(STRESS_TAP)
    assert statuses(made.wire.sent) == [200]
    made.timers.pass_time(0.251)
    assert statuses(made.wire.sent) == [200, 200]


@pytest.mark.parametrize(
    ("data", "lane", "counted"),
    [
        pytest.param(GOOD * 8, 0, {"lose": 7, "too_fast": 1}, id="live"),
        pytest.param(STRESS_TAP * 2, 1, {"lose": 2}, id="stress"),
        pytest.param(b"x\r\n\r\n", 0, {"bad_request": 1}, id="no HTTP"),
        pytest.param(line(b"GET /nothing HTTP/1.1", b"Host: f"), 0, {}, id="no tap, not counted"),
    ],
)
def test_counts(data: bytes, lane: int, counted: dict[str, int]) -> None:
    made = client(StillFront())
    made.send(data)
    assert made.counted(lane) == counted
    assert made.counted(1 - lane) == {}


def test_a_known_shape_needs_no_parser() -> None:
    made = client(StillFront())
    made.send(STRESS_TAP)
    made.protocol._parser = None
    made.send(tap(STRESS, token(7, lane="stress"), b"X-Xiu-Tag: " + tag()))
    assert statuses(made.wire.sent) == [200, 200]
    assert made.protocol._parser is None
    made.send(GOOD)
    assert made.protocol._parser is not None


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param(lambda front: setattr(front, "now", NOW_US + 60_000_000), 401, id="the token expires"),
        pytest.param(lambda front: front.rounds.clear(), 404, id="the round goes"),
        pytest.param(lambda front: setattr(front, "serving", False), 503, id="the front stops serving"),
        pytest.param(lambda front: setattr(front.live, "closed", True), 410, id="the round is closed"),
    ],
)
def test_a_known_shape_meets_every_check_again(change: Callable[[StillFront], None], status: int) -> None:
    made = client(StillFront())
    made.send(GOOD, tap(bearer=token(2)))
    change(made.front)
    made.send(GOOD)
    assert statuses(made.wire.sent) == [200, 200, status]


def test_a_tag_that_expires_ends_its_shape() -> None:
    made = client(StillFront())
    made.send(STRESS_TAP, STRESS_TAP)
    made.front.now += 30_000_000
    made.send(STRESS_TAP)
    long = tap(STRESS, token(lane="stress", expires_s=NOW_S + 999), b"X-Xiu-Tag: " + tag())
    made.send(long)
    made.front.now += 30_000_000
    made.send(long)
    assert statuses(made.wire.sent) == [200, 200, 200, 200, 403]


def test_a_stopping_front_refuses_and_closes() -> None:
    made = client(StillFront())
    made.send(GOOD)
    made.desk.stop()
    made.protocol.stop()
    made.send(GOOD)
    assert statuses(made.wire.sent) == [200, 503]
    assert made.wire.ended


@pytest.mark.parametrize(
    ("data", "tapped"),
    [
        pytest.param(GOOD, True, id="a tap"),
        pytest.param(tap(EARLY), True, id="a tap too early: it is a genuine user's"),
        pytest.param(tap(LIVE, b"forged"), False, id="a forged token"),
        pytest.param(line(b"GET /healthz HTTP/1.1", b"Host: f"), False, id="a page"),
        pytest.param(GOOD[:30], False, id="half a request"),
    ],
)
def test_a_genuine_tap_alone_makes_a_tapper_and_any_byte_breaks_the_silence(data: bytes, tapped: bool) -> None:
    made = client(StillFront())
    assert made.protocol.quiet == NEVER_SPOKE
    made.send(data)
    assert (made.protocol.tapped, made.protocol.quiet) == (tapped, 0)
    made.protocol.quiet = 7
    made.send(data)
    assert made.protocol.quiet == 0


def test_a_connection_that_is_cut_before_it_stands_ends_as_it_comes() -> None:
    made = client(StillFront())
    connections: dict[TapProtocol, None] = {}
    late = TapProtocol(made.desk, cast("asyncio.AbstractEventLoop", made.timers), connections, {})
    late.cut()
    late.connection_made(cast("asyncio.Transport", made.wire))
    assert made.wire.closed
    assert connections == {}
    late.connection_lost(None)
    assert made.metrics.connections == 1
