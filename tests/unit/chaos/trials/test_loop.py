"""Kill trials counted and planned: pure, on made-up histories."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from chaos.trials.count import PARTS, KillMark, Postings, Recovery, Trial, count, fronts_behind, killed
from chaos.trials.crowd import Crowd
from chaos.trials.loop import due, read_trials, summary
from harness.errors import BadInput
from system.contract.history import OP_DTYPE, Outcome
from system.contract.places import system
from system.contract.routing import Topology, front_of

NS, US = 1_000_000_000, 1_000_000
WALL_US = 1_700_000_000 * US
"""Wall clock at monotonic 0 of these tests."""
NEVER = 0


def mark(part: str = "valkey", batch: str = "") -> KillMark:
    """Killed at second 10 of a trial from 9 to 13."""
    return KillMark(part, 1, 9 * NS, 10 * NS, WALL_US + 10 * US, 13 * NS, 0.5, batch)


def history(*taps: tuple[int, float, float, Outcome]) -> np.ndarray[tuple[int, ...], np.dtype[np.void]]:
    """(user, sent, done, outcome), seconds."""
    records = np.zeros(len(taps), OP_DTYPE)
    for row, (uid, sent, done, outcome) in zip(records, taps, strict=True):
        row["uid"], row["sent_ns"], row["done_ns"], row["outcome"] = uid, int(sent * NS), int(done * NS), outcome
    return records


def postings(*wins: tuple[int, float, float]) -> Postings:
    """(user, drawn, committed), seconds."""
    table = np.array(wins, float).reshape(-1, 3)
    times = WALL_US + (table[:, 1:] * US).astype(np.int64)
    return Postings(table[:, 0].astype(np.int64), times[:, 0], times[:, 1])


@pytest.mark.parametrize(
    ("tap", "win", "expected"),
    [
        pytest.param((7, 9.4, 9.5, Outcome.WIN), (7, 9.4, 9.6), (1, 0, 0), id="told before the kill"),
        pytest.param((7, 9.9, 10.8, Outcome.WIN), (7, 9.9, 11), (0, 1, 0), id="drawn before, told after: in flight"),
        pytest.param((7, 9.9, NEVER, Outcome.UNKNOWN), (7, 9.9, 11), (0, 1, 0), id="drawn before, never told"),
        pytest.param((7, 11, 11.1, Outcome.WIN), (7, 11, 11.2), (0, 0, 1), id="drawn and told after"),
        pytest.param((7, 11, 11.1, Outcome.REPEAT), (7, 11, 11.2), (0, 0, 1), id="seen first as a repeat"),
        pytest.param((7, 14, 14.1, Outcome.WIN), (7, 14, 14.2), (0, 0, 0), id="told in the next trial"),
        pytest.param((7, 8, 8.1, Outcome.WIN), (7, 8, 8.2), (0, 0, 0), id="told in the trial before"),
        pytest.param((7, 9.9, 9.95, Outcome.LOSE), (8, 9, 9.1), (0, 1, 0), id="somebody else lost"),
    ],
)
def test_a_win_stands_on_one_side_of_the_kill(
    tap: tuple[int, float, float, Outcome], win: tuple[int, float, float], expected: tuple[int, int, int]
) -> None:
    (trial,) = count([mark()], history(tap), postings(win))
    assert (trial.before, trial.in_flight, trial.after) == expected


def test_the_way_back_is_measured_from_the_kill() -> None:
    taps = history((1, 9.9, 10.05, Outcome.LOSE), (2, 10.2, 10.4, Outcome.LOSE), (3, 10.9, 11.0, Outcome.WIN))
    (trial,) = count([mark()], taps, postings((3, 10.9, 11.5)))
    assert trial.back == Recovery(ready=0.5, serves=0.4, wins=1.0, posts=1.5)
    assert trial.back_s == 1.0


def test_what_the_dying_process_answered_is_no_way_back() -> None:
    taps = history((1, 10.1, 10.15, Outcome.LOSE), (2, 10.3, 10.4, Outcome.LOSE))
    (trial,) = count([replace(mark("front-0"), gone_ns=int(10.2 * NS))], taps, postings())
    assert trial.back.serves == 0.4


@pytest.mark.parametrize(
    ("part", "batch", "hit"),
    [
        pytest.param("valkey", "", "append", id="a store of appends"),
        pytest.param("credit-live", "", "", id="credit between two batches"),
        pytest.param("credit-live", "batch", "batch", id="credit within one"),
        pytest.param("credit-live", "COMMIT", "COMMIT", id="credit, frozen before it was killed, within a COMMIT"),
        pytest.param("postgres", "batch", "batch", id="PostgreSQL within a batch: it was undone"),
        pytest.param("postgres", "COMMIT", "COMMIT?", id="PostgreSQL, a COMMIT that may have been over: not counted"),
        pytest.param("control", "", "", id="control stands in nobody's way"),
    ],
)
def test_what_a_kill_hit(part: str, batch: str, hit: str) -> None:
    (trial,) = count([mark(part, batch)], history(), postings((7, 9.9, 11)))
    assert trial.hit == hit
    assert trial.proven is (hit in ("append", "batch", "COMMIT"))
    assert summary([replace(trial, before=1, after=1)]).hits == trial.proven


@pytest.mark.parametrize(
    ("before", "after", "counts"), [pytest.param(0, 5, False), pytest.param(5, 0, False), pytest.param(1, 1, True)]
)
def test_a_kill_that_nobody_could_notice_does_not_count(before: int, after: int, counts: bool) -> None:
    assert trial_of("valkey", before=before, after=after).counts is counts


@pytest.mark.parametrize(
    ("back_s", "others", "late", "not_judged"),
    [
        pytest.param(2.5, 0.0, 1, 0, id="late"),
        pytest.param(2.5, 1.0, 0, 1, id="late on a machine that was busy with other work"),
        pytest.param(1.5, 1.0, 0, 0, id="in time all the same"),
        pytest.param(None, 0.0, 1, 0, id="never back"),
        pytest.param(None, 1.0, 1, 0, id="never back is no matter of cores"),
    ],
)
def test_a_limit_is_not_judged_on_a_busy_machine(
    back_s: float | None, others: float, late: int, not_judged: int
) -> None:
    found = summary([trial_of("front-0", back_s=back_s, others=others)])
    assert (len(found.late), found.not_judged, found.counted) == (late, not_judged, 1)
    assert ("1 late while others had the cores: not judged" in str(found)) is bool(not_judged)


def test_what_this_process_uses_is_not_other_work() -> None:
    crowd, until = Crowd([]), time.monotonic() + 0.5
    crowd.begin()
    used_s = time.process_time()
    while time.monotonic() < until:
        pass
    own = (time.process_time() - used_s) / 0.5
    assert crowd.cores() <= (os.cpu_count() or 1) - own + 0.2


def test_what_others_use_while_the_processes_are_looked_at_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [0.0]

    def look(_: Crowd) -> dict[int, float]:
        now_s[0] += 1.0
        return {}

    monkeypatch.setattr(Crowd, "_used", look)
    monkeypatch.setattr("chaos.trials.crowd.busy_s", lambda: 2 * now_s[0])
    monkeypatch.setattr("chaos.trials.crowd.time.monotonic", lambda: now_s[0])
    crowd = Crowd([])
    crowd.begin()
    now_s[0] += 1.0
    assert crowd.cores() == 2.0


def test_what_the_host_takes_from_this_machine_is_other_work(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [0.0]
    monkeypatch.setattr(Crowd, "_used", lambda _: {})
    times = psutil.cpu_times()
    if not hasattr(times, "steal"):
        pytest.skip("this system does not say what its host takes")
    monkeypatch.setattr("psutil.cpu_times", lambda: times._replace(steal=now_s[0] / 2, idle=now_s[0]))
    monkeypatch.setattr("chaos.trials.crowd.time.monotonic", lambda: now_s[0])
    crowd = Crowd([])
    crowd.begin()
    now_s[0] += 2.0
    assert crowd.cores() == 0.5


def trial_of(
    part: str, *, before: int = 1, after: int = 1, back_s: float | None = 0.5, closed: bool = True, others: float = 0.0
) -> Trial:
    return Trial(part, 1, 0.5, before, 1, after, "append", Recovery(back_s, back_s, back_s, back_s), others, closed)


def test_thirty_are_five_of_each() -> None:
    wanted = due([], 30, seed=4)
    assert {part: wanted.count(part) for part in PARTS} == dict.fromkeys(PARTS, 5)
    assert wanted == due([], 30, seed=4)
    assert wanted != due([], 30, seed=5)


def test_what_did_not_count_is_due_again() -> None:
    trials = [trial_of(part) for part in PARTS] + [trial_of("valkey", after=0)]
    assert sorted(due(trials, 7, seed=4)) == due([], 7, seed=4)[6:]


def test_a_summary_names_what_is_wrong() -> None:
    late = trial_of("front-0", back_s=2.5)
    found = summary([trial_of("valkey"), late, trial_of("postgres", closed=False), trial_of("control", before=0)])
    assert found.counted == 3
    assert found.late == (str(late),)
    assert found.open_books == (1,)
    assert "DO NOT CLOSE" in str(found)


def test_a_part_that_never_came_back_is_late() -> None:
    assert len(summary([trial_of("control", back_s=None)]).late) == 1


def written(path: Path, *trials: Trial, seed: int = 4) -> None:
    with path.open("a") as file:
        file.write(json.dumps({"seed": seed, "round": 1, "trials": [trial.to_json() for trial in trials]}) + "\n")


def test_an_earlier_call_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    assert read_trials(path, 4) == []
    first, second = trial_of("valkey"), replace(trial_of("front-0"), round=2)
    written(path, first)
    written(path, second)
    with path.open("a") as file:
        file.write('{"seed": 4, "trials": [{"pa')
    assert read_trials(path, 4) == [first, second]


def test_another_seeds_file_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    written(path, trial_of("valkey"))
    written(path, trial_of("valkey"), seed=5)
    with pytest.raises(BadInput, match=r"trials.jsonl:2"):
        read_trials(path, 4)


def test_every_part_of_every_cell_is_killed_in_turn() -> None:
    assert [place.name for place in killed(system(3, 2))] == [
        "front-0", "front-1", "front-2", "credit-live", "credit-live-1", "valkey", "valkey-1", "postgres", "toxiproxy",
        "control",
    ]  # fmt: skip
    assert tuple(place.name for place in killed(system())) == PARTS


@pytest.mark.parametrize(
    ("part", "fronts"),
    [("front-2", (2,)), ("valkey", (0, 2)), ("valkey-1", (1,)), ("credit-live-1", (1,)), ("postgres", (0, 1, 2))],
)
def test_a_kill_concerns_the_users_of_its_front_its_cell_or_all(part: str, fronts: tuple[int, ...]) -> None:
    topology = Topology(("a", "b", "c"), (0, 1, 0))
    assert fronts_behind(part, topology.cells) == fronts
    users = [next(uid for uid in range(1, 1000) if front_of(uid, topology) == front) for front in range(3)]
    taps = history(*((uid, 10.5, 10.6, Outcome.WIN) for uid in users))
    (trial,) = count([mark(part)], taps, postings(*((uid, 10.5, 10.7) for uid in users)), topology)
    assert trial.after == len(fronts), "wins of other cells went on all the while"
    assert trial.back.serves == trial.back.wins == 0.6
