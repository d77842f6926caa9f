"""The tasks of one's own locustfile, as things that can be started at a time of their own. Knows Locust's users and
task sets; starts nothing by itself.

A task of a user class, or of a task set in it, is one leaf. A sequence is one leaf: all of its tasks in their order.
`wait_time` has no meaning on an open schedule, and is not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from locust import SequentialTaskSet, TaskSet, User
from locust.exception import InterruptTaskSet, RescheduleTask

from harness.engine.answers import ParsedAnswer
from harness.engine.shot import Aim, Target
from harness.errors import BadInput

OUTCOMES = ("unknown", "good", "failed", "raised")
UNKNOWN, GOOD, FAILED, RAISED = range(4)
DEEPEST, MOST = 8, 200
"""Task sets within each other; leaves of one locustfile."""


class TaskShot:
    """A task as a kind of request. *good*: it ended, and none of its requests failed. *failed*: one did. *raised*: an
    exception left it. *unknown*: it had not ended when the run did.
    """

    at: Target = "play"
    method = "TASK"
    outcomes: tuple[str, ...] = OUTCOMES
    good = frozenset(("good",))
    failures = ("unknown", "failed", "raised")

    def __init__(self, name: str) -> None:
        self.name, self.route = "task", name

    def requests(self, aim: Aim, tokens: Sequence[bytes]) -> list[bytes]:
        """A task makes its own."""
        return []

    def understand(self, status: int, body: bytes) -> ParsedAnswer:
        """Never called: what a task ended as is seen, not read."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class TaskLeaf:
    """`cls`: index of its user class. `weight`: its part of that class's tasks. `sets`: the task sets around it."""

    cls: int
    name: str
    weight: float
    sets: tuple[type[TaskSet], ...]
    call: Callable[[Any], Any] | None
    """Of the innermost set, or of the user; None: the set is a sequence, and all of it is called."""


def leaves_of(classes: Sequence[type[User]]) -> list[TaskLeaf]:
    """Every leaf of these classes. Raises BadInput for a class without a task, or too many of them."""
    found: list[TaskLeaf] = []
    for number, cls in enumerate(classes):
        leaves = list(_within(number, list(cls.tasks), (), 1.0, f"{cls.__name__}." if len(classes) > 1 else ""))
        if not leaves:
            raise BadInput(f"user class {cls.__name__} has no task", expected="one with @task")
        found += _each_once(leaves)
    if len(found) > MOST:
        raise BadInput(f"{len(found)} tasks", expected=f"at most {MOST}")
    return found


def _within(
    cls: int, tasks: list[Any], sets: tuple[type[TaskSet], ...], part: float, prefix: str
) -> Iterator[TaskLeaf]:
    if len(sets) > DEEPEST:
        raise BadInput(f"task sets within each other, more than {DEEPEST}", expected="fewer")
    for task in tasks:
        share = part / len(tasks)
        name = f"{prefix}{getattr(task, '__name__', type(task).__name__)}"
        if not (isinstance(task, type) and issubclass(task, TaskSet)):
            yield TaskLeaf(cls, name, share, sets, task)
        elif issubclass(task, SequentialTaskSet):
            yield TaskLeaf(cls, name, share, (*sets, task), None)
        else:
            yield from _within(cls, list(task.tasks), (*sets, task), share, f"{name}.")


def _each_once(leaves: list[TaskLeaf]) -> list[TaskLeaf]:
    """A task of weight three stands three times in Locust's list: one leaf with the sum."""
    by: dict[tuple[str, int], TaskLeaf] = {}
    for leaf in leaves:
        key = (leaf.name, id(leaf.call))
        before = by.get(key)
        more = leaf.weight + (before.weight if before else 0.0)
        by[key] = TaskLeaf(leaf.cls, leaf.name, more, leaf.sets, leaf.call)
    names = [leaf.name for leaf in by.values()]
    twice = next((name for number, name in enumerate(names) if name in names[:number]), None)
    if twice is not None:
        raise BadInput(f"two tasks named {twice}", expected="a name for each")
    return list(by.values())


class StandingUser:
    """A user who stands ready: made once, its `on_start` called once, and then one task at a time."""

    def __init__(self, user: User, number: int) -> None:
        self.user, self.number = user, number
        self._sets: dict[type[TaskSet], TaskSet] = {}

    def begin(self) -> None:
        """As Locust begins a user. Raises whatever its `on_start` raises."""
        self.user._state = "running"
        self.user.on_start()

    def run(self, leaf: TaskLeaf) -> None:
        """One task, or one pass of a sequence. Raises what it raises; to interrupt a set is its end."""
        try:
            where: Any = self.user
            for kind in leaf.sets:
                where = self._set(kind, where)
            if leaf.call is not None:
                leaf.call(where)
                return
            for task in where.tasks:
                _ = task(where)
        except (InterruptTaskSet, RescheduleTask):
            return

    def _set(self, kind: type[TaskSet], parent: Any) -> TaskSet:
        """The user's own instance; its `on_start` is called when it is first entered."""
        if kind not in self._sets:
            made = self._sets[kind] = kind(parent)
            made.on_start()
        return self._sets[kind]
