"""Locust with somebody's own locustfile: `locust -f` of this file, which reads theirs and fires its tasks on an open
schedule. Their user classes, events and hosts are used as they are; their waiting times and load shapes are not.

Locust's table has a line for each task (method TASK), with the response from the intended time, and a total of these
alone; the requests that a task makes stand beside them with Locust's own times.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import gevent
import locust.stats
from locust import LoadTestShape, User, events, task
from locust.env import Environment
from locust.exception import StopUser
from locust.util.load_locustfile import load_locustfile

from harness.engine.process import CannonError
from harness.errors import BadInput, HarnessError
from harness.guard.kill import registered
from harness.journeys import own_forks
from harness.journeys.own_flight import TaskFlight
from harness.journeys.own_guard import RequestGauge, SendingGuard
from harness.journeys.own_gun import NOW, heard
from harness.journeys.own_listeners import OwnListeners
from harness.journeys.own_tasks import StandingUser, TaskLeaf, TaskShot, leaves_of
from harness.journeys.pilot import LocustCounts
from harness.orchestrate.fire_order import FireOrder
from plans.models.targets import load_targets
from system.contract.found import blamed

# Its CSV files are whole when the run ends: they are written a few times a second, and once more before Locust quits.
locust.stats.CSV_STATS_INTERVAL_SEC = locust.stats.CSV_STATS_FLUSH_INTERVAL_SEC = CSV_EVERY_S = 0.25  # type: ignore[assignment]
ORDER_VARIABLE, TASKS_VARIABLE = "XIU_FIRE_ORDER", "XIU_OWN_TASKS"
LAST_WORD_S = 20.0
READY_S = 45.0
"""Within which every user has begun."""
BAD, NOT_READY, FAILED = 2, 5, 10
ENDED_BY_IT = "the locustfile ended Locust"
_state: dict[str, Any] = {"stopping": "", "flown": False, "flight": None}
"""`stopping`: why nothing more may be started; empty while it may."""


def _refused(text: str) -> None:
    """Ends Locust before anything is sent: the file is bad input."""
    print(f"locustfile: {text}", file=sys.stderr, flush=True)
    sys.exit(BAD)


def _read() -> tuple[dict[str, Any], list[type[User]], list[TaskLeaf]]:
    """What is ordered, the user classes, and their tasks. Exits with 2 where the file is no good one."""
    told: dict[str, Any] = json.loads(os.environ[TASKS_VARIABLE])
    file = Path(told["locustfile"])
    allowed = load_targets()
    refused: dict[str, str] = told["refused"]

    def refusal(url: str) -> str | None:
        entry = allowed.entry(url)
        return None if entry is None else refused.get(entry.id, "")

    guard = SendingGuard(refusal)
    guard.install()  # before the first line of somebody else's
    own_forks.install()
    OwnListeners(file, Path(told["folder"])).install()
    try:
        found, _ = load_locustfile(str(file))
    except BaseException as exc:  # of somebody else's code, a time-out of gevent as well; a Ctrl-C is never for us
        where, line, what = blamed(exc, file)
        own_forks.end_here()
        _refused(f"{where}:{line}: {what}; expected a file that Locust can import")
    own_forks.end_here()
    names = told["classes"] or list(found)
    for name in names:
        if name not in found:
            _refused(f"{file}: no user class {name}; expected one of {', '.join(found)}")
    if not names:
        _refused(f"{file}: no user class; expected one that is a locust.User, with tasks")
    classes = [found[name] for name in names]
    for cls in classes:
        cls.host = told["host"] or cls.host
        if cls.host and (why := guard.why_not(cls.host)):
            _refused(f"{file}: {cls.__name__}.host: {cls.host} {why}; nothing was sent")
    try:
        return told, classes, leaves_of(classes)
    except BadInput as exc:
        _refused(f"{file}: {exc}")
        raise


TOLD, CLASSES, LEAVES = _read()
GAUGE = RequestGauge(load_targets().entry)


@events.init.add_listener
def _init(environment: Environment, **_: Any) -> None:
    runner = environment.runner
    assert runner is not None
    stats = runner.stats

    def of_a_request(method: str, name: str, response_time: Any, length: int) -> None:
        stats.entries[(name, method)].log(response_time, length)

    # The total is of the tasks alone: a request is a part of one.
    stats.log_request = of_a_request  # type: ignore[assignment,method-assign]
    listen: Any = environment.events.request.add_listener
    listen(_sent)


def _sent(exception: object = None, url: object = None, **_: Any) -> None:
    """One request of a task has ended. More of them than is granted: nothing more is started."""
    heard(exception)
    if NOW.get() is None:
        return  # of a user who begins
    GAUGE.take(url, time.monotonic())
    _state["stopping"] = _state["stopping"] or GAUGE.beyond


def _told_to_end() -> None:
    _state["stopping"] = _state["stopping"] or "SIGTERM"


@events.test_stopping.add_listener
def _stopping(**_: Any) -> None:
    _state["stopping"] = _state["stopping"] or ENDED_BY_IT


@events.quitting.add_listener
def _quitting(environment: Environment, **_: Any) -> None:
    """Nothing more is started, and the account is written before this process ends."""
    _state["stopping"] = _state["stopping"] or ENDED_BY_IT
    if _state["flight"] is not None:
        _state["flight"].join(timeout=LAST_WORD_S)


@events.test_stop.add_listener
def _stopped(environment: Environment, **_: Any) -> None:
    if environment.process_exit_code is None:
        environment.process_exit_code = 0  # a failed task is a result; the verdict is the harness's, not Locust's


class OneShape(LoadTestShape):
    """Life cycle alone: one starter, until the flight is over. The rate is the plan's."""

    use_common_options = True

    def tick(self) -> tuple[int, float] | None:
        return None if _state["flown"] else (1, 1.0)


class Starter(User):
    """Makes the users ready, waits for the order, carries it out."""

    @task
    def flight(self) -> None:
        # Locust's own is not in place while a shape runs, and would quit before the account is written.
        _state["signal"] = gevent.signal_handler(signal.SIGTERM, _told_to_end)
        _state["flight"] = gevent.spawn(_fly, self.environment)
        code, failed = _state["flight"].get()
        if failed:
            print(f"locustfile: {failed}", file=sys.stderr, flush=True)
            self.environment.process_exit_code = code
        gevent.sleep(2 * CSV_EVERY_S)
        _state["flown"] = True
        runner = self.environment.runner
        assert runner is not None
        gevent.spawn(runner.quit)  # the shape looks once a second alone
        while not _state["stopping"]:
            gevent.sleep(0.1)
        raise StopUser


def _fly(environment: Environment) -> tuple[int, str]:
    """Exit code and words where it failed, empty words if it did not. Never raises: Locust would fly again."""
    code = NOT_READY
    try:
        users = _ready(environment)
        gc.collect()
        gc.freeze()  # what is loaded is there to the end; to look through it again would be lag of our own
        order = FireOrder.awaited(Path(os.environ[ORDER_VARIABLE]), lambda: bool(_state["stopping"]))
        code = FAILED
        runner = environment.runner
        assert runner is not None
        books = LocustCounts(runner.stats, {leaf.name: TaskShot(leaf.name) for leaf in LEAVES})
        weights = [float(cls.weight) or 1.0 for cls in CLASSES]
        folders = [Path(one) for one in (order.register, order.beside) if one]
        kill_file = Path(order.config["kill_file"])
        with registered(folders, os.getpid(), order.run_id, kill_file, None, order.since_s):
            flight = TaskFlight(order, LEAVES, users, weights, books.book, lambda: GAUGE.requests)
            flight.fly(lambda: _state["stopping"])
    except (CannonError, OSError, ValueError, HarnessError) as exc:
        return code, " ".join(str(exc).split()) or type(exc).__name__
    return 0, ""


def _ready(environment: Environment) -> list[list[StandingUser]]:
    """Users of each class, by their weights, each begun. Raises HarnessError where one does not begin."""
    wanted, weights = int(TOLD["users"]), [float(cls.weight) or 1.0 for cls in CLASSES]
    numbers = [max(1, round(wanted * weight / sum(weights))) for weight in weights]
    made: list[list[StandingUser]] = []
    for cls, number in zip(CLASSES, numbers, strict=True):
        first = sum(map(len, made))
        try:
            made.append([StandingUser(cls(environment), first + place) for place in range(number)])
        except BaseException as exc:  # of somebody else's code
            raise HarnessError(_broke(exc, f"{cls.__name__} cannot be made")) from exc
    begun = [gevent.spawn(_begun, one) for each in made for one in each]
    gevent.joinall(begun, timeout=READY_S)
    wrong = next((text for one in begun if (text := one.value)), None)
    if wrong:
        raise HarnessError(wrong)
    if late := sum(not one.ready() for one in begun):
        raise HarnessError(f"{late} of {len(begun)} users have not begun within {READY_S:g} s: on_start has not ended")
    return made


def _begun(one: StandingUser) -> str:
    try:
        one.begin()
        own_forks.end_here()
    except BaseException as exc:  # of somebody else's code
        own_forks.end_here()
        return _broke(exc, f"on_start of {type(one.user).__name__}")
    return ""


def _broke(exc: BaseException, what: str) -> str:
    """Where somebody else's code broke, in one line."""
    file = Path(TOLD["locustfile"])
    mine = [frame.lineno for frame in traceback.extract_tb(exc.__traceback__) if Path(frame.filename) == file]
    return f"{file}:{mine[-1] if mine else 1}: {what}: {type(exc).__name__}: {' '.join(str(exc).split())}"
