"""The table of removed rules: without each, what breaks first, and by which history. Owns its words.

A rule counts as needed only if the model breaks without it, and holds with it, in the same scenario.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from chaos.model.explore import Result, exhaust
from chaos.model.rules import TABLE, Rule
from chaos.model.scenario import READY, Scenario
from chaos.model.scenarios import ALSO_WITHOUT, WITHOUT

STATES_MAX = 100_000


class Row(NamedTuple):
    """One rule taken out. `first`: invariants of the page broken by the shortest history; `also`: others it breaks."""

    rule: Rule
    first: tuple[str, ...]
    also: tuple[str, ...]
    history: tuple[str, ...]
    states: int

    @property
    def as_said(self) -> bool:
        """What the page says is what breaks."""
        return bool(self.first)


@cache
def without(rule: Rule, states_max: int = STATES_MAX) -> Row:
    """Takes the rule out and explores until what the page says is broken, level by level."""
    machine = WITHOUT[rule.name].machine((rule.name, *ALSO_WITHOUT.get(rule.name, ())))
    result = exhaust(machine, states_max, frozenset(rule.breaks))
    said = [name for name in rule.breaks if name in result.broken]
    shortest = min((len(result.broken[name]) for name in said), default=0)
    first = tuple(name for name in said if len(result.broken[name]) == shortest)
    history = result.broken[first[0]] if first else ()
    also = tuple(sorted(result.broken.keys() - set(first)))
    return Row(rule, first, also, history, result.states)


def sound(rule: Rule, states_max: int = STATES_MAX) -> Result:
    """The same scenario with every rule, from where a front is ready. Rules that share a scenario share the result."""
    scenario = replace(WITHOUT[rule.name], prefix=READY, name="")
    return _whole(scenario, ALSO_WITHOUT.get(rule.name, ()), states_max)


@cache
def _whole(scenario: Scenario, removed: tuple[str, ...], states_max: int) -> Result:
    return exhaust(scenario.machine(removed), states_max)


def rows() -> Iterator[Row]:
    """Every rule in turn, in the order of the page."""
    for rule in TABLE:
        yield without(rule)


def lines(found: Iterable[Row], histories: bool = True) -> Iterator[str]:
    """The table as Markdown, then the histories."""
    yield "| Without | docs/money.md says | Breaks first | Also | Steps | States |"
    yield "|---|---|---|---|---|---|"
    kept = []
    for row in found:
        kept.append(row)
        first = ", ".join(row.first) or "**nothing**"
        says, also = ", ".join(row.rule.breaks), ", ".join(row.also)
        yield f"| {row.rule.words} | {says} | {first} | {also} | {len(row.history)} | {row.states:,} |"
    if not histories:
        return
    for row in kept:
        yield ""
        yield f"Without *{row.rule.words}* ({row.rule.name}): {', '.join(row.first) or 'nothing'} breaks."
        yield from (f"{number:3}. {label}" for number, label in enumerate(row.history, 1))
