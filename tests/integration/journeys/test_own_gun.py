"""Tasks of a locustfile on their schedule: none begins early, none ends the run, all are counted. In a process of its
own, as Locust patches what it is imported into.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.children import for_children
from tests.house import ROOT

PLAY = """
import json, sys
import gevent, numpy as np
from time import monotonic_ns
from locust import User, task
from locust.env import Environment
from harness.engine.answers import outcomes_of
from harness.engine.tape import NEVER, Tape
from harness.journeys.own_alarm import LoopAlarm
from harness.journeys.own_gun import TaskGun
from harness.journeys.own_tasks import OUTCOMES, StandingUser, leaves_of
from system.contract.history import Kind

MS = 1_000_000

def spin(ms):
    until = monotonic_ns() + ms * MS
    while monotonic_ns() < until:
        pass

%s

users, count, every_us, most_s = 4, 50, 2000, 20
TOLD = {}
environment = Environment(user_classes=[One])
environment.create_local_runner()
environment.events.user_error.add_listener(lambda exception, **_: TOLD.setdefault(type(exception).__name__, 0))
exec(sys.argv[1])
intended = np.arange(count, dtype=np.int64) * every_us * 1000
nobody = np.zeros(count, np.int32)
tape = Tape.of(intended, nobody, nobody, np.full(count, Kind.OTHER, np.uint8), np.zeros(count, np.uint8))
tape.shift(monotonic_ns() + 50 * MS)
gun = TaskGun(tape, leaves_of([One]), [[StandingUser(One(environment), number) for number in range(users)]])
gun.stand_ready()

def ring():
    at = gun.start_due()
    if at < NEVER:
        alarm.set(at)

alarm = LoopAlarm(ring)
alarm.set(tape.intended[0])
turns = 0
until = monotonic_ns() + most_s * 1000 * MS
while monotonic_ns() < until and gun.stopped is None and len(gun.finished) < count:
    gevent.sleep(0.001)
    turns += 1
    if len(gun.finished) >= BREAK_AT and gun.running == users:
        break
gevent.sleep(0.02)
alarm.close()
gun.cease("over")
if BREAK_AT < count:
    gun.break_off()
    gevent.sleep(0.01)
by = np.bincount(outcomes_of(tape.codes())[tape.times(tape.done) > 0], minlength=len(OUTCOMES))
reached = tape.times(tape.reached)
print(json.dumps({
    "outcomes": dict(zip(OUTCOMES, by.tolist())), "stopped": gun.stopped, "turns": turns, "told": sorted(TOLD),
    "early": int(((reached > 0) & (reached < tape.times(tape.intended))).sum()), "running": gun.running,
    "sent": int((tape.times(tape.sent) > 0).sum()), "waiting": gun.waiting,
    "queued": int((tape.times(tape.sent) - reached > 100_000)[tape.times(tape.sent) > 0].sum()),
    "users": len(set(tape.users().tolist())), "strays": gun.strays,
}))
"""


def played(tmp_path: Path, user: str, more: str = "", break_at: int = 1 << 30) -> dict[str, Any]:
    """What became of the tasks of this user class, fifty of them, every two milliseconds, on four users. `break_at`: so
    many have ended when the others, each user's, are broken off.
    """
    done = subprocess.run(
        [sys.executable, "-c", f"BREAK_AT = {break_at}\n" + PLAY % user, more], cwd=tmp_path,
        env=for_children({"PYTHONPATH": str(ROOT)}), capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def user(*body: str) -> str:
    lines = "".join(f"        {line}\n" for line in body)
    return f"class One(User):\n    @task\n    def one(self):\n{lines}"


def test_no_task_begins_before_its_time_behind_long_turns_of_the_loop(tmp_path: Path) -> None:
    found = played(tmp_path, user("spin(1)", "gevent.sleep(0.001)", "spin(2)"))
    assert found["early"] == 0
    assert found["outcomes"]["good"] == found["sent"] == 50
    assert found["users"] == 4, "users take turns"


def test_tasks_without_a_pause_leave_the_loop_its_turns(tmp_path: Path) -> None:
    """They want twice the time that there is."""
    found = played(tmp_path, user("spin(4)"))
    assert found["outcomes"]["good"] == 50
    assert found["turns"] > 10


def test_what_waits_for_a_user_is_queued(tmp_path: Path) -> None:
    found = played(tmp_path, user("gevent.sleep(0.02)"), "users = 1")
    assert found["outcomes"]["good"] == 50
    assert found["queued"] >= 40
    assert (found["early"], found["waiting"], found["running"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param("sys.exit(0)", "SystemExit", id="it exits"),
        pytest.param("raise gevent.GreenletExit", "GreenletExit", id="it ends its greenlet"),
        pytest.param("gevent.Timeout(0).start(); gevent.sleep(5)", "Timeout", id="its time-out"),
        pytest.param("raise RecursionError", "RecursionError", id="it raises"),
    ],
)
def test_a_task_ends_itself_alone(tmp_path: Path, body: str, told: str) -> None:
    found = played(tmp_path, user(body))
    assert found["outcomes"] == {"unknown": 0, "good": 0, "failed": 0, "raised": 50}
    assert found["told"] == [told]
    assert found["stopped"] == "over"


def test_an_old_time_out_of_a_task_does_not_hit_the_next_one_at_rest(tmp_path: Path) -> None:
    """Every task leaves one behind that comes when its user stands still."""
    found = played(tmp_path, user("gevent.Timeout(0.001).start()"), "users, every_us = 2, 8000")
    assert found["outcomes"]["good"] + found["outcomes"]["raised"] == 50
    assert found["outcomes"]["good"] >= 25
    assert found["strays"] > 0
    assert found["running"] == 0


def test_what_runs_is_broken_off_and_unknown(tmp_path: Path) -> None:
    body = ("self.n = getattr(self, 'n', 0) + 1", "while self.n > 3: gevent.sleep(0.001)")
    found = played(tmp_path, user(*body), "", 12)
    assert found["outcomes"] == {"unknown": 4, "good": 12, "failed": 0, "raised": 0}
    assert found["told"] == [], "it is no error of theirs"
    assert (found["waiting"], found["running"]) == (0, 0)
