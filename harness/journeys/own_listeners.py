"""What the listeners of somebody's own locustfile raise. Locust logs it and goes on as if nothing had been; here every
listener is called all the same, and each kind of fault is written down for whoever judges the run.

Knows nothing of the run. What a listener of `request` may raise to end its user or task goes on its way, as in Locust.
"""

from __future__ import annotations

import atexit
import json
import logging
import traceback
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import gevent
import locust
from locust import log
from locust.event import EventHook
from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser

from harness.journeys.own_forks import end_here
from harness.runs.listeners import FILE
from system.contract.found import blamed

STEERING = (StopUser, StopTest, RescheduleTask, RescheduleTaskImmediately, InterruptTaskSet)
PASSING = (gevent.GreenletExit, gevent.Timeout)
"""Never a listener's own business: whoever ends this greenlet, a time-out around the request."""
FATAL = "init"
"""Of this event Locust takes a fault for the end, and so does this."""
MOST = 20
"""Kinds of faults that are written down; more of them are counted with the last."""


class ListenerFault(NamedTuple):
    """One kind: which event, where in the file, what was raised."""

    event: str
    place: str
    what: str


class OwnListeners:
    """Stands in for `EventHook.fire` in this process. `file`: of the listeners; `folder`: where the faults go."""

    def __init__(self, file: Path, folder: Path) -> None:
        self._file, self._into = file, folder / FILE
        self.faults: Counter[ListenerFault] = Counter()

    def install(self) -> None:
        """Before the first event is fired, and before the file is read."""

        def fire(hook: EventHook, *, reverse: bool = False, **given: Any) -> None:
            self.fire(hook, reverse, given)

        EventHook.fire = fire  # type: ignore[method-assign,assignment]
        atexit.register(self.write)

    def fire(self, hook: EventHook, reverse: bool, given: dict[str, Any]) -> None:
        """Calls every listener of a copy of the list. Raises, behind the last, what may go on its way."""
        raised: BaseException | None = None
        for listener in hook._handlers[::-1] if reverse else hook._handlers.copy():
            try:
                listener(**given)
            except BaseException as exc:  # of somebody else's code
                end_here()
                raised = self._met(hook, exc) or raised
            end_here()
        if raised is not None:
            raise raised

    def _met(self, hook: EventHook, exc: BaseException) -> BaseException | None:
        """Writes it down, unless it is to go on. What is raised on; None where it ends here."""
        event = next((name for name, one in vars(locust.events).items() if one is hook), "an event of its own")
        if isinstance(exc, PASSING) or (isinstance(exc, (*STEERING, KeyboardInterrupt)) and event == "request"):
            return exc  # whoever runs the task knows what to make of it
        fault = ListenerFault(event, *self._said(exc))
        if fault not in self.faults and len(self.faults) >= MOST:
            fault = [*self.faults][-1]
        self.faults[fault] += 1
        log.unhandled_greenlet_exception = True
        if self.faults[fault] == 1:  # a listener of every request would fill the disk
            logging.error("A listener of %s raised: \n%s", event, traceback.format_exc())
            self.write()
        if event == FATAL:
            print(f"locustfile: {fault.place}: a listener of {event} raised {fault.what}", flush=True)
        return exc if isinstance(exc, KeyboardInterrupt) else None

    def _said(self, exc: BaseException) -> tuple[str, str]:
        place = blamed(exc, self._file)
        return f"{place.file}:{place.line}", f"{type(exc).__name__}: {' '.join(str(exc).split())[:200]}".strip(": ")

    def write(self) -> None:
        """The faults so far. A disk that is full keeps nobody from going on."""
        if not self.faults:
            return
        rows = [{**fault._asdict(), "count": count} for fault, count in self.faults.items()]
        try:
            fresh = self._into.with_suffix(".new")
            fresh.write_text(json.dumps(rows), encoding="utf-8")
            fresh.replace(self._into)
        except OSError as exc:
            logging.error("%s cannot be written: %s", self._into, exc)
