"""What speaks beside the CPU: each figure from metrics made up, over two stairs; and which of them is the suspect."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from harness.capacity.answer import answer_of
from harness.capacity.looks import StairLook, stairs_of
from harness.capacity.signs import HOST, KINDS, METRICS, WAIT_FOR_DISK, Samples, SystemSample, around, signs_of
from harness.phrases import chinese
from harness.runs.capacity import CapacityAnswer, LimitSign
from system.contract.metrics import METRICS as CATALOGUE
from tests.support.climb_looks import SPAN_S, TWO, WINDOWS, asked, busy

STAIR_S = WINDOWS * SPAN_S
LOOP, APPEND = "hongbao_eventloop_lag_seconds_bucket", "hongbao_append_duration_seconds_bucket"
WAITS = ("locks", "append", "loop")


def one(name: str, value: float, **labels: str) -> Samples:
    return {(name, frozenset(labels.items())): value}


def buckets(name: str, quick: float, slow: float, **labels: str) -> Samples:
    """So many within a millisecond, so many within 50 ms, none beyond."""
    rows = {"0.001": quick, "0.05": quick + slow, "0.2": quick + slow, "+Inf": quick + slow}
    return {(name, frozenset({"le": edge, **labels}.items())): count for edge, count in rows.items()}


def told(part: str, *samples: Samples) -> list[SystemSample]:
    """At the beginning, between both stairs, and at the end."""
    return [SystemSample(at_s, {part: one}) for at_s, one in zip((0.0, STAIR_S, 2 * STAIR_S), samples, strict=True)]


def sessions(used: float) -> Samples:
    return one("hongbao_postgres_sessions", used, state="active") | one("hongbao_postgres_sessions_limit", 100.0)


def places(used: float) -> Samples:
    return one("hongbao_front_connections", used) | one("hongbao_front_places", 1000.0)


def lost(full: float) -> Samples:
    name = "hongbao_front_connections_dropped_total"
    return one(name, full, why="full") | one(name, 0.0, why="files") | one(name, 9e9, why="idle")


def aof(seconds: float) -> Samples:
    return one("hongbao_valkey_aof_seconds_total", seconds)


def locks(waiting: float) -> Samples:
    return one("hongbao_postgres_locks", waiting, state="waited_for") | one("hongbao_postgres_locks", 9e9, state="held")


def wins(quick: float, slow: float) -> Samples:
    return buckets(APPEND, quick, slow, lane="stress") | buckets(APPEND, 0.0, 9e9, lane="live")


def waited(seconds: float) -> Samples:
    return one(WAIT_FOR_DISK, seconds)


EACH = [
    pytest.param("stores", [aof(0), aof(3), aof(17)], "win_log_disk", 93.333, 20.0, True, id="the win log's disk"),
    pytest.param("stores", [aof(0), aof(3), aof(6)], "win_log_disk", 20.0, 20.0, False, id="which has time left"),
    pytest.param(HOST, [waited(0), waited(1.5), waited(12)], "host_disk", 70.0, 10.0, True, id="this host's disk"),
    pytest.param(HOST, [waited(0), waited(1.5), waited(3)], "host_disk", 10.0, 10.0, False, id="which is quick"),
    pytest.param("stores", [sessions(3), sessions(4), sessions(95)], "sessions", 95.0, 4.0, True, id="sessions"),
    pytest.param("stores", [sessions(3), sessions(4), sessions(5)], "sessions", 5.0, 4.0, False, id="enough of them"),
    pytest.param("front-0", [places(9), places(9), places(999)], "places", 99.9, 0.9, True, id="places"),
    pytest.param("front-0", [lost(0), lost(0), lost(30)], "turned_away", 2.0, 0.0, True, id="turned away"),
    pytest.param("front-0", [lost(0), lost(0), lost(3)], "turned_away", 0.2, 0.0, False, id="one now and then"),
    pytest.param("stores", [locks(0), locks(0), locks(7)], "locks", 7.0, 0.0, True, id="locks"),
    pytest.param("stores", [locks(7), locks(7), locks(8)], "locks", 8.0, 7.0, False, id="a wait that was there before"),
]  # fmt: skip


@pytest.mark.parametrize(("part", "samples", "what", "value", "before", "speaks"), EACH)
def test_each_figure_over_two_stairs(
    part: str, samples: list[Samples], what: str, value: float, before: float, speaks: bool
) -> None:
    found = signs_of(stairs(), told(part, *samples), "stress", 0.1, 2)
    (sign,) = [one for one in found if one.what == what]
    assert (sign.part, sign.value, sign.before, sign.speaks) == (part, value, before, speaks)
    assert (sign.rate_rps, sign.before_rps, sign.wait) == (2000.0, 1000.0, what in WAITS)


def stairs() -> list[StairLook]:
    return stairs_of(TWO)


def test_percentiles_are_of_the_stair_and_of_the_lane_alone() -> None:
    samples = [
        buckets(LOOP, 0, 0) | wins(0, 0),
        buckets(LOOP, 5000, 0) | wins(500, 0),
        buckets(LOOP, 9000, 1000) | wins(900, 100),
    ]
    found = {one.what: one for one in signs_of(stairs(), told("front-0", *samples), "stress", 0.1, 2)}
    # Of a thousand that are new a fifth, or of five hundred one: the last hundredth of the bucket from 1 to 50 ms.
    assert found["loop"].value == pytest.approx(1 + 49 * 0.95)
    assert found["loop"].before == pytest.approx(0.99)
    assert found["loop"].speaks, "a quarter of 100 ms is 25"
    assert (found["append"].value, found["append"].speaks) == (pytest.approx(1 + 49 * 0.95), False)
    assert signs_of(stairs(), told("front-0", *(wins(n, 0) for n in (0, 50, 99))), "stress", 0.1, 2) == ()


def test_what_is_not_told_or_began_anew_is_left_out() -> None:
    assert signs_of([], told("stores", aof(0), aof(1), aof(2)), "stress", 0.1, 2) == ()
    assert signs_of(stairs(), [], "stress", 0.1, 2) == ()
    assert signs_of(stairs(), told("stores", aof(9), aof(10), aof(1)), "stress", 0.1, 2) == ()
    (first,) = signs_of(stairs(), told("stores", aof(9), aof(1), aof(2)), "stress", 0.1, 2)
    assert (first.before, first.before_rps) == (None, None)
    gone = [SystemSample(0.0, {"stores": aof(0)}), SystemSample(2 * STAIR_S, {})]
    assert signs_of(stairs(), gone, "stress", 0.1, 2) == ()
    assert around(gone[:1], 0.0, 1.0) is None


def test_every_metric_that_is_looked_at_is_one_of_the_system_s() -> None:
    known = {metric.name for metric in CATALOGUE} | {f"{metric.name}_bucket" for metric in CATALOGUE}
    assert METRICS - known == {WAIT_FOR_DISK}
    assert len({kind.name for kind in KINDS}) == len(KINDS)


def suspected(
    used: Mapping[str, tuple[float, float]], samples: list[SystemSample], red: float | None = 2000.0
) -> CapacityAnswer:
    return answer_of(TWO, asked(1000.0, red), busy(used, STAIR_S), samples)


IDLE = {"front-0": (0.3, 0.6), "machine": (0.5, 0.9)}
FULL = {"front-0": (0.5, 0.97), "machine": (1.0, 1.2)}
CROWDED = {"front-0": (0.3, 0.6), "machine": (1.0, 1.95)}
DISK, LOCKS = told("stores", aof(0), aof(3), aof(17)), told("stores", locks(0), locks(0), locks(7))
QUIET = told("stores", aof(0), aof(3), aof(6))


@pytest.mark.parametrize(
    ("used", "samples", "red", "says"),
    [
        pytest.param(FULL, DISK, 2000.0, "front-0: 0.97 of its 1 core busy at 2,000/s", id="a core comes first"),
        pytest.param(
            IDLE, DISK, 2000.0,
            "share of the time in which the win log's store writes and syncs its file (stores): 93.3% at 2,000/s, "
            "20% at 1,000/s, and 85% is too much: look there first", id="what runs out, with its evidence",
        ),
        pytest.param(CROWDED, DISK, 2000.0, "share of the time in which the win log's", id="before the machine"),
        pytest.param(CROWDED, LOCKS, 2000.0, "this machine: 1.95 of its 2 cores busy", id="and it before a wait"),
        pytest.param(
            IDLE, LOCKS, 2000.0, "locks that are waited for in PostgreSQL (stores): 7 at 2,000/s, 0 at 1,000/s, and 2",
            id="a wait, where nothing ran out",
        ),
        pytest.param({}, LOCKS, 2000.0, "locks that are waited for", id="of a system whose CPU is not known"),
        pytest.param(
            IDLE, QUIET, 2000.0,
            "no suspect: none of 2 figures was beyond its bound (nearest: front-0, 0.60 of its 1 core; share of the "
            "time in which the win log's store writes and syncs its file (stores), 20% of 85%). What ended the climb "
            "is not seen from inside", id="nothing speaks",
        ),
        pytest.param({}, QUIET, 2000.0, "no suspect: none of 1 figure was beyond its bound (nearest: share", id="one"),
        pytest.param(IDLE, DISK, None, "no end was met; next: share of the time", id="what is next"),
        pytest.param(IDLE, QUIET, None, "no end was met, and no part was near its limit (front-0", id="no end"),
        pytest.param({}, QUIET, None, "no end was met, and none of 1 figure was near its bound", id="nor a CPU"),
    ],
)  # fmt: skip
def test_the_suspect_is_what_speaks(
    used: Mapping[str, tuple[float, float]], samples: list[SystemSample], red: float | None, says: str
) -> None:
    found = suspected(used, samples, red)
    assert found.suspect.text.startswith(says), found.suspect.text
    assert chinese(found.suspect.says, found.suspect.data)


def test_a_suspect_of_the_last_stair_alone_has_no_stair_below() -> None:
    first = TWO[len(TWO) // 2 :]
    samples = [SystemSample(STAIR_S, {"stores": aof(0)}), SystemSample(2 * STAIR_S, {"stores": aof(14)})]
    found = answer_of(first, asked(None, 2000.0), busy({}, 0.0), samples)
    assert found.suspect.text.endswith("93.3% at 2,000/s, and 85% is too much: look there first")
    found = answer_of(first, asked(2000.0, None), busy({}, 0.0), samples)
    assert found.suspect.text.startswith("no end was met; next: share")
    assert found.suspect.text.endswith("93.3% at 2,000/s, and 85% is too much")
    assert isinstance(found.signs[0], LimitSign)
