"""Whether the protocol alone, with no further fault, can still come to an end: from every state within reach.

Owns that one question, over a Machine. Finds more than states without a next step: also steps that undo each other for
ever. Gives no answer when it could not see every state.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable

from chaos.model.explore import Machine, S, without_collector


class TooLarge(ValueError):
    """More states than allowed: nothing is proven."""


@without_collector()
def cannot_end(machine: Machine[S], states_max: int, done: Callable[[S], bool]) -> tuple[int, int, S | None]:
    """(states, how many of them no sequence of acts leads out of to a state that is `done`, the first of these).

    Raises TooLarge.
    """
    states: list[S] = [machine.start]
    known = {machine.start: 0}
    sources, targets = array("l"), array("l")
    at = 0
    while at < len(states):
        state = states[at]
        for acts, source in ((True, machine.acts), (False, machine.faults)):
            for _, after in source(state):
                number = known.setdefault(after, len(states))
                if number == len(states):
                    states.append(after)
                if acts and number != at:
                    sources.append(at)
                    targets.append(number)
        at += 1
        if len(states) > states_max:
            raise TooLarge(f"more than {states_max} states")
    ends = _reach(sources, targets, [done(state) for state in states])
    stuck = [number for number, ok in enumerate(ends) if not ok]
    return len(states), len(stuck), states[stuck[0]] if stuck else None


def _reach(sources: array[int], targets: array[int], ends: list[bool]) -> list[bool]:
    """Which states lead to one that ends: backwards along the acts."""
    into: dict[int, list[int]] = {}
    for source, target in zip(sources, targets, strict=True):
        into.setdefault(target, []).append(source)
    work = [number for number, ok in enumerate(ends) if ok]
    while work:
        for source in into.get(work.pop(), ()):
            if not ends[source]:
                ends[source] = True
                work.append(source)
    return ends
