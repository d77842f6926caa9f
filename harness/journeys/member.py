"""A worker of a Locust run as a member of its crew: proves the secret, says which code it runs and what time it is,
takes the order, listens for the master's signs of life, and brings what it measured to a master on another host.

Runs in the worker's Locust process.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from locust.runners import WorkerRunner

from harness.errors import EnvironmentNotReady, HarnessError
from harness.journeys import clocks
from harness.journeys.courier import Courier, shift_to
from harness.journeys.edition import edition
from harness.journeys.hosts import mirrored, shares_folder
from harness.journeys.joining import Secret
from harness.journeys.pilot import MasterLine
from harness.orchestrate.fire_order import RUNS, FireOrder

LOST_S = 8.0
"""A master not heard for so long does not come back: the cannon has been silent for some time by then."""
RUN_THERE = "`xiu plan run … --workers-at` of this address, begun meanwhile"
Ordered = tuple[FireOrder, int, int]
"""The order, this worker's place, how many workers there are."""


def told_of_no_master() -> None:
    """From now on a worker that no master answers ends with a sentence, not with Locust's own exit code (255).

    Whatever answers there and is no master of Locust says nothing that a worker would hear.
    """
    connect: Any = WorkerRunner.connect_to_master

    def connect_or_tell(runner: WorkerRunner) -> None:
        try:
            connect(runner)
        except ConnectionError:
            where = f"{runner.master_host}:{runner.master_port}"
            print(f"locustfile: no master of a run answers at {where}; expected {RUN_THERE}", file=sys.stderr)
            sys.exit(EnvironmentNotReady.exit_code)

    WorkerRunner.connect_to_master = connect_or_tell  # type: ignore[method-assign]


class CrewMember:
    """`forked`: the run itself started this process, and it works in the run's own folder."""

    def __init__(self, secret: Secret, *, forked: bool) -> None:
        self._secret, self._forked = secret, forked
        self._nonce = ""
        self._order: FireOrder | None = None
        self._courier: Courier | None = None
        self._shift_ns = 0
        self._heard, self._heard_s = 0, time.monotonic()

    def listen(self, runner: WorkerRunner, take: Callable[[Ordered], object]) -> None:
        """From now on; `take` is given the order."""
        runner.register_message("xiu_question", lambda msg, **_: self._question(runner, msg.data))
        runner.register_message("xiu_clock", lambda msg, **_: runner.send_message("xiu_time", _time(msg.data)))
        runner.register_message("xiu_order", lambda msg, **_: self._ordered(runner, msg.data, take))
        runner.register_message("xiu_file", lambda msg, **_: self._file(msg.data))
        runner.register_message("xiu_got", lambda msg, **_: self._got(msg.data))

    def hears(self) -> None:
        """A sign of life of the master."""
        self._heard, self._heard_s = self._heard + 1, time.monotonic()

    def line(self) -> MasterLine:
        """What the pilot needs of the master."""
        courier = self._courier
        return MasterLine(lambda: self._heard, None if courier is None else lambda line: courier.bring("message", line))

    def bring(self, order: FireOrder, worker: int, workers: int) -> int:
        """What was measured, to a master that cannot read it; how many pieces it was. Raises HarnessError, OSError."""
        if self._courier is None:
            return 0
        self._courier.bring_files(order, worker, workers, self._shift_ns)
        return self._courier.sent

    def _question(self, runner: WorkerRunner, asked: dict[str, Any]) -> None:
        self._nonce = str(asked["nonce"])
        told = {
            "proof": self._secret.proof(self._nonce, runner.client_id), "forked": self._forked,
            "edition": "" if self._forked else edition(),
        }  # fmt: skip
        runner.send_message("xiu_proof", told | _time(asked))

    def _ordered(self, runner: WorkerRunner, sealed: object, take: Callable[[Ordered], object]) -> None:
        """An order of the run's own master; any other is ignored."""
        told = self._secret.opened(self._nonce, sealed)
        if told is None:
            print("locustfile: an order that does not carry the run's secret is not obeyed", file=sys.stderr)
            return
        try:
            # A worker that `xiu plan run` forked writes into that run's own folder; any other into one of its host.
            data = told["order"]
            order = FireOrder.from_json(data) if self._forked else FireOrder.from_message(data, RUNS)
        except HarnessError as exc:
            print(f"locustfile: {exc}", file=sys.stderr)
            return
        self._order, self._courier, self._heard_s = order, None, time.monotonic()
        if not self._forked and not shares_folder(order, told.get("mark")):
            send = lambda data: runner.send_message("xiu_piece", data)  # noqa: E731
            self._courier = Courier(self._secret, self._nonce, send, self._lost)
            self._shift_ns = shift_to(int(told["base_ns"]))
        take((order, int(told["worker"]), int(told["workers"])))

    def _lost(self) -> bool:
        return time.monotonic() - self._heard_s > LOST_S

    def _file(self, sealed: object) -> None:
        """The folder of the master's run has changed."""
        told = self._secret.opened(self._nonce, sealed)
        if told is not None and self._courier is not None and self._order is not None:
            mirrored(self._order, told)

    def _got(self, data: dict[str, Any]) -> None:
        if self._courier is not None:
            self._courier.confirmed = int(data["taken"])


def _time(asked: dict[str, Any]) -> dict[str, Any]:
    """This host's clock, beside the master's at the question."""
    return {"asked_ns": asked.get("asked_ns"), "clock_ns": clocks.wall_ns()}
