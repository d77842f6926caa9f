"""The playbooks there are, checked against what they name: alerts with their tests, switches, each other.

A broken file is refused with every problem of it, and keeps no other from being used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chaos.playbook.actions import playbook_model
from plans.models.alerts import Alerts, alerts
from plans.models.document import Document, read_model
from plans.models.errors import PlanError, Problem, closest
from plans.models.playbook import Playbook, playbook_files


@dataclass(frozen=True, slots=True)
class Entry:
    """A playbook, its file, and a sum of the file: a run goes on only under the text it began with."""

    playbook: Playbook
    file: Path
    sha256: str
    document: Document = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Library:
    """What can be used, by id, and what is wrong with the files that cannot, by file."""

    entries: Mapping[str, Entry]
    refused: Mapping[Path, tuple[Problem, ...]]

    @property
    def problems(self) -> list[Problem]:
        """Each problem once, in order."""
        return sorted({problem for found in self.refused.values() for problem in found})


def load(files: Iterable[Path] | None = None, known: Alerts | None = None) -> dict[str, Entry]:
    """Every playbook by id (None: those of plans/playbooks). Raises PlanError with every problem of all files."""
    found = survey(files, known)
    if found.refused:
        raise PlanError(found.problems)
    return dict(found.entries)


def survey(files: Iterable[Path] | None = None, known: Alerts | None = None) -> Library:
    """Every file looked at: the good ones stand for themselves, whatever the others are. Raises nothing for a file.

    Two files of one id, or that one alert would start to set one switch, are refused both: which of them is meant
    nobody can tell.
    """
    files = playbook_files() if files is None else list(files)
    try:
        known = alerts() if known is None else known
    except PlanError as exc:
        return Library({}, dict.fromkeys(files, exc.problems))
    refused: dict[Path, list[Problem]] = {}
    whole: list[Entry] = []
    for file in files:
        try:
            entry = _read(file)
        except PlanError as exc:
            refused[file] = list(exc.problems)
            continue
        if wrong := _contradictions(entry, known):
            refused[file] = wrong
        whole.append(entry)
    for one, other, problem in (*_twice(whole), *_quarrels(whole)):
        for file in (one.file, other.file):
            refused.setdefault(file, []).append(problem)
    entries = {entry.playbook.id: entry for entry in whole if entry.file not in refused}
    return Library(entries, {file: tuple(found) for file, found in refused.items()})


def _read(file: Path) -> Entry:
    playbook, document = read_model(file, playbook_model())
    try:
        return Entry(playbook, file, hashlib.sha256(file.read_bytes()).hexdigest(), document)
    except OSError as exc:
        # Gone since it was read.
        raise PlanError([Problem(str(file), 0, f"cannot be read: {exc.strerror or exc}")]) from exc


def _twice(entries: Iterable[Entry]) -> list[tuple[Entry, Entry, Problem]]:
    """Two files with one id."""
    seen: dict[str, Entry] = {}
    found = []
    for entry in entries:
        other = seen.setdefault(entry.playbook.id, entry)
        if other is not entry:
            what = f"`id`: {entry.playbook.id} stands in {other.file} as well"
            line = entry.document.line(("id",))
            found.append((entry, other, Problem(str(entry.file), line, what, "each id once")))
    return found


def _quarrels(entries: Iterable[Entry]) -> list[tuple[Entry, Entry, Problem]]:
    """Two playbooks that one alert starts, and that set one switch: which of them comes first is chance."""
    seen: dict[tuple[str, str], Entry] = {}
    found = []
    for entry in entries:
        for action in entry.playbook.actions:
            for key in action.switches:
                alert = entry.playbook.trigger.alert
                other = seen.setdefault((alert, key), entry)
                if other.playbook.id != entry.playbook.id:
                    what = f"alert {alert} starts {other.playbook.id} as well, which sets {key}, too ({other.file})"
                    line = entry.document.line(("trigger", "alert"))
                    problem = Problem(str(entry.file), line, what, "one playbook for an alert and a switch")
                    found.append((entry, other, problem))
    return found


def _contradictions(entry: Entry, known: Alerts) -> list[Problem]:
    """What the file names and the project does not have."""
    alert, document = entry.playbook.trigger.alert, entry.document
    line = document.line(("trigger", "alert"))
    what = f"`trigger.alert`: {alert}"
    if alert not in known.expressions:
        expected = "an alert of dashboards/rules"
        return [Problem(document.file, line, f"{what}: no such alert", expected, closest(alert, known.expressions))]
    if "absent" in known.expressions[alert]:
        return [Problem(document.file, line, f"{what} fires on missing data", "no data never starts a playbook")]
    if alert not in known.tested:
        return [Problem(document.file, line, f"{what} has no test that sees it fire", "one in tests/rules")]
    return []


def one(library: Library, name: str) -> Entry:
    """The playbook of this id. Raises PlanError: what is wrong with its file, else with what there is."""
    if name in library.entries:
        return library.entries[name]
    if mine := [problem for file, found in library.refused.items() if file.stem == name for problem in found]:
        raise PlanError(mine)
    expected = "one of " + ", ".join(library.entries)
    raise PlanError([Problem(name, 0, "no such playbook", expected, closest(name, library.entries))])
