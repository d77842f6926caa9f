"""Versions of the rate plan: which window may follow, when it is too late; and a cannon that plays them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.engine import cannon as module
from harness.engine.cannon import Cannon
from harness.engine.config import Beside, CannonConfig, ConfigError
from harness.engine.gun import IDLE
from harness.engine.loading import load
from harness.engine.results import result
from harness.engine.schedule import ScheduleError, constant, schedule
from harness.engine.versions import AHEAD_NS, AppendOrder, PlanVersions

S = 1_000_000_000
WINDOW = {"kind": "constant", "rate_rps": 40, "duration_s": 5, "phase": 1}


def order(version: int, **changes: Any) -> AppendOrder:
    return AppendOrder.of(json.dumps({"version": version, "segments": [[WINDOW | changes]]}), 1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param('{"segments": [[]]}', "no window: 'version'", id="no number"),
        pytest.param('{"version": 1}', "no window: 'segments'", id="no segments"),
        pytest.param('{"version": 1, "segments": [3]}', "no window: ", id="no list"),
        pytest.param('{"version": 1, "segments": [[]]}', "a rate plan without segments", id="no piece"),
        pytest.param(json.dumps({"version": 1, "segments": [[WINDOW], [WINDOW]]}), "2 journeys; expected 1", id="two"),
    ],
)
def test_what_is_no_window_is_refused(text: str, says: str) -> None:
    with pytest.raises(ScheduleError, match=says):
        AppendOrder.of(text, 1)


def test_the_journeys_of_a_window_are_of_one_length() -> None:
    text = json.dumps({"version": 1, "segments": [[WINDOW], [WINDOW | {"duration_s": 6}]]})
    with pytest.raises(ScheduleError, match="several lengths"):
        AppendOrder.of(text, 2)


def test_numbers_have_no_gap_and_the_same_order_twice_is_done_once() -> None:
    versions = PlanVersions()
    assert versions.follows(order(1), 0, 5 * S)
    versions.append(order(1), 5 * S)
    assert not versions.follows(order(1), 9 * S, 10 * S), "however late it is said again"
    with pytest.raises(ScheduleError, match="window 1 is another one here; what stands is not changed"):
        versions.follows(order(1, rate_rps=41), 0, 10 * S)
    for number in (0, 3):
        with pytest.raises(ScheduleError, match=f"window {number} out of turn; expected window 2"):
            versions.follows(order(number), 0, 10 * S)
    assert versions.follows(order(2), 0, 10 * S)
    assert versions.played == [{"version": 1, "at_ns": 5 * S, "segments": [[WINDOW]]}]


def test_a_window_is_known_a_second_before_it_begins_or_not_at_all() -> None:
    versions = PlanVersions()
    assert versions.follows(order(1), 5 * S - AHEAD_NS, 5 * S)
    with pytest.raises(ScheduleError, match="window 1 comes 20 ms too late: a second before it begins"):
        versions.follows(order(1), 5 * S - AHEAD_NS + 20_000_000, 5 * S)


class StillClock:
    """Stands where a test puts it."""

    def __init__(self) -> None:
        self.now_ns = 100 * S

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> StillClock:
    clock = StillClock()
    monkeypatch.setattr(module, "monotonic_ns", clock)
    return clock


def config(folder: Path, **more: Any) -> CannonConfig:
    tokens = folder / "tokens"
    tokens.write_text("".join(f"{uid}.9.ff\n" for uid in range(1000, 1200)))
    given: dict[str, Any] = {
        "fronts": ("127.0.0.1:7001",),
        "segments": (WINDOW | {"rate_rps": 0.2},),
        "tokens": str(tokens),
        "result": str(folder / "result.json"),
        "slots": 50,
        "connections": 50,
        "goes_on": True,
        "room": 500,
    }
    return CannonConfig(**given | more)


WALLET = Beside("wallet", "wallet", ("127.0.0.1:7003",), (WINDOW | {"rate_rps": 4},), 10, 10, room=50)


def firing(given: CannonConfig, clock: StillClock, monkeypatch: pytest.MonkeyPatch) -> tuple[Cannon, list[Any]]:
    """A cannon at its first intended request, without a connection; and what it says."""
    one, said = Cannon(given, load(given)), list[Any]()
    monkeypatch.setattr(one, "say", said.append)
    one.start_ns = clock.now_ns
    one.loaded.tape.shift(clock.now_ns)
    one.gun.open_fire()
    return one, said


def append(one: Cannon, version: int, *rates: float) -> None:
    segments = [[WINDOW | {"rate_rps": rate}] for rate in rates]
    one.obey("append " + json.dumps({"version": version, "segments": segments}))


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_append_one_plan(
    workers: int, tmp_path: Path, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    cannons = [
        firing(config(tmp_path, worker=worker, workers=workers), clock, monkeypatch) for worker in range(workers)
    ]
    assert sum(len(one.loaded.tape) for one, _ in cannons) == 1, "one request"
    for one, said in cannons:
        append(one, 1, 20)
        assert said == [{"event": "window", "version": 1, "at_ns": 105 * S, "taps": len(one.loaded.tape)}]
        assert one.gun.end == len(one.loaded.tape)
    clock.now_ns += 6 * S
    for one, _ in cannons:
        append(one, 2, 40)
    times = np.sort(np.concatenate([one.loaded.tape.times(one.loaded.tape.intended) for one, _ in cannons]))
    alone = [schedule(constant(20, 5), 2).intended_ns + 105 * S, schedule(constant(40, 5), 3).intended_ns + 110 * S]
    assert times.tolist() == np.concatenate([[100 * S], *alone]).tolist(), "one after the other, without a gap"
    assert {one.plan_ns for one, _ in cannons} == {15 * S}
    assert [row["version"] for row in cannons[0][0].versions.played] == [1, 2]


def test_journeys_beside_go_on_with_the_taps(
    tmp_path: Path, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, said = firing(config(tmp_path, beside=(WALLET,)), clock, monkeypatch)
    append(one, 1, 20)
    assert "segments of 1 journeys; expected 2" in said.pop()["message"]
    append(one, 1, 20, 4)
    assert said.pop()["event"] == "window"
    assert [int((one.loaded.tape.journey == number).sum()) for number in (0, 1)] == [1 + 100, 20 + 20]


def test_what_a_cannon_refuses_changes_nothing(
    tmp_path: Path, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, said = firing(config(tmp_path), clock, monkeypatch)
    append(one, 2, 20)
    append(one, 1, 200)
    one.obey("append what")
    one.obey('append {"version": 1, "segments": [[7]]}')
    one.obey("rate " + json.dumps({"version": 1, "at_ns": 0, "segments": [WINDOW]}))
    clock.now_ns += 4 * S + 1
    append(one, 1, 20)
    says = ["out of turn", "room for 500", "Expecting value", "", "the windows of this plan say its rate", "too late"]
    assert len(said) == len(says)
    for told, words in zip(said, says, strict=True):
        assert told["event"] == "error"
        assert words in told["message"]
    assert (len(one.loaded.tape), one.gun.end, one.plan_ns, one.versions.played) == (1, 1, 5 * S, [])
    one.stop("ordered")
    clock.now_ns -= 4 * S
    append(one, 1, 20)
    assert "not firing a plan that goes on" in said[-1]["message"]


def test_a_plan_that_does_not_go_on_takes_no_window(
    tmp_path: Path, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, said = firing(config(tmp_path, goes_on=False, room=0, rate_headroom=9.0), clock, monkeypatch)
    append(one, 1, 1)
    assert "not firing a plan that goes on" in said[-1]["message"]


def test_it_lasts_until_its_end_though_no_request_is_due(
    tmp_path: Path, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = firing(config(tmp_path), clock, monkeypatch)
    one.gun.next = one.gun.end  # its one request was sent, and answered
    one._house(clock.now_ns + 4 * S)
    assert not one.over.is_set(), "a window may still come"
    one._house(clock.now_ns + 5 * S)
    assert one.over.is_set()


BODY = b'{"won":false,"next_ms":143}'
LOST = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY


def test_what_was_appended_is_sent_at_its_time_and_every_count_closes(
    tmp_path: Path, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pacer on a clock that a test moves, over a pipe in place of a connection."""
    monkeypatch.setattr("harness.engine.gun.monotonic_ns", clock)
    one, said = firing(config(tmp_path, slots=1, connections=1), clock, monkeypatch)
    reader, writer = os.pipe()
    [wire] = one.gun.connections
    wire.tap, wire.fd = IDLE, writer
    requests = 0
    while not one.over.is_set():
        if len(one.versions.played) < 3 and clock.now_ns >= 100 * S + one.plan_ns - 2 * S:
            append(one, len(one.versions.played) + 1, 4)
        one.tick()
        if wire.tap >= 0:
            requests += os.read(reader, 1 << 16).count(b"POST ")
            wire.data_received(LOST)
        clock.now_ns += S // 100
    os.close(reader)
    os.close(writer)
    tape = one.loaded.tape
    assert requests == len(tape) == 1 + 3 * 20
    assert clock.now_ns >= 100 * S + 20 * S, "until the end of the last window"
    lag = tape.times(tape.sent) - tape.times(tape.intended)
    assert (lag >= 0).all()
    assert (lag <= S // 100).all(), "none was moved"
    one.tally.take()
    account = result(
        tape,
        start_ns=100 * S,
        plan_ns=one.plan_ns,
        stopped_ns=None,
        journeys=one.tally.fired(),
        cpu=[],
        objective_ms=50,
    )
    assert set(account["load"]["residues"].values()) == {0}
    assert account["load"]["outcomes"]["lose"] == 61
    assert account["load"]["measured"]["seconds"] == 20.0
    assert [told["event"] for told in said if told["event"] == "error"] == []


def test_it_ends_at_once_when_it_is_stopped(tmp_path: Path, clock: StillClock, monkeypatch: pytest.MonkeyPatch) -> None:
    one, _ = firing(config(tmp_path), clock, monkeypatch)
    one.stop("ordered")
    one._house(clock.now_ns + S)
    assert one.over.is_set()


def test_users_and_probes_are_spread_over_what_is_expected(tmp_path: Path) -> None:
    loaded = load(config(tmp_path, expected=250))
    assert loaded.tape.capacity == 500
    users = loaded.strands[0].part(0, 500).user
    assert set(users[:250].tolist()) == set(range(200)), "every user comes, if all goes well"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        pytest.param({"goes_on": False}, "does not go on", id="room for nothing"),
        pytest.param({"expected": 501}, "501 expected requests, but room for 500", id="more than there is room for"),
        pytest.param({"goes_on": False, "room": 0, "beside": (WALLET,)}, "does not go on", id="room beside"),
    ],
)
def test_an_order_that_contradicts_itself_is_refused(tmp_path: Path, more: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        config(tmp_path, **more)


def test_counts_say_how_far_into_the_plan_they_are(
    tmp_path: Path, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, said = firing(config(tmp_path), clock, monkeypatch)
    for passed in (1, 1.5):
        one._house(clock.now_ns + round(passed * S))
    assert [told["at_s"] for told in said if told["event"] == "counts"] == [1.5]
