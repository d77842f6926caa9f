"""The front on a real socket: bad input gets the right status, nothing crashes, nothing changes."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from system.contract.metrics import METRICS
from system.contract.routing import Topology, front_of
from tests.support.bare_front import (
    EARLY,
    LATE,
    LIVE,
    STRESS,
    eventually,
    get,
    rig,
    run,
    soon,
    statuses,
    tag,
    tap,
    token,
)

ROWS = [
    ("a tap", lambda: tap(LIVE, token(1)), [200]),
    ("a stress tap", lambda: tap(STRESS, token(1, "stress"), b"X-Xiu-Tag: " + tag()), [200]),
    ("pipelined", lambda: tap(LIVE, token(2)) * 3 + get("/healthz"), [200] * 4),
    ("too fast", lambda: tap(LIVE, token(3)) * 9, [200] * 7 + [429] * 2),
    ("forged", lambda: tap(LIVE, token(4)[:-1] + b"x"), [401]),
    ("expired", lambda: tap(LIVE, token(5, ttl_s=0)), [401]),
    ("of the other lane", lambda: tap(LIVE, token(6, "stress")), [401]),
    ("forged tag", lambda: tap(STRESS, token(7, "stress"), b"X-Xiu-Tag: x.1.y"), [403]),
    ("expired tag", lambda: tap(STRESS, token(7, "stress"), b"X-Xiu-Tag: " + tag(0)), [403]),
    ("unknown round", lambda: tap(99, token(8)), [404]),
    ("before the start", lambda: tap(EARLY, token(9)), [409]),
    ("after the end", lambda: tap(LATE, token(10)), [410]),
    ("malformed", lambda: b"TAP ME\r\n\r\n", [400]),
    ("a large body", lambda: tap(LIVE, token(11)).replace(b"Length: 0", b"Length: 5000") + b"x" * 5000, [413]),
    ("a large head", lambda: tap(LIVE, token(12), b"X: " + b"x" * 20_000), [431]),
    ("HTTP/1.0", lambda: tap(LIVE, token(13)).replace(b"HTTP/1.1", b"HTTP/1.0"), [200]),
    ("unknown path", lambda: get("/v2"), [404]),
    ("wrong method", lambda: get("/v1/rounds/1/taps"), [405]),
]


def test_each_bad_request_gets_its_status_and_changes_nothing() -> None:
    async def scenario() -> None:
        async with rig() as made:
            for name, request, expected in ROWS:
                raw = request()
                assert statuses(await soon(made.exchange(raw))) == expected, name
            assert not made.touched
            for name, request, expected in ROWS:
                if expected != [200] * 7 + [429] * 2:
                    raw = request()
                    pieces = [raw[at : at + 97] for at in range(0, len(raw), 97)]
                    assert statuses(await soon(made.exchange(*pieces))) == expected, f"{name}, in pieces"
            await eventually(lambda: made.metrics.connections == 0, "every connection ends")

    run(scenario)


def test_a_foreign_user_is_sent_away() -> None:
    topology = Topology(("http://a", "http://b"), (0, 0))
    uids = range(1, 21)

    async def scenario() -> None:
        async with rig(topology=topology, front=1) as made:
            got = statuses(await soon(made.exchange(b"".join(tap(LIVE, token(uid)) for uid in uids))))
            assert got == [200 if front_of(uid, topology) == 1 else 421 for uid in uids]
            assert set(got) == {200, 421}

    run(scenario)


def test_a_slow_request_is_timed_out_and_an_idle_connection_is_not() -> None:
    async def scenario() -> None:
        async with rig(request_timeout_s=0.2) as made:
            idle_reader, idle = await asyncio.open_connection(*made.server.address)
            reader, writer = await asyncio.open_connection(*made.server.address)
            raw = tap(LIVE, token(1))
            writer.write(raw[:30])
            assert statuses(await soon(reader.read())) == [408]
            idle.write(raw)
            assert statuses(await soon(idle_reader.read(4096))) == [200]
            writer.close()
            idle.close()

    run(scenario)


def test_a_client_that_never_reads_is_no_longer_read_from() -> None:
    async def scenario() -> None:
        async with rig() as made:
            _, writer = await asyncio.open_connection(*made.server.address, limit=1)
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            flood = get("/healthz") * 2000
            writer.write(flood)
            assert statuses(await soon(made.exchange(get("/healthz")))) == [200]
            writer.transport.abort()
            await eventually(lambda: made.metrics.connections == 0, "the flood ends")

    run(scenario)


def test_many_pages_asked_for_at_once_end_the_connection() -> None:
    async def scenario() -> None:
        async with rig() as made:
            raw = await soon(made.exchange(get("/v2") * 20_000))
            found = statuses(raw)
            assert set(found) == {404}
            assert 1 < len(found) < 10_000, "the answers to one piece are bounded"
            assert raw.count(b"Connection: close") == 1
            assert statuses(await soon(made.exchange(tap(LIVE, token(1)) * 7))) == [200] * 7

    run(scenario)


@pytest.mark.parametrize("half", [False, True])
def test_a_win_is_told_and_told_again(half: bool) -> None:
    async def scenario() -> None:
        async with rig(win_every=1) as made:
            first = await soon(made.exchange(tap(LIVE, token(1))))
            assert first.endswith(b'{"won":true,"award":"1-0","fen":100,"sponsor":1,"repeat":false}')
            again = await soon(made.exchange(*([tap(LIVE, token(1))] if half else [tap(LIVE, token(1)), b""])))
            assert again.endswith(b'{"won":true,"award":"1-0","fen":100,"sponsor":1,"repeat":true}')

    run(scenario)


def test_metrics_show_every_family_of_the_front_with_its_value() -> None:
    async def scenario() -> None:
        async with rig() as made:
            await soon(made.exchange(tap(LIVE, token(1)) * 9 + tap(99, token(1))))
            made.metrics.append_done("live", "ok", 0.003)
            made.metrics.awarded("live", 2, 300)
            made.metrics.set_clock(0.25, True)
            made.metrics.set_switches(made.front.switches)
            raw = await soon(made.exchange(get("/metrics"), at=made.pages))
        text = raw.partition(b"\r\n\r\n")[2].decode()
        families = {family.name: family for family in text_string_to_metric_families(text)}
        for metric in METRICS:
            if "front" in metric.process:
                family = families[metric.name.removesuffix("_total")]
                assert (family.type, family.documentation) == (metric.kind, metric.help)
        values = {(s.name, *sorted(s.labels.items())): s.value for f in families.values() for s in f.samples}
        live = ("lane", "live")
        assert values["hongbao_requests_total", live, ("outcome", "lose")] == 7
        assert values["hongbao_requests_total", live, ("outcome", "refused")] == 3
        assert values["hongbao_refusals_total", ("code", "too_fast"), live] == 2
        assert values["hongbao_refusals_total", ("code", "unknown_round"), live] == 1
        assert values["hongbao_appends_total", live, ("verdict", "ok")] == 1
        assert values["hongbao_append_duration_seconds_bucket", live, ("le", "0.0025")] == 0
        assert values["hongbao_append_duration_seconds_bucket", live, ("le", "0.005")] == 1
        assert values["hongbao_append_duration_seconds_count", live] == 1
        assert values["hongbao_packets_issued_total", live] == 2
        assert values["hongbao_awarded_fen_total", live] == 300
        assert values[("hongbao_clock_offset_seconds",)] == 0.25
        assert values["hongbao_switch", ("key", "draw.award"), live] == 1
        assert values[("hongbao_front_connections",)] == 0

    run(scenario)


def test_ready_only_while_serving_on_both_ports() -> None:
    async def scenario() -> None:
        async with rig() as made:
            for at in (made.server.address, made.pages):
                assert statuses(await soon(made.exchange(get("/readyz"), at=at))) == [200]
                made.front.serving = False
                assert statuses(await soon(made.exchange(get("/readyz"), at=at))) == [503]
                assert statuses(await soon(made.exchange(get("/healthz"), at=at))) == [200]
                made.front.serving = True

    run(scenario)


def test_figures_are_read_on_their_own_port_and_taps_are_not_made_there() -> None:
    async def scenario() -> None:
        async with rig(win_every=1) as made:
            assert made.pages != made.server.address
            refused = await soon(made.exchange(get("/metrics")))
            assert statuses(refused) == [404]
            assert b'{"error":{"code":"not_found"' in refused
            assert statuses(await soon(made.exchange(tap(LIVE, token(1)), at=made.pages))) == [404]
            assert not made.touched

    run(scenario)


def test_the_event_loops_lag_is_seen() -> None:
    async def scenario() -> None:
        async with rig() as made:
            await eventually(lambda: sum(made.metrics.loop_lag.counts) >= 3, "the timer fires")
            assert made.metrics.loop_lag.sum >= 0

    run(scenario)


@settings(max_examples=25, deadline=None)
@given(
    edits=st.lists(st.tuples(st.integers(0, 160), st.integers(0, 2), st.binary(max_size=2)), min_size=1, max_size=3),
    at=st.integers(1, 160),
)
def test_damaged_taps_never_win_and_never_stop_the_front(edits: list[tuple[int, int, bytes]], at: int) -> None:
    raw = tap(LIVE, token(1)[:-1] + b"x")
    for place, length, put in edits:
        place %= len(raw)
        raw = raw[:place] + put + raw[place + length :]

    async def scenario() -> None:
        async with rig(win_every=1) as made:
            got = statuses(await soon(made.exchange(raw[:at], raw[at:])))
            assert 200 not in got
            assert 202 not in got
            assert not made.touched
            assert statuses(await soon(made.exchange(get("/healthz")))) == [200]

    run(scenario)
