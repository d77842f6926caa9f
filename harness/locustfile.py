"""Locust steers, the cannon fires: `locust -f harness/locustfile.py`, headless, distributed or with its web page.

The plan sets the rate and the users, so -u and -r are refused; -t shortens the round; -H names the control of the
system to aim at, else the stack that runs is used, else one is started for this run. One pilot user a worker starts
one cannon.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

import gevent
from gevent.event import AsyncResult
from locust import LoadTestShape, User, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

from harness.errors import HarnessError
from harness.journeys.pilot import fly
from harness.orchestrate.alone import Session, wish
from harness.orchestrate.fire_order import FireOrder

ORDER_VARIABLE = "XIU_FIRE_ORDER"
ORDER_LOOK_S = 0.5
ACCOUNT_DEADLINE_S = 20.0
_state: dict[str, Any] = {
    "order": AsyncResult(),
    "flown": 0,
    "stopping": False,
    "session": None,
    "flight": None,
    "wish": None,
    "failed": False,
}


@events.init_command_line_parser.add_listener
def _options(parser: LocustArgumentParser) -> None:
    group = parser.add_argument_group("xiu")
    group.add_argument("--xiu-plan", default="gala-share", help="stress plan that sets rate and users")
    group.add_argument("--xiu-scale", default="", help="share of the event, such as 1/10000 (default: the forecast's)")


@events.init.add_listener
def _init(environment: Environment, **_: Any) -> None:
    options = environment.parsed_options
    if options is not None and (options.num_users is not None or options.spawn_rate is not None):
        print("locustfile: the plan sets users and rate; leave out -u and -r (see: xiu plan rate N)", file=sys.stderr)
        sys.exit(2)
    runner = environment.runner
    if options is not None and not isinstance(runner, WorkerRunner) and not os.environ.get(ORDER_VARIABLE):
        try:
            _state["wish"] = wish(options.xiu_plan, options.xiu_scale, options.run_time)
        except Exception as exc:
            code = getattr(exc, "exit_code", None)
            if not isinstance(code, int):
                raise
            print(f"locustfile: {exc}", file=sys.stderr)
            sys.exit(code)
    if isinstance(runner, MasterRunner):
        runner.register_message("xiu_flown", _flown)
    elif isinstance(runner, WorkerRunner):
        runner.register_message("xiu_order", _ordered)


@events.test_start.add_listener
def _start(environment: Environment, **_: Any) -> None:
    runner = environment.runner
    _state.update(flown=0, stopping=False, failed=False)
    if isinstance(runner, WorkerRunner):
        return
    workers = max(1, runner.worker_count) if isinstance(runner, MasterRunner) else 1
    try:
        order = _order(environment, workers)
    except HarnessError as exc:
        print(f"locustfile: {exc}", file=sys.stderr)
        environment.process_exit_code = exc.exit_code
        _state["failed"] = True
        return
    if isinstance(runner, MasterRunner):
        for place, client in enumerate(list(runner.clients)):
            runner.send_message("xiu_order", {"order": order.to_json(), "worker": place, "workers": workers}, client)
    else:
        _state["order"].set((order, 0, 1))


def _order(environment: Environment, workers: int) -> FireOrder:
    """The order that somebody prepared for this process, or one prepared here."""
    given = os.environ.get(ORDER_VARIABLE)
    if given:
        return FireOrder.read(Path(given))
    if _state["session"] is None:
        _state["session"] = Session(environment.host)
    session: Session = _state["session"]
    return session.prepare(_state["wish"], workers)


def _ordered(environment: Environment, msg: Any, **_: Any) -> None:
    _state["order"].set((FireOrder.from_json(msg.data["order"]), msg.data["worker"], msg.data["workers"]))


def _flown(environment: Environment, msg: Any, **_: Any) -> None:
    _state["flown"] += 1


@events.test_stopping.add_listener
def _stopping(environment: Environment, **_: Any) -> None:
    _state["stopping"] = True


@events.quitting.add_listener
def _quitting(**_: Any) -> None:
    """Ctrl-C or SIGTERM: the cannon ceases fire and writes its account before this process goes."""
    _state["stopping"] = True
    flight = _state["flight"]
    if flight is not None:
        flight.join(timeout=ACCOUNT_DEADLINE_S)


@events.test_stop.add_listener
def _stopped(environment: Environment, **_: Any) -> None:
    _state["order"] = AsyncResult()
    if environment.process_exit_code is None:
        environment.process_exit_code = 0  # a refused tap is an answer; the verdict is the harness's, not Locust's


@events.quit.add_listener
def _quit(**_: Any) -> None:
    if _state["session"] is not None:
        _state["session"].end()


class OnePilotAWorker(LoadTestShape):
    """Life cycle alone: as many pilots as workers until all have flown. The rate is the plan's."""

    use_common_options = True

    def tick(self) -> tuple[int, float] | None:
        runner = self.runner
        workers = max(1, runner.worker_count) if isinstance(runner, MasterRunner) else 1
        if _state["failed"] or _state["flown"] >= workers:
            return None
        return workers, float(workers)


class Pilot(User):
    """One a worker; its only task is the flight."""

    @task
    def flight(self) -> None:
        """Waits for the order, fires it, tells the master."""
        ordered = None
        while ordered is None:
            if _state["stopping"] or _state["failed"]:
                raise StopUser
            with contextlib.suppress(gevent.Timeout):
                ordered = _state["order"].get(timeout=ORDER_LOOK_S)
        order, worker, workers = ordered
        runner = self.environment.runner
        assert runner is not None
        _state["flight"] = gevent.spawn(fly, order, worker, workers, runner.stats, lambda: _state["stopping"])
        _state["flight"].get()
        if isinstance(runner, WorkerRunner):
            runner.send_message("xiu_flown", {"worker": worker})
        elif isinstance(runner, LocalRunner):
            _state["flown"] += 1
        while not _state["stopping"]:
            gevent.sleep(0.1)
        raise StopUser
