"""Who keeps its place when places are short, and how long silence may last."""

from __future__ import annotations

import logging
import resource
from dataclasses import dataclass, replace
from typing import Any

import pytest

from system.contract.errors import SettingsError
from system.front import places
from system.front.metrics import FrontMetrics
from system.front.places import NEVER_SPOKE, TURNS, Places
from tests.support.front_parts import settings


@dataclass(eq=False)
class Client:
    name: str
    tapped: bool = False
    quiet: int = NEVER_SPOKE
    waits: bool = False
    gone: bool = False

    def cut(self) -> None:
        self.gone = True


class Room:
    """Places and a clock that only a test moves. Who was cut is out of the registry at once."""

    def __init__(self, most: int, **changes: Any) -> None:
        self.now_s = 0.0
        self.metrics = FrontMetrics()
        self.places = Places[Client](settings(connections_max=most, **changes), self.metrics, lambda: self.now_s)

    def comes(self, client: Client) -> bool:
        self.now_s += 1.0
        if not self.places.admit():
            return False
        self.settle()
        self.places.taken[client] = None
        return True

    def passes(self, seconds: int) -> None:
        for _ in range(seconds * TURNS):
            self.now_s += 1 / TURNS
            self.places.turn()
            self.settle()

    def settle(self) -> None:
        for client in [client for client in self.places.taken if client.gone]:
            del self.places.taken[client]

    def names(self) -> list[str]:
        return [client.name for client in self.places.taken]

    @property
    def dropped(self) -> dict[str, int]:
        return {why: count for why, count in self.metrics.connections_dropped.items() if count}


def test_who_goes_first_when_one_more_comes() -> None:
    room = Room(6)
    guests = [
        Client("taps", tapped=True, quiet=0),
        Client("tapped long ago", tapped=True, quiet=9),
        Client("tapped a while ago", tapped=True, quiet=6),
        Client("asks for pages", quiet=0),
        Client("said nothing, young", quiet=NEVER_SPOKE),
        Client("said nothing, old", quiet=NEVER_SPOKE + 3),
    ]
    for guest in guests:
        assert room.comes(guest)
    went = []
    for _ in range(5):
        before = room.names()
        assert room.comes(Client("new", tapped=True, quiet=0))
        went += [name for name in before if name not in room.names()]
    assert went == [
        "said nothing, old",
        "said nothing, young",
        "asks for pages",
        "tapped long ago",
        "tapped a while ago",
    ]
    assert not room.comes(Client("one too many")), "who taps keeps its place"
    assert "taps" in room.names()
    assert room.dropped == {"room": 5, "full": 1}
    assert len(room.places.taken) == room.places.most == room.metrics.places == 6


def test_of_those_equally_silent_the_first_to_come_goes_first_and_who_is_owed_an_answer_stays() -> None:
    room = Room(3)
    for guest in (Client("a", waits=True), Client("b"), Client("c")):
        room.comes(guest)
    assert room.comes(Client("d"))
    assert room.names() == ["a", "c", "d"]


def test_who_has_spoken_since_it_was_looked_at_stays() -> None:
    room = Room(2)
    first, second = Client("first", tapped=True, quiet=9), Client("second", tapped=True, quiet=8)
    room.comes(first)
    room.comes(second)
    third = Client("third", tapped=True, quiet=0)
    assert room.comes(third)
    second.quiet = 0
    assert not room.comes(Client("fourth"))
    assert room.names() == ["second", "third"]


def test_silence_ends() -> None:
    room = Room(10, first_word_s=60.0, idle_s=75.0)
    silent, spoke, owed = Client("silent"), Client("spoke", quiet=0), Client("owed", quiet=0, waits=True)
    for guest in (silent, spoke, owed):
        room.comes(guest)
    room.passes(58)
    assert room.names() == ["silent", "spoke", "owed"]
    room.passes(4)
    assert room.names() == ["spoke", "owed"]
    room.passes(10)
    assert room.names() == ["spoke", "owed"]
    spoke.quiet = 0
    room.passes(70)
    assert room.names() == ["spoke", "owed"]
    room.passes(8)
    assert room.names() == ["owed"]
    assert room.dropped == {"silent": 1, "idle": 1}


def test_where_places_are_short_who_says_nothing_is_waited_for_no_longer_than_for_a_request() -> None:
    room = Room(4, request_timeout_s=10.0)
    for name in "abcd":
        room.comes(Client(name))
    room.comes(Client("tapper", tapped=True, quiet=0))
    room.passes(12)
    assert room.names() == ["tapper"]


def test_it_is_said_and_not_a_thousand_times(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    room = Room(1)
    room.comes(Client("taps", tapped=True, quiet=0))
    for _ in range(15):
        assert not room.comes(Client("further"))
    told = [record for record in caplog.records if getattr(record, "why", "") == "full"]
    assert [getattr(record, "count", 0) for record in told] == [1, 11]
    assert room.dropped == {"full": 15}


def limited(monkeypatch: pytest.MonkeyPatch, soft: int, hard: int) -> list[tuple[int, int]]:
    set_to: list[tuple[int, int]] = []
    now = [(soft, hard)]

    def set_limit(_: int, limits: tuple[int, int]) -> None:
        set_to.append(limits)
        now[0] = limits

    monkeypatch.setattr(resource, "getrlimit", lambda _: now[0])
    monkeypatch.setattr(resource, "setrlimit", set_limit)
    return set_to


@pytest.mark.parametrize(
    ("soft", "hard", "set_to", "most"),
    [
        pytest.param(256, 1024, [(1024, 1024)], 896, id="up to the hard limit"),
        pytest.param(1024, 1_000_000, [(10_128, 1_000_000)], 10_000, id="no further than is wanted"),
        pytest.param(1024, resource.RLIM_INFINITY, [(10_128, resource.RLIM_INFINITY)], 10_000, id="no hard limit"),
        pytest.param(20_000, 20_000, [], 10_000, id="enough"),
        pytest.param(resource.RLIM_INFINITY, resource.RLIM_INFINITY, [], 10_000, id="no limit"),
    ],
)
def test_places_follow_the_limit_of_open_files(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, set_to: list[tuple[int, int]], most: int
) -> None:
    calls = limited(monkeypatch, soft, hard)
    limits = replace(settings(), connections_max=10_000, files_reserved=128)
    places.raise_file_limit(limits)
    assert calls == set_to
    assert places.places_of(limits) == most


def test_too_few_open_files_are_said_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, 128, 128)
    with pytest.raises(SettingsError, match="128 open files leave no place"):
        places.places_of(settings())


@pytest.mark.parametrize(
    "changes",
    [
        {"recent_s": 0.1}, {"recent_s": 80.0}, {"request_timeout_s": 61.0}, {"first_word_s": 76.0},
        {"connections_max": 0}, {"files_reserved": 10},
    ],
)  # fmt: skip
def test_limits_check_each_other(changes: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        settings(**changes)
