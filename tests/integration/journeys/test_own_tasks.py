"""The tasks of a locustfile as leaves: weights, sets, sequences, names. In a process of its own, as Locust patches what
it is imported into.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from harness.children import for_children
from tests.house import ROOT

LOOK = """
import json
from locust import SequentialTaskSet, TaskSet, User, task
from locust.exception import InterruptTaskSet
from harness.errors import BadInput
from harness.journeys.own_tasks import StandingUser, TaskShot, leaves_of

done = []

class Shop(User):
    weight = 2

    def on_start(self):
        done.append("begun")

    @task(3)
    def browse(self):
        done.append("browse")

    @task
    class Basket(TaskSet):
        def on_start(self):
            done.append("entered")

        @task
        def put(self):
            done.append("put")
            self.interrupt()

        @task
        def look(self):
            done.append("look")

class Walk(User):
    @task
    class Steps(SequentialTaskSet):
        @task
        def first(self):
            done.append("first")

        @task
        def second(self):
            done.append("second")

class Idle(User):
    pass

class Environment:
    events = runner = None

one, two = leaves_of([Shop]), leaves_of([Shop, Walk])
user = StandingUser(Shop(Environment()), 0)
user.begin()
for leaf in one + one:
    user.run(leaf)
StandingUser(Walk(Environment()), 1).run(two[-1])
refused = []
for classes in ([Idle], [Shop, Idle]):
    try:
        leaves_of(classes)
    except BadInput as exc:
        refused.append(str(exc))
print(json.dumps({
    "one": [[leaf.name, leaf.weight] for leaf in one], "two": [[leaf.name, leaf.cls] for leaf in two],
    "done": done, "refused": refused, "failures": TaskShot("a").failures,
}))
"""


def test_every_task_is_a_leaf_with_its_part(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOK], cwd=tmp_path, env=for_children({"PYTHONPATH": str(ROOT)}),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["one"] == [["browse", 0.75], ["Basket.put", 0.125], ["Basket.look", 0.125]]
    assert found["two"] == [
        ["Shop.browse", 0], ["Shop.Basket.put", 0], ["Shop.Basket.look", 0], ["Walk.Steps", 1],
    ]  # fmt: skip
    turn = ["browse", "entered", "put", "look", "browse", "put", "look"]
    assert found["done"] == ["begun", *turn, "first", "second"], "a set is entered once; a sequence is one pass"
    assert all("user class Idle has no task" in text for text in found["refused"])
    assert found["failures"] == ["unknown", "failed", "raised"]


def test_a_file_that_raises_what_is_no_exception_is_bad_input_at_its_line(tmp_path: Path) -> None:
    """A time-out of gevent, a KeyboardInterrupt: who started Locust never sends it one."""
    mine = tmp_path / "mine.py"
    mine.write_text("import gevent\nraise gevent.Timeout(1)\n")
    told = {"locustfile": str(mine), "host": None, "classes": [], "users": 1, "refused": {}, "folder": str(tmp_path)}
    env = {"PYTHONPATH": str(ROOT), "XIU_OWN_TASKS": json.dumps(told)}
    done = subprocess.run(
        [sys.executable, "-c", "import harness.journeys.own_locustfile"], cwd=tmp_path, env=for_children(env),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert f"locustfile: {mine}:2: cannot be imported: Timeout: 1 second" in done.stderr
