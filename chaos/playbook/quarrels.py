"""Playbooks that one alert would start to set one switch: which comes first would be chance, so neither is used.

Two do not conflict where no alert can match both: their matchers name different values of one label. A thousand
playbooks that a label tells apart cost one look each, not a look at each pair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path

from chaos.playbook.entry import LibraryEntry
from plans.models.errors import Problem
from plans.models.matchers import apart

Numbered = tuple[int, LibraryEntry]
FEW = 4
"""Up to this number they are compared one by one."""


def quarrels(entries: Iterable[LibraryEntry]) -> Iterator[tuple[tuple[Path, ...], Problem]]:
    """The files that conflict, and the problem, at the line of the later one."""
    groups: dict[tuple[str, str], list[LibraryEntry]] = {}
    for entry in entries:
        for key in entry.playbook.switches:
            groups.setdefault((entry.playbook.trigger.alert, key), []).append(entry)
    for (alert, key), group in groups.items():
        others: dict[int, list[LibraryEntry]] = {}
        for one, other in sorted(set(_pairs(list(enumerate(group)), frozenset()))):
            if group[one].playbook.id != group[other].playbook.id:
                others.setdefault(other, []).append(group[one])
        for number, found in others.items():
            yield (group[number].file, *(each.file for each in found)), _problem(group[number], found, alert, key)


def _problem(entry: LibraryEntry, others: list[LibraryEntry], alert: str, key: str) -> Problem:
    first, more = others[0], f", and {len(others) - 1} more" if len(others) > 1 else ""
    what = f"alert {alert} starts {first.playbook.id} as well, which sets {key}, too ({first.file}){more}"
    expected = "one playbook for an alert and a switch, or matchers that tell the alerts apart"
    return Problem(str(entry.file), entry.document.line(("trigger", "alert")), what, expected)


def _pairs(group: list[Numbered], spent: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Those that one alert may mean both of; `spent`: labels that tell no two of this group apart any more."""
    label = _dividing_label(group, spent) if len(group) > FEW else None
    if label is None:
        yield from ((i, j) for (i, one), (j, other) in combinations(group, 2) if not _apart(one, other))
        return
    same: dict[str, list[Numbered]] = {}
    loose: list[Numbered] = []
    for each in group:
        values = _values(each[1], label)
        if values is None:
            loose.append(each)
        for value in values or ():
            same.setdefault(value, []).append(each)
    for alike in same.values():
        yield from _pairs(alike, spent | {label})
    yield from _pairs(loose, spent | {label})
    labelled = [each for each in group if _values(each[1], label) is not None]
    for i, one in loose:
        yield from ((min(i, j), max(i, j)) for j, other in labelled if not _apart(one, other))


def _dividing_label(group: list[Numbered], spent: frozenset[str]) -> str | None:
    """The label whose values most of them name one by one."""
    count = Counter(
        label
        for _, entry in group
        for label in {each.label for each in entry.playbook.trigger.matchers if each.values is not None} - spent
    )
    return count.most_common(1)[0][0] if count else None


def _values(entry: LibraryEntry, label: str) -> tuple[str, ...] | None:
    return next(
        (each.values for each in entry.playbook.trigger.matchers if each.label == label and each.values is not None),
        None,
    )


def _apart(one: LibraryEntry, other: LibraryEntry) -> bool:
    return apart(one.playbook.trigger.matchers, other.playbook.trigger.matchers)
