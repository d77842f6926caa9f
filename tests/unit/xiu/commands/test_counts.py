"""`xiu status` tells what was counted: taps, people, shown sponsors, and what nobody counted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.control_client import ControlAway, ControlClient
from harness.stack import Stack
from system.contract.counts import CountedFigures, CountedMinute, CountedRound, Participation, Uncounted
from system.contract.ids import Lane
from xiu.commands import _counts

FIGURES: dict[str, Any] = {"taps": 12_345, "too_fast": 6, "people": 1_000, "exposures": {7: 200, 9: 40}}
GAP = Uncounted(front=1, instance=2, since_us=1_000_000, until_us=3_500_000)


def counted(number: int, *gaps: Uncounted) -> CountedRound:
    minutes = (CountedMinute(minute_us=0, exact=True, **FIGURES),)
    more: dict[str, Any] = {"exact": number != 4, "confirmed_us": 9, "minutes": minutes, "uncounted": gaps}
    return CountedRound(round=number, **more, **FIGURES)


class FourRounds:
    """A control with rounds 1 to 4 of the live lane; somebody took part in 1, 3 and 4."""

    asked: list[tuple[Lane, int]]

    def __init__(self) -> None:
        self.asked = []

    def __enter__(self) -> FourRounds:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def round_numbers(self, lane: Lane) -> list[int]:
        return [1, 4, 3, 2] if lane == "live" else []

    def participation(self, lane: Lane, number: int) -> Participation:
        self.asked.append((lane, number))
        rounds = (counted(number, *([GAP] if number == 4 else [])),) if number != 2 else ()
        return Participation(lane=lane, evening=CountedFigures(**FIGURES), exact=number != 4, rounds=rounds)


def stack(play_url: str | None = "http://play") -> Stack:
    return cast(Stack, SimpleNamespace(addresses=SimpleNamespace(control_url="http://control", play_url=play_url)))


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch) -> FourRounds:
    one = FourRounds()
    monkeypatch.setattr(ControlClient, "of", lambda _: one)
    return one


def test_the_newest_rounds_are_told_with_what_was_not_counted(control: FourRounds) -> None:
    found, unread = _counts.read(stack())
    assert control.asked == [("live", 3), ("live", 4)]
    figures = "12,345 taps, 1,000 people, 240 sponsors shown, 6 too fast"
    told = [
        "counted, of the newest rounds:", f"  live round 3: {figures}", f"  live round 4: {figures}",
        "    uncounted: 2.5 s of front 1, so these are lower bounds",
    ]  # fmt: skip
    assert list(_counts.lines(found, unread)) == told
    assert max(map(len, told)) <= 80
    first, second = _counts.document(found)["live"]
    assert (first["round"], first["people"], first["uncounted"]) == (3, 1_000, [])
    assert second["uncounted"] == [GAP.model_dump()]
    assert "minutes" not in first


def test_a_stack_without_play_has_no_counts_and_a_silent_one_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _counts.read(stack(None)) == ({}, "")
    assert list(_counts.lines({"live": (), "stress": ()}, "")) == []

    def away(_: object) -> ControlClient:
        raise ControlAway("GET /v1/rounds does not answer: refused\nmore")

    monkeypatch.setattr(ControlClient, "of", away)
    found, unread = _counts.read(stack())
    assert (found, list(_counts.lines(found, unread))) == (
        {}, ["counted: not known, GET /v1/rounds does not answer: refused"],
    )  # fmt: skip
