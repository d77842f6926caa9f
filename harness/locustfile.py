"""Locust controls, the cannon sends: `locust -f harness/locustfile.py`, headless, distributed or with its web page.

The plan sets the rate and the users, so -u and -r are refused; -t shortens the round; -H names the control of the
system to send to, else the running stack is used, else one is started for this run. One pilot user a worker starts one
cannon. Workers on other hosts, or started by hand, need the run's secret (`harness/journeys/joining.py`) and the same
code; their messages are signed, what they measured is brought to the master (`harness/journeys/courier.py`), and a
worker without an account makes the master's exit code 10.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
import locust.runners
from gevent.event import AsyncResult
from locust import LoadTestShape, User, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import RPCError, StopUser
from locust.runners import MasterRunner, WorkerRunner

from harness.engine.process import CannonError
from harness.errors import EnvironmentNotReady, HarnessError
from harness.guard.kill import registered
from harness.journeys import clocks
from harness.journeys.courier import base_ns
from harness.journeys.crew import INCOMPLETE, Crew
from harness.journeys.hosts import FarWorkers
from harness.journeys.joining import HOW, Secret
from harness.journeys.member import CrewMember, told_of_no_master
from harness.journeys.pilot import fly
from harness.journeys.shown import marks
from harness.orchestrate.fire_order import FireOrder

if TYPE_CHECKING:
    from harness.orchestrate.alone import LocustSession

ORDER_VARIABLE = "XIU_FIRE_ORDER"
ORDER_LOOK_S = 0.5
ACCOUNT_DEADLINE_S = 20.0
PROOF_DEADLINE_S = 10.0
LAST_WORD_S = 3.0
# Its page shows every worker's last counts soon after the last answer, and no worker outlives its master for long.
locust.runners.WORKER_REPORT_INTERVAL = 1.0
locust.runners.MASTER_HEARTBEAT_TIMEOUT = 8
try:
    # Before Locust forks its workers (`--processes`): they know it, too.
    SECRET = Secret.of(os.environ)
except HarnessError as _exc:
    print(f"locustfile: {_exc}", file=sys.stderr)
    sys.exit(_exc.exit_code)
told_of_no_master()
MEMBER = CrewMember(SECRET, forked=ORDER_VARIABLE in os.environ)
LEASE_LOST = "lease lost"
_state: dict[str, Any] = {
    "order": AsyncResult(),
    "crew": Crew(SECRET),
    "flown": False,
    "stopping": False,
    "session": None,
    "flight": None,
    "wish": None,
    "far": None,
    "failed": False,
    "serving": None,
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
    if environment.web_ui is not None and (order := os.environ.get(ORDER_VARIABLE)):
        marks(environment.web_ui.app, Path(order).parent, lambda: _over(runner))
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
        runner.register_message("xiu_piece", _piece)
        runner.register_message("xiu_time", _time)
        runner.register_message("xiu_flown", _flown)
    elif isinstance(runner, WorkerRunner):
        MEMBER.listen(runner, lambda order: _state["order"].set(order))


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
        if os.environ.get(ORDER_VARIABLE) and environment.web_ui is not None:
            os.kill(os.getpid(), signal.SIGTERM)  # with its page Locust stays until it is told to end


def _order_crew(environment: Environment, runner: MasterRunner) -> None:
    """Sends tokens to workers that know the run's secret and run the same code, and to no other. Raises
    EnvironmentNotReady if none does, or one too few for an order that somebody prepared; HarnessError where a clock is
    too far away.
    """
    crew: Crew = _state["crew"]
    for client, nonce in crew.ask([client for client in runner.clients if client not in _lost(runner)]).items():
        runner.send_message("xiu_question", {"nonce": nonce, "asked_ns": clocks.wall_ns()}, client)
    with gevent.Timeout(PROOF_DEADLINE_S, False):
        while not crew.complete:
            gevent.sleep(0.05)
    members, strangers = crew.members(), crew.strangers()
    refused = [f"worker {client} {why}: it is told nothing" for client, why in strangers.items()]
    for line in refused:
        print(f"locustfile: {line}", file=sys.stderr)
    if not members:
        raise EnvironmentNotReady(f"{'; '.join(refused) or 'no worker answered'}; expected {HOW}")
    if refused and os.environ.get(ORDER_VARIABLE):
        raise EnvironmentNotReady(f"{'; '.join(refused)}; expected {len(crew.asked)} workers")
    order = _order(environment, len(members))
    if apart := [f"worker {client}: {why}" for client in members if (why := crew.beyond(client))]:
        raise HarnessError("; ".join(apart))
    crew.ordered = {client: place for place, client in enumerate(members)}
    nonces = {client: crew.asked[client] for client in members}
    far = FarWorkers(order, crew.secret, nonces, crew.ordered, runner.send_message)
    _state["far"] = far
    for client, place in crew.ordered.items():
        message = {"order": order.to_json(), "worker": place, "workers": len(members), "base_ns": base_ns(),
                   "mark": far.mark}  # fmt: skip
        runner.send_message("xiu_order", crew.secret.seal(nonces[client], message), client)
    _state["serving"] = gevent.spawn(_serve, order, far, runner)


def _serve(order: FireOrder, far: FarWorkers, runner: MasterRunner) -> None:
    """While the workers fire: a stop button finds the master, which tells them; clocks are looked at again."""
    folders = [Path(one) for one in (order.register, order.beside) if one] if _state["crew"].apart else []
    folder = Path(order.folder)
    with registered(folders, os.getpid(), order.run_id, folder / "kill", folder, order.since_s):
        mirror = gevent.spawn(far.mirror)
        try:
            while True:
                gevent.sleep(clocks.EVERY_S)
                for client in far.places:
                    runner.send_message("xiu_clock", {"asked_ns": clocks.wall_ns()}, client)
        finally:
            mirror.kill()


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


def _time(environment: Environment, msg: Any, **_: Any) -> None:
    _state["crew"].timed(msg.node_id, msg.data)


def _proof(environment: Environment, msg: Any, **_: Any) -> None:
    crew: Crew = _state["crew"]
    crew.introduced(msg.node_id, msg.data)
    crew.answered(msg.node_id, msg.data.get("proof"))


@events.heartbeat_received.add_listener
def _heard(**_: Any) -> None:
    MEMBER.hears()


def _piece(environment: Environment, msg: Any, **_: Any) -> None:
    if _state["far"] is not None:
        _state["far"].take(msg.node_id, msg.data)


def _flown(environment: Environment, msg: Any, **_: Any) -> None:
    crew: Crew = _state["crew"]
    account = msg.data
    if _state["far"] is not None and isinstance(account, dict):
        account = _state["far"].finished(msg.node_id, account, crew.clocks.get(msg.node_id))
    crew.account(msg.node_id, account)


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
    crew, far = _state["crew"], _state["far"]
    if far is not None and crew.apart and not crew.over(_lost(runner)):
        far.stop()  # somebody ended the master: what its workers measured is still brought to it
    with gevent.Timeout(ACCOUNT_DEADLINE_S if crew.apart else LAST_WORD_S, False):
        while not crew.over(_lost(runner)):
            gevent.sleep(0.05)
    if far is not None:
        _state["serving"].kill()
        far.end()
        for place in crew.ordered.values():
            far.order.tidy(place)
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


def _over(runner: Any) -> bool:
    """Has every worker that still can told its account?"""
    if not isinstance(runner, MasterRunner):
        return bool(_state["flown"])
    crew: Crew = _state["crew"]
    return bool(crew.ordered) and crew.over(_lost(runner))


class OnePilotAWorker(LoadTestShape):
    """Life cycle alone: as many pilots as workers until all have ended. The rate is the plan's."""

    use_common_options = True

    def tick(self) -> tuple[int, float] | None:
        runner = self.runner
        assert runner is not None
        if _state["failed"]:
            return None
        # Under a run with a page Locust stays as it is until the run ends it: a stopped test forgets its workers.
        stays = ORDER_VARIABLE in os.environ and runner.environment.web_ui is not None
        if not isinstance(runner, MasterRunner):
            return None if _over(runner) and not stays else (1, 1.0)
        if _over(runner) and not stays:
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
        environment, runner = self.environment, self.environment.runner
        assert runner is not None
        _state["flight"] = gevent.spawn(_fly, order, worker, workers, runner)
        account = _state["flight"].get()
        if isinstance(runner, WorkerRunner):
            with contextlib.suppress(RPCError):
                runner._send_stats()  # before the account, over the same line: who has that has every count
            runner.send_message("xiu_flown", account)
        if account.get("failed"):
            print(f"locustfile: {account['failed']}", file=sys.stderr)
            environment.process_exit_code = INCOMPLETE
        _state["flown"] = True
        alone = not isinstance(runner, (MasterRunner, WorkerRunner))
        if os.environ.get(ORDER_VARIABLE) and alone and environment.parsed_options.headless:
            gevent.spawn(runner.quit)  # it was there for this one flight; the shape looks once a second alone
        while not _state["stopping"]:
            gevent.sleep(0.1)
        raise StopUser


def _fly(order: FireOrder, worker: int, workers: int, runner: Any) -> dict[str, Any]:
    """The flight's account in short: {"sent"}, or {"failed"} with why; `pieces`: how many were brought to the master.
    Never raises: Locust would fly again.
    """
    line = MEMBER.line() if isinstance(runner, WorkerRunner) else None
    try:
        result = fly(order, worker, workers, runner.stats, lambda: _state["stopping"], line)
        if line is not None and result.data["stop"] == LEASE_LOST:
            return {"worker": worker, "failed": "the master was not heard any more: sending has stopped"}
        pieces = MEMBER.bring(order, worker, workers)
    except (CannonError, OSError, ValueError, HarnessError) as exc:
        return {"worker": worker, "failed": " ".join(str(exc).split()) or type(exc).__name__}
    return {"worker": worker, "sent": result.load["sent"], "pieces": pieces}
