"""Locust controls, the cannon sends: `locust -f harness/locustfile.py`, headless, distributed or with its web page.

The plan sets the rate and the users, so -u and -r are refused; -t shortens the round; -H names the control of the
system to send to, else the running stack is used, else one is started for this run. One pilot user a worker starts one
cannon. Workers on other hosts, or started by hand, need the run's secret (`harness/journeys/joining.py`); their
messages are signed, and a worker without an account makes the master's exit code 10.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import AsyncResult
from locust import LoadTestShape, User, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import MasterRunner, WorkerRunner

from harness.engine.process import CannonError
from harness.errors import EnvironmentNotReady, HarnessError
from harness.journeys.crew import INCOMPLETE, Crew
from harness.journeys.joining import HOW, Secret
from harness.journeys.pilot import fly
from harness.orchestrate.fire_order import RUNS, FireOrder

if TYPE_CHECKING:
    from harness.orchestrate.alone import LocustSession

ORDER_VARIABLE = "XIU_FIRE_ORDER"
ORDER_LOOK_S = 0.5
ACCOUNT_DEADLINE_S = 20.0
PROOF_DEADLINE_S = 10.0
LAST_WORD_S = 3.0
try:
    # Before Locust forks its workers (`--processes`): they know it, too.
    SECRET = Secret.of(os.environ)
except HarnessError as _exc:
    print(f"locustfile: {_exc}", file=sys.stderr)
    sys.exit(_exc.exit_code)
_state: dict[str, Any] = {
    "order": AsyncResult(),
    "crew": Crew(SECRET),
    "nonce": "",
    "flown": False,
    "stopping": False,
    "session": None,
    "flight": None,
    "wish": None,
    "fired": None,
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
            from harness.orchestrate.alone import wish  # half of what there is to load, for Locust by hand alone

            _state["wish"] = wish(options.xiu_plan, options.xiu_scale, options.run_time)
        except Exception as exc:
            code = getattr(exc, "exit_code", None)
            if not isinstance(code, int):
                raise
            print(f"locustfile: {exc}", file=sys.stderr)
            sys.exit(code)
    if isinstance(runner, MasterRunner):
        runner.register_message("xiu_proof", _proof)
        runner.register_message("xiu_flown", _flown)
    elif isinstance(runner, WorkerRunner):
        runner.register_message("xiu_question", _question)
        runner.register_message("xiu_order", _ordered)


@events.test_start.add_listener
def _start(environment: Environment, **_: Any) -> None:
    runner = environment.runner
    _state.update(flown=False, stopping=False, failed=False, crew=Crew(SECRET))
    if isinstance(runner, WorkerRunner):
        return
    try:
        if isinstance(runner, MasterRunner):
            _order_crew(environment, runner)
        else:
            _state["order"].set((_order(environment, 1), 0, 1))
    except (HarnessError, OSError) as exc:
        print(f"locustfile: {exc}", file=sys.stderr)
        environment.process_exit_code = exc.exit_code if isinstance(exc, HarnessError) else INCOMPLETE
        _state["failed"] = True


def _order_crew(environment: Environment, runner: MasterRunner) -> None:
    """Sends tokens to workers that know the run's secret, and to no other. Raises EnvironmentNotReady if none does."""
    crew: Crew = _state["crew"]
    for client, nonce in crew.ask([client for client in runner.clients if client not in _lost(runner)]).items():
        runner.send_message("xiu_question", {"nonce": nonce}, client)
    with gevent.Timeout(PROOF_DEADLINE_S, False):
        while not crew.complete:
            gevent.sleep(0.05)
    proved = crew.proved()
    for client in crew.asked.keys() - set(proved):
        print(f"locustfile: worker {client} does not know the run's secret: it is told nothing", file=sys.stderr)
    if not proved:
        raise EnvironmentNotReady(f"no worker knows the run's secret; expected {HOW}")
    order = _order(environment, len(proved))
    crew.ordered = {client: place for place, client in enumerate(proved)}
    for client, place in crew.ordered.items():
        message = {"order": order.to_json(), "worker": place, "workers": len(proved)}
        runner.send_message("xiu_order", crew.secret.seal(crew.asked[client], message), client)
    _state["fired"] = order


def _lost(runner: MasterRunner) -> set[str]:
    """Workers that do not answer any more, or have left."""
    missing = {client.id for client in runner.clients.missing}
    return missing | {client for client in _state["crew"].ordered if client not in runner.clients}


def _order(environment: Environment, workers: int) -> FireOrder:
    """The order that somebody prepared for this process, or one prepared here."""
    given = os.environ.get(ORDER_VARIABLE)
    if given:
        return FireOrder.awaited(Path(given), lambda: _state["stopping"])
    if _state["session"] is None:
        from harness.orchestrate.alone import LocustSession

        _state["session"] = LocustSession(environment.host)
    session: LocustSession = _state["session"]
    return session.prepare(_state["wish"], workers)


def _question(environment: Environment, msg: Any, **_: Any) -> None:
    """Of the master: do you belong to this run?"""
    runner = environment.runner
    assert isinstance(runner, WorkerRunner)
    _state["nonce"] = str(msg.data["nonce"])
    runner.send_message("xiu_proof", {"proof": SECRET.proof(_state["nonce"], runner.client_id)})


def _proof(environment: Environment, msg: Any, **_: Any) -> None:
    _state["crew"].answered(msg.node_id, msg.data.get("proof"))


def _ordered(environment: Environment, msg: Any, **_: Any) -> None:
    """An order of the run's own master; any other is ignored."""
    message = SECRET.opened(_state["nonce"], msg.data)
    if message is None:
        print("locustfile: an order that does not carry the run's secret is not obeyed", file=sys.stderr)
        return
    try:
        # A worker that `xiu plan run` forked writes into that run's own folder; any other into a folder of its host.
        forked = os.environ.get(ORDER_VARIABLE)
        order = FireOrder.from_json(message["order"]) if forked else FireOrder.from_message(message["order"], RUNS)
    except HarnessError as exc:
        print(f"locustfile: {exc}", file=sys.stderr)
        return
    _state["order"].set((order, int(message["worker"]), int(message["workers"])))


def _flown(environment: Environment, msg: Any, **_: Any) -> None:
    _state["crew"].account(msg.node_id, msg.data)


@events.test_stopping.add_listener
def _stopping(environment: Environment, **_: Any) -> None:
    _state["stopping"] = True


@events.quitting.add_listener
def _quitting(environment: Environment, **_: Any) -> None:
    """Ctrl-C or SIGTERM: the cannon stops sending and writes its account before this process ends."""
    _state["stopping"] = True
    flight = _state["flight"]
    if flight is not None:
        flight.join(timeout=ACCOUNT_DEADLINE_S)
    if isinstance(environment.runner, MasterRunner):
        _reckon(environment, environment.runner)


def _reckon(environment: Environment, runner: MasterRunner) -> None:
    """The master's last output: what is missing of the run; and the secret files of a lost worker are removed."""
    crew: Crew = _state["crew"]
    with gevent.Timeout(LAST_WORD_S, False):
        while not crew.over(_lost(runner)):
            gevent.sleep(0.05)
    for place in crew.ordered.values():
        _state["fired"].tidy(place)
    if crew.missing():
        print(f"locustfile: {crew.missing()}", file=sys.stderr)
        environment.process_exit_code = INCOMPLETE


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
    """Life cycle alone: as many pilots as workers until all have ended. The rate is the plan's."""

    use_common_options = True

    def tick(self) -> tuple[int, float] | None:
        runner = self.runner
        if _state["failed"]:
            return None
        if not isinstance(runner, MasterRunner):
            return None if _state["flown"] else (1, 1.0)
        if _state["crew"].ordered and _state["crew"].over(_lost(runner)):
            return None
        workers = max(1, runner.worker_count)
        return workers, float(workers)


class Pilot(User):
    """One for each worker; its only task is to run the order."""

    @task
    def flight(self) -> None:
        """Waits for the order, carries it out, reports to the master."""
        ordered = None
        while ordered is None:
            if _state["stopping"] or _state["failed"]:
                raise StopUser
            with contextlib.suppress(gevent.Timeout):
                ordered = _state["order"].get(timeout=ORDER_LOOK_S)
        _state["order"] = AsyncResult()  # carried out once, however many pilots Locust starts here
        order, worker, workers = ordered
        runner = self.environment.runner
        assert runner is not None
        _state["flight"] = gevent.spawn(_fly, order, worker, workers, runner)
        account = _state["flight"].get()
        if isinstance(runner, WorkerRunner):
            runner.send_message("xiu_flown", account)
        elif account.get("failed"):
            print(f"locustfile: {account['failed']}", file=sys.stderr)
            self.environment.process_exit_code = INCOMPLETE
        _state["flown"] = True
        if os.environ.get(ORDER_VARIABLE) and not isinstance(runner, (MasterRunner, WorkerRunner)):
            gevent.spawn(runner.quit)  # it was there for this one flight; the shape looks once a second alone
        while not _state["stopping"]:
            gevent.sleep(0.1)
        raise StopUser


def _fly(order: FireOrder, worker: int, workers: int, runner: Any) -> dict[str, Any]:
    """The flight's account in short: {"sent"}, or {"failed"} with why. Never raises: Locust would fly again."""
    try:
        result = fly(order, worker, workers, runner.stats, lambda: _state["stopping"])
    except (CannonError, OSError, ValueError, HarnessError) as exc:
        return {"worker": worker, "failed": " ".join(str(exc).split()) or type(exc).__name__}
    return {"worker": worker, "sent": result.load["sent"]}
