"""The closed loop beside a run: plain Locust in a process of its own, in a folder of its own within the run's. Fired in
a thread, beside the schedule; its figures come when it has ended.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.orchestrate.fire import FireFailed, LocustProcess
from harness.orchestrate.fire_order import FireOrder
from harness.runs.closed_loop import ClosedLoopResult
from harness.runs.percentiles import Percentiles
from harness.service.order import ServiceOrder
from harness.waits import joined
from plans.models.target_service import UrlTarget

CLOSED_LOCUSTFILE = Path(__file__).resolve().parent.parent / "journeys" / "closed_loop.py"
CLOSED_VARIABLE = "XIU_CLOSED_LOOP"
FOLDER = "closed-loop"
LAST_WORD_S = 10.0


def told_of(order: ServiceOrder, target: UrlTarget, users: int) -> dict[str, Any]:
    """What the closed loop is told at its start."""
    plan, (one,) = order.plan, target.each
    return {
        "url": target.url,
        "method": one.method,
        "headers": dict(one.headers),
        "users": users,
        "rate": plan.rate,
        "begins_s": plan.warm_up.duration,
        "ends_s": plan.length_s,
        "drain_s": plan.drain.answers,
    }


@dataclass(slots=True)
class ClosedLoopFire:
    """A Locust that stands ready, and then its figures. `account` None: it left none; `failed` says why."""

    process: LocustProcess
    folder: Path
    account: dict[str, Any] | None = None
    failed: str = ""
    _thread: threading.Thread | None = None

    def stand(self) -> float:
        """As `LocustProcess.stand`."""
        return self.process.stand()

    def begin(self, order: FireOrder, deadline_s: float, stop: Callable[[], str | None]) -> None:
        """Fires beside whatever else goes on; `order`: of the schedule, whose first request is the common one."""
        mine = replace(
            order, folder=str(self.folder), files={}, config={"tokens": "", "kill_file": str(self.folder / "kill")}
        )

        def fire() -> None:
            try:
                report = self.process.fire(mine, deadline_s, lambda *_: None, stop)
                self.account = report.accounts[0]
            except (FireFailed, OSError, ValueError) as exc:
                self.failed = str(exc).splitlines()[0]

        self._thread = threading.Thread(target=fire, name="closed loop")
        self._thread.start()

    def end(self) -> None:
        """Waits for its last word."""
        if self._thread is not None and not joined(self._thread, LAST_WORD_S):
            self.process.end()
            joined(self._thread)


@contextmanager
def closed_loop(order: ServiceOrder, target: UrlTarget, run: Path) -> Iterator[ClosedLoopFire]:
    """The process, until the block ends. Raises OSError."""
    assert order.plan.closed_loop is not None
    users = order.plan.closed_loop.users
    folder = run.resolve() / FOLDER
    folder.mkdir()
    told = {CLOSED_VARIABLE: json.dumps(told_of(order, target, users))}
    words = ("-u", str(users), "-r", str(users))
    with LocustProcess(folder, 1, 1, CLOSED_LOCUSTFILE, told, words) as process:
        fired = ClosedLoopFire(process, folder)
        try:
            yield fired
        finally:
            fired.end()


def result_of(account: Mapping[str, Any] | None, opened: Mapping[str, Any] | None) -> ClosedLoopResult | None:
    """Both side by side; `opened`: the schedule's account, of the same seconds. None where one of them is missing."""
    if account is None or opened is None:
        return None
    return ClosedLoopResult(
        users=account["users"],
        wanted=opened["load"]["measured"]["scheduled"],
        sent=account["sent"],
        failed=account["failed"],
        unanswered=account["unanswered"],
        response_ms=Percentiles(**account["response_ms"]),
        open_ms=Percentiles(**opened["latency_ms"]["response"]),
    )
