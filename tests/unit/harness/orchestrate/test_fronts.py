"""The fronts of a run, one by one; and users who make them uneven."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from harness.engine.recorder import write_history
from harness.errors import EnvironmentNotReady
from harness.orchestrate.account import RunAccount
from harness.orchestrate.fronts import fronts_of, fronts_seen, uneven_tokens
from system.contract.history import OP_DTYPE, Kind, Outcome
from system.contract.routing import Topology, front_of
from tests.support.sample_run import record
from xiu.commands.run import summary

TWO = Topology(("http://a:1", "http://b:2"), (0, 0))
ONE = Topology(("http://a:1",), (0,))
TAP: dict[str, object] = {"journey": "tap", "shot": "tap", "outcomes": [one.name.lower() for one in Outcome]}


def tokens(first: int, count: int) -> list[str]:
    return [f"{uid}.9.ff" for uid in range(first, first + count)]


@pytest.mark.parametrize(
    ("fronts", "last", "wanted"),
    [
        pytest.param(2, 0.25, [75, 25], id="a quarter of two"),
        pytest.param(2, 0.99, [1, 99], id="nearly all"),
        pytest.param(3, 0.1, [45, 45, 10], id="the rest is even"),
    ],
)
def test_so_many_users_belong_to_the_last_front(fronts: int, last: float, wanted: list[int]) -> None:
    to = Topology(tuple(f"http://a:{port}" for port in range(1, fronts + 1)), (0,) * fronts)
    found = uneven_tokens(tokens, 1_000_000, 100, last, to)
    uids = [int(token.partition(".")[0]) for token in found]
    assert len(set(uids)) == 100
    counted = Counter(front_of(uid, to) for uid in uids)
    assert [counted[front] for front in range(fronts)] == wanted


def test_one_front_cannot_be_uneven() -> None:
    with pytest.raises(EnvironmentNotReady, match="one front; expected two"):
        uneven_tokens(tokens, 1, 10, 0.25, ONE)


def history(folder: Path) -> Path:
    """100 measured taps of ten users of front 0, 10 ms each, and 50 of five users of front 1, 30 ms; and some that do
    not count.
    """
    of = {front: [uid for uid in range(1, 60) if front_of(uid, TWO) == front] for front in (0, 1)}
    uids = [*of[0][:10] * 10, *of[1][:5] * 10, *of[0][:7]]
    records = np.zeros(len(uids), OP_DTYPE)
    records["uid"], records["phase"], records["kind"] = uids, 1, Kind.TAP
    records["intended_ns"] = records["reached_ns"] = records["sent_ns"] = np.arange(len(uids)) * 1_000_000 + 1
    records["done_ns"] = records["sent_ns"] + np.where(np.arange(len(uids)) < 100, 10_000_000, 30_000_000)
    records["http"], records["outcome"] = 200, Outcome.LOSE
    records["outcome"][:3] = Outcome.WIN
    records["outcome"][100], records["done_ns"][100] = Outcome.UNKNOWN, 0
    records["phase"][-7:-4] = 0
    records["kind"][-4:-2] = Kind.FORGED
    records["journey"][-2:] = 1
    write_history(folder, [records], "run", 1, 0, [TAP, {**TAP, "journey": "b"}])
    return folder


def test_each_front_has_its_own_taps_and_times(tmp_path: Path) -> None:
    left, right = fronts_seen(history(tmp_path / "history"), TWO)
    assert (left.front, left.users, left.sent, left.wins, left.unknown) == (0, 10, 100, 3, 0)
    assert (right.front, right.users, right.sent, right.wins, right.unknown) == (1, 5, 50, 0, 1)
    assert left.response_ms.p50 == pytest.approx(10, rel=0.01)
    assert right.response_ms.p50 == pytest.approx(30, rel=0.01)
    assert fronts_seen(tmp_path / "history", ONE) == ()
    told = "\n".join(summary(record(fronts=(left, right))))
    assert "of each front" in told
    assert "front-1" in told


def test_a_run_without_a_history_tells_nothing_of_its_fronts(tmp_path: Path) -> None:
    assert fronts_of(RunAccount(), tmp_path) == ()
    assert fronts_of(RunAccount(topology=TWO), tmp_path) == ()
