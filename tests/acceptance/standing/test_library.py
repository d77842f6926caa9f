"""Plans of the library, played in short form on the stack that stands."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.command import Xiu, not_sound, valid_or_late

pytestmark = pytest.mark.serial


def played(xiu: Xiu, plan: str, *words: str) -> dict[str, Any]:
    """The plan's record: green, or INVALID because the machine was busy."""
    done = xiu.valid("plan", "run", plan, "--short", "--progress", "none", "--json", *words)
    assert done.stdout, done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    assert valid_or_late(record), record["reasons"]
    assert not_sound(record) == []
    assert record["money"]["residue_fen"] == record["wins"]["residue"] == 0
    return record


def test_the_smallest_of_all(xiu: Xiu) -> None:
    record = played(xiu, "smoke")
    assert record["load"]["scheduled"] == record["load"]["sent"] == 1500


def test_ninety_of_the_public_and_ten_of_the_stress_lane(xiu: Xiu) -> None:
    """Neither lane leaves a trace in the other, and each one's books close by themselves."""
    record = played(xiu, "ninety-ten")
    tap, public = record["traffic"]
    assert (tap["journey"], public["journey"]) == ("tap", "public")
    assert (tap["sent"], public["sent"]) == (1500, 13_500)
    # At the very edges of the window a clock may differ by a millisecond; a user may tap too fast by one.
    assert set(public["refused_by_status"]) <= {"409", "410", "429"}
    assert public["outcomes"]["win"] > 0
    guard = record["guard"]
    live, proof = guard["live_lane"], guard["public"]
    assert (live["before"], live["changed"]) == (live["after"], [])
    assert (live["into_live"], live["into_stress"]) == (0, 0)
    assert proof["wins_seen"] == public["outcomes"]["win"]
    # On a slow disk an answer may come before its win is known to be safe.
    assert 0 <= proof["wins_posted"] - proof["wins_seen"] <= proof["doubtful"]
    assert (proof["residue_fen"], proof["broken"]) == (0, [])
    assert proof["budget_fen"] == proof["credited_fen"] + proof["refunded_fen"]
    page = (xiu.runs()[-1] / "report.html").read_text(encoding="utf-8")
    assert "its books close by themselves" in page


def test_the_stampede_after_the_last_packet(xiu: Xiu) -> None:
    """Everything is won in the first second, and everybody taps on, for nothing."""
    record = played(xiu, "sold-out-stampede")
    money, outcomes = record["money"], record["load"]["outcomes"]
    assert (money["credited_fen"], money["refunded_fen"]) == (money["budget_fen"], 0)
    assert 0 < outcomes["win"] < outcomes["lose"] / 10, outcomes


def test_the_whole_link_at_once(xiu: Xiu) -> None:
    """Every journey of it finds something to do, and each one's counts close. Cards and money have moved."""
    record = played(xiu, "full-link")
    done: dict[str, int] = {}
    for one in record["traffic"]:
        assert one["scheduled"] == one["sent"] + one["dropped"] + one["unfed"] + one["unsent"], one["journey"]
        assert one["sent"] == sum(one["outcomes"].values()) > 0, one["journey"]
        done |= {f"{one['journey']} {outcome}": count for outcome, count in one["outcomes"].items()}
    assert len(record["traffic"]) > 10
    moved = ("shares opened", "claims claimed", "tickets card", "gifts given", "payouts ordered")
    assert {what: done[what] > 0 for what in moved} == dict.fromkeys(moved, True)
    assert record["season"]["state"] == "paid"
