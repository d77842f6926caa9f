"""The playbooks there are, checked against what they name: alerts with their tests, switches, each other.

Refuses a library with one broken file: every problem of every file is told at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

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


def load(files: Iterable[Path] | None = None, known: Alerts | None = None) -> dict[str, Entry]:
    """Every playbook by id (None: those of plans/playbooks). Raises PlanError with every problem of all files."""
    known = alerts() if known is None else known
    problems: list[Problem] = []
    entries: dict[str, Entry] = {}
    for file in playbook_files() if files is None else files:
        try:
            playbook, document = read_model(file, Playbook)
        except PlanError as exc:
            problems += exc.problems
            continue
        problems += _contradictions(playbook, document, known)
        if playbook.id in entries:
            what = f"`id`: {playbook.id} stands in {entries[playbook.id].file} as well"
            problems.append(Problem(str(file), document.line(("id",)), what, "each id once"))
            continue
        entries[playbook.id] = Entry(playbook, file, hashlib.sha256(file.read_bytes()).hexdigest())
    problems += _quarrels(entries.values())
    if problems:
        raise PlanError(problems)
    return entries


def _quarrels(entries: Iterable[Entry]) -> list[Problem]:
    """Two playbooks that one alert starts, and that set one switch: which of them comes first is chance."""
    seen: dict[tuple[str, str], Entry] = {}
    found = []
    for entry in entries:
        for action in entry.playbook.actions:
            alert, key = entry.playbook.trigger.alert, action.set.switch
            other = seen.setdefault((alert, key), entry)
            if other is not entry:
                line = Document(str(entry.file), entry.file.read_text(encoding="utf-8")).line(("trigger", "alert"))
                what = f"alert {alert} starts {other.playbook.id} as well, which sets {key}, too"
                found.append(Problem(str(entry.file), line, what, "one playbook for an alert and a switch"))
    return found


def _contradictions(playbook: Playbook, document: Document, known: Alerts) -> list[Problem]:
    """What the file names and the project does not have."""
    alert = playbook.trigger.alert
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


def one(entries: Mapping[str, Entry], name: str) -> Entry:
    """The playbook of this id. Raises PlanError with what there is."""
    if name not in entries:
        expected = "one of " + ", ".join(entries)
        raise PlanError([Problem(name, 0, "no such playbook", expected, closest(name, entries))])
    return entries[name]
