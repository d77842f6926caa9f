"""All playbooks, checked against what they name: alerts with their tests, switches, each other.

A broken file is refused with every problem of it, and does not keep the others from being used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from chaos.playbook.actions import playbook_model
from chaos.playbook.entry import LibraryEntry
from chaos.playbook.quarrels import quarrels
from plans.models.alerts import Alerts, alerts
from plans.models.document import read_model
from plans.models.errors import PlanError, Problem, closest
from plans.models.playbook import playbook_files


@dataclass(frozen=True, slots=True)
class Library:
    """The usable playbooks, by id, and what is wrong with the other files, by file."""

    entries: Mapping[str, LibraryEntry]
    refused: Mapping[Path, tuple[Problem, ...]]

    @property
    def problems(self) -> list[Problem]:
        """Each problem once, in order."""
        return sorted({problem for found in self.refused.values() for problem in found})


Read = LibraryEntry | tuple[Problem, ...]
"""The result of a file: a playbook, or what is wrong with it."""
MOST_NAMED = 20


def files_of(folders: Iterable[Path]) -> list[Path]:
    """The playbooks' files in folders of one's own."""
    return [file for folder in folders for file in sorted(folder.glob("*.yaml"))]


def load(files: Iterable[Path] | None = None, known: Alerts | None = None) -> dict[str, LibraryEntry]:
    """Every playbook by id (None: those of plans/playbooks). Raises PlanError with every problem of all files."""
    found = survey(files, known)
    if found.refused:
        raise PlanError(found.problems)
    return dict(found.entries)


def survey(
    files: Iterable[Path] | None = None, known: Alerts | None = None, read: Callable[[Path], Read] | None = None
) -> Library:
    """Checks every file; a bad file does not affect a good one. Raises nothing for a file.

    Two files of one id, or that one alert would start to set one switch, are both refused: nobody can tell which is
    meant. `read`: how a file is read, for code that remembers files (`chaos.playbook.shelf`).
    """
    files = playbook_files() if files is None else list(files)
    try:
        known = alerts() if known is None else known
    except PlanError as exc:
        return Library({}, dict.fromkeys(files, exc.problems))
    refused: dict[Path, list[Problem]] = {}
    whole: list[LibraryEntry] = []
    for file in files:
        found = (read or read_file)(file)
        if not isinstance(found, LibraryEntry):
            refused[file] = list(found)
            continue
        if wrong := _contradictions(found, known):
            refused[file] = wrong
        whole.append(found)
    for files_of_it, problem in (*_twice(whole), *quarrels(whole)):
        for file in files_of_it:
            refused.setdefault(file, []).append(problem)
    entries = {entry.playbook.id: entry for entry in whole if entry.file not in refused}
    return Library(entries, {file: tuple(found) for file, found in refused.items()})


def read_file(file: Path) -> Read:
    """A playbook, or every problem of its file."""
    try:
        playbook, document = read_model(file, playbook_model())
        return LibraryEntry(playbook, file, hashlib.sha256(file.read_bytes()).hexdigest(), document)
    except PlanError as exc:
        return exc.problems
    except OSError as exc:
        # Gone since it was read.
        return (Problem(str(file), 0, f"cannot be read: {exc.strerror or exc}"),)


def _twice(entries: Iterable[LibraryEntry]) -> list[tuple[tuple[Path, ...], Problem]]:
    """Two files with one id."""
    seen: dict[str, LibraryEntry] = {}
    found: list[tuple[tuple[Path, ...], Problem]] = []
    for entry in entries:
        other = seen.setdefault(entry.playbook.id, entry)
        if other is not entry:
            what = f"`id`: {entry.playbook.id} stands in {other.file} as well"
            line = entry.document.line(("id",))
            found.append(((entry.file, other.file), Problem(str(entry.file), line, what, "each id once")))
    return found


def _contradictions(entry: LibraryEntry, known: Alerts) -> list[Problem]:
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


def one(library: Library, name: str) -> LibraryEntry:
    """The playbook of this id. Raises PlanError: what is wrong with its file, else with what there is."""
    if name in library.entries:
        return library.entries[name]
    if mine := [problem for file, found in library.refused.items() if file.stem == name for problem in found]:
        raise PlanError(mine)
    names = list(library.entries)
    more = f" or {len(names) - MOST_NAMED} more (xiu playbook list)" if len(names) > MOST_NAMED else ""
    expected = "one of " + ", ".join(names[:MOST_NAMED]) + more
    raise PlanError([Problem(name, 0, "no such playbook", expected, closest(name, names))])
