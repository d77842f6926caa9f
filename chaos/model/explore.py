"""The explorer: every state within reach, breadth first; or seeded walks. Knows nothing of the protocol.

Owns the visited set, by 64-bit hash (two of 10^6 states collide with a chance of 3 in 10^8), and the shortest history.
Does not go on behind a broken state: what follows from it proves nothing.
"""

from __future__ import annotations

import gc
import random
import re
from array import array
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

S = TypeVar("S", bound=Hashable)
NUMBERS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Machine(Generic[S]):
    """What is explored. `acts` are steps of the protocol, `faults` what goes wrong; `broken` names what does not hold
    in a state, `hangs` what does not in one where no act changes anything.
    """

    start: S
    acts: Callable[[S], Iterable[tuple[str, S]]]
    faults: Callable[[S], Iterable[tuple[str, S]]]
    broken: Callable[[S], frozenset[str]]
    hangs: Callable[[S], frozenset[str]]


@dataclass(slots=True)
class Result:
    """What was found: distinct states, steps taken, how often each kind of step; whether nothing was left out; for
    each broken invariant the shortest history (of those looked at).
    """

    states: int = 0
    steps: int = 0
    depth: int = 0
    complete: bool = True
    taken: Counter[str] = field(default_factory=Counter)
    broken: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, other: Result) -> None:
        """Together with another exploration."""
        self.states += other.states
        self.steps += other.steps
        self.depth = max(self.depth, other.depth)
        self.complete = self.complete and other.complete
        self.taken.update(other.taken)
        for name, history in other.broken.items():
            if name not in self.broken or len(history) < len(self.broken[name]):
                self.broken[name] = history


def kind(label: str) -> str:
    """A step without its numbers: what the counts are kept by."""
    return NUMBERS.sub("N", label)


@contextmanager
def without_collector() -> Iterator[None]:
    """States hold no cycle: to look for one among a million of them, again and again, costs an eighth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@without_collector()
def exhaust(
    machine: Machine[S], states_max: int, wanted: frozenset[str] = frozenset(), union: set[int] | None = None
) -> Result:
    """Breadth first, until nothing is left, `states_max` are known, or one of `wanted` is broken.

    `union`: takes up the hash of every state, so that what several explorations reach together is counted once.
    """
    result = Result(states=1)
    taken: Counter[str] = Counter()
    seen = {hash(machine.start)}
    parents, labels, names = array("l", [-1]), array("l", [0]), dict[str, int]()
    level: list[tuple[int, S]] = [(0, machine.start)]
    while level:
        following: list[tuple[int, S]] = []
        for number, state in level:
            moved = False
            for acts, source in ((True, machine.acts), (False, machine.faults)):
                for label, after in source(state):
                    taken[label] += 1
                    result.steps += 1
                    if after == state:
                        continue
                    moved = moved or acts
                    mark = hash(after)
                    if mark in seen:
                        continue
                    seen.add(mark)
                    parents.append(number)
                    labels.append(names.setdefault(label, len(names)))
                    wrong = machine.broken(after)
                    if not wrong:
                        following.append((len(parents) - 1, after))
                        continue
                    _remember(result, wrong, len(parents) - 1, parents, labels, names)
            if not moved:
                _remember(result, machine.hangs(state), number, parents, labels, names)
            if wanted & result.broken.keys():
                following = []
                result.complete = False
                break
            if len(seen) >= states_max:
                result.complete = False
                following = []
                break
        level = following
        result.depth += bool(level)
    result.states = len(seen)
    if union is not None:
        union |= seen
    for label, count in taken.items():
        result.taken[kind(label)] += count
    return result


def _remember(
    result: Result, wrong: frozenset[str], number: int, parents: array[int], labels: array[int], names: dict[str, int]
) -> None:
    new = [name for name in wrong if name not in result.broken]
    if not new:
        return
    text = list(names)
    history = []
    while parents[number] >= 0:
        history.append(text[labels[number]])
        number = parents[number]
    for name in new:
        result.broken[name] = tuple(reversed(history))


def walk(
    machine: Machine[S],
    rng: random.Random,
    walks: int,
    length_max: int,
    fault_share: float,
    weight: Callable[[str], float] = lambda label: 1.0,
) -> Result:
    """Seeded walks: at each step a fault with that chance, else an act, drawn by weight. Not complete, by nature."""
    result = Result(complete=False)
    seen = {hash(machine.start)}
    for _ in range(walks):
        state, history = machine.start, list[str]()
        for _ in range(length_max):
            acts = [step for step in machine.acts(state) if step[1] != state]
            hit = not acts or rng.random() < fault_share
            faults = [step for step in machine.faults(state) if step[1] != state] if hit else []
            if not acts and (wrong := machine.hangs(state)):
                _keep(result, wrong, history)
            choices = faults or acts
            if not choices:
                break
            label, state = rng.choices(choices, [weight(label) for label, _ in choices])[0]
            history.append(label)
            result.taken[kind(label)] += 1
            result.steps += 1
            seen.add(hash(state))
            if wrong := machine.broken(state):
                _keep(result, wrong, history)
                break
        result.depth = max(result.depth, len(history))
    result.states = len(seen)
    return result


def _keep(result: Result, wrong: frozenset[str], history: list[str]) -> None:
    for name in wrong:
        if name not in result.broken or len(history) < len(result.broken[name]):
            result.broken[name] = tuple(history)


def replay(machine: Machine[S], labels: Iterable[str]) -> S:
    """The state after these steps. Raises KeyError where one of them cannot be taken."""
    state = machine.start
    for label in labels:
        state = dict(_both(machine, state))[label]
    return state


def _both(machine: Machine[S], state: S) -> Iterator[tuple[str, S]]:
    yield from machine.faults(state)
    yield from machine.acts(state)
