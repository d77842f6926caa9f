"""Starts the tasks of one's own locustfile when they are due: each on a user who stands ready, or behind those who wait
for one. Fills in the same columns and counts as the cannon's gun.

Every user has one greenlet for all of its tasks, as in Locust. How late a task began although a user was free is lag:
gevent, or the machine, was the limit. What it waited because every user was still busy is queued: the service was.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic_ns
from typing import Any

import gevent
from locust import User
from locust.exception import StopTest

from harness.engine.answers import UNANSWERED, code_of
from harness.engine.gun import GunJourney
from harness.engine.tape import NEVER, Tape
from harness.journeys.own_forks import end_children, end_here
from harness.journeys.own_tasks import FAILED, GOOD, RAISED, StandingUser, TaskLeaf, TaskShot

TURN_NS = 5_000_000
"""So long tasks may be started one after the other before everything else in the loop has its turn."""
ENDED = 200
"""Status in the records of a task that ended, however: it has no other."""


@dataclass(slots=True)
class RunningTask:
    """What is known of a task while it runs. `failed`: one of its requests was told as failed."""

    failed: bool = False


NOW: ContextVar[RunningTask | None] = ContextVar("running task", default=None)
"""The task in which this greenlet, or the one that spawned it, runs."""


def heard(exception: object) -> None:
    """A request has ended, as Locust tells; with an exception it failed."""
    task = NOW.get()
    if task is not None and exception is not None:
        task.failed = True


@dataclass(slots=True)
class TaskQueue:
    """What the tally asks of a connection: how many tasks of a journey wait."""

    journey: GunJourney
    queue: deque[int] = field(default_factory=deque)


@dataclass(slots=True)
class Stand:
    """Where a user stands between its tasks. `tap`: the task that it is to do, none: -1."""

    user: StandingUser
    cls: int
    tap: int = -1
    busy: bool = False
    wake: Callable[[], Any] = lambda: None
    greenlet: gevent.Greenlet | None = None


class TaskGun:
    """One schedule of tasks. `users`: by class, those who stand ready."""

    def __init__(self, tape: Tape, leaves: Sequence[TaskLeaf], users: Sequence[Sequence[StandingUser]]) -> None:
        self.tape, self.leaves = tape, leaves
        self.journeys = [GunJourney(TaskShot(leaf.name)) for leaf in leaves]
        self.connections = [TaskQueue(journey) for journey in self.journeys]
        self.stands = [Stand(user, cls) for cls, each in enumerate(users) for user in each]
        self.idle: list[deque[Stand]] = [deque() for _ in users]
        self.queues: list[deque[int]] = [deque() for _ in users]
        self.finished: array[int] = array("i")
        self.next = self.waiting = self.breaks = self.running = 0
        self.stopped: str | None = None
        self.broken_off = False
        self.strays = 0
        """What was thrown at a user between two tasks."""
        self._classes = [leaf.cls for leaf in leaves]
        self._hub: Any = gevent.get_hub()

    def stand_ready(self) -> None:
        """Every user has its greenlet, which waits for a task."""
        for stand in self.stands:
            stand.greenlet = gevent.spawn(self._stand, stand)
        gevent.sleep(0)

    def pace(self) -> None:
        """The tally is about to work: what is due goes first."""
        gevent.sleep(0)

    def start_due(self) -> int:
        """Starts what is due, and says when the next is: CLOCK_MONOTONIC ns, NEVER behind the last. Called in the hub
        alone: it hands over directly to whoever does the task.
        """
        tape, last = self.tape, len(self.tape)
        until = monotonic_ns() + TURN_NS
        while self.next < last and self.stopped is None:
            now = monotonic_ns()
            at = tape.intended[self.next]
            if at > now or now > until:
                return at
            self.next += 1
            self._due(self.next - 1, now)
        return NEVER

    def _due(self, tap: int, now: int) -> None:
        """The time of a task has come."""
        journey = self.tape.journeys[tap]
        cls = self._classes[journey]
        if self.idle[cls]:
            stand = self.idle[cls].popleft()
            stand.tap = tap
            stand.wake()
            return
        self.tape.reached[tap] = now
        self.queues[cls].append(tap)
        self.connections[journey].queue.append(tap)
        self.waiting += 1

    def cease(self, why: str) -> None:
        """Nothing is started any more; what runs may end."""
        if self.stopped is None:
            self.stopped = why
        for queue in self.queues:
            queue.clear()
        for one in self.connections:
            one.journey.abandoned += len(one.queue)
            one.queue.clear()
        self.waiting = 0

    def break_off(self) -> None:
        """What runs is ended, with what it started, and unknown: it may have happened. Safe to repeat."""
        if not self.broken_off:
            end_children()
        self.broken_off = True
        for stand in self.stands:
            if stand.busy and stand.greenlet is not None:
                stand.greenlet.kill(block=False)

    def give_up(self) -> None:
        """What has not ended is unknown, at its age."""
        now, sent, done = monotonic_ns(), self.tape.sent, self.tape.done
        for tap in range(self.next):
            if sent[tap] and not done[tap]:
                done[tap], self.tape.code[tap] = now, UNANSWERED
                self.finished.append(tap)

    def _stand(self, stand: Stand) -> None:
        """One user: a task when it is woken, and then what waits for one of its class, one after the other."""
        stand.wake = gevent.getcurrent().switch
        queue = self.queues[stand.cls]
        while True:
            self._rest(stand)
            tap, stand.tap, stand.busy = stand.tap, -1, True
            self.running += 1
            self._one(tap, stand.user, True)
            until = monotonic_ns() + TURN_NS
            while queue and self.stopped is None:
                following = queue.popleft()
                self.connections[self.tape.journeys[following]].queue.popleft()
                self.waiting -= 1
                self._one(following, stand.user, False)
                if queue and monotonic_ns() > until:
                    self._between(lambda: gevent.sleep(0))  # everything else has its turn
                    until = monotonic_ns() + TURN_NS
            self.running -= 1
            stand.busy = False

    def _rest(self, stand: Stand) -> None:
        """Until there is a task."""
        self.idle[stand.cls].append(stand)
        while stand.tap < 0:
            self._between(self._hub.switch)

    def _between(self, wait: Callable[[], Any]) -> None:
        """Between two tasks. What is thrown here was meant for one that is over, such as its old time-out."""
        try:
            wait()
        except BaseException:
            self.strays += 1

    def _one(self, tap: int, standing: StandingUser, free: bool) -> None:
        tape, task = self.tape, RunningTask()
        tape.user[tap] = standing.number
        now = monotonic_ns()
        if free:
            tape.reached[tap] = now
        tape.sent[tap] = now
        token = NOW.set(task)
        outcome = RAISED
        try:
            standing.run(self.leaves[tape.journeys[tap]])
            outcome = FAILED if task.failed else GOOD
        except StopTest:
            self.cease("the locustfile stopped the test")
        except KeyboardInterrupt:  # a signal meets whatever runs
            self.cease("SIGINT")
        except BaseException as exc:  # of somebody else's code: neither sys.exit nor a time-out of theirs ends the run
            if not self.broken_off:
                self.told(standing.user, exc)
        finally:
            end_here()
            NOW.reset(token)
        if tape.done[tap] == 0:  # given up meanwhile
            code = UNANSWERED if self.broken_off and outcome == RAISED else code_of(outcome, ENDED)
            tape.done[tap], tape.code[tap] = monotonic_ns(), code
            self.finished.append(tap)

    def told(self, user: User, exc: BaseException) -> None:
        """As Locust tells it: on its page under Exceptions."""
        user.environment.events.user_error.fire(user_instance=user, exception=exc, tb=exc.__traceback__)
