"""The playbook files of an engine as they are now. A file is read again when it has changed, and no other is.

What cannot be used is reported beside what can.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from chaos.playbook.library import Library, Read, files_of, read_file, survey
from plans.models.alerts import RULE_TESTS, RULES, Alerts, alerts
from plans.models.errors import PlanError
from plans.models.playbook import playbook_files

Mark = tuple[int, int, int]
"""What of a file changes whenever its text does."""


class Shelf:
    """`folder` None: the project's own, plans/playbooks. `more`: folders whose playbooks stand beside those."""

    def __init__(self, folder: Path | None, more: Sequence[Path] = ()) -> None:
        self._folder, self._more = folder, more
        self._marks: dict[Path, Mark] | None = None
        self._rule_marks: dict[Path, Mark] | None = None
        self._read: dict[Path, Read] = {}
        self._known: Alerts | None = None
        """What the rules say, None where they cannot be read."""

    def _files(self) -> list[Path]:
        first = playbook_files() if self._folder is None else sorted(self._folder.glob("*.yaml"))
        return [*first, *files_of(self._more)]

    def look(self) -> Library | None:
        """What there is now; None while nothing has changed since the last look."""
        # Marks are taken before a file is read, so that a file that changes meanwhile is read again.
        files = self._files()
        marks, rule_marks = _marks(files), _marks([*RULES.glob("*.yml"), *RULE_TESTS.glob("*.test.yml")])
        if (marks, rule_marks) == (self._marks, self._rule_marks):
            return None
        if rule_marks != self._rule_marks:
            self._known = None
            with suppress(PlanError):
                self._known = alerts()
        before = self._marks or {}
        self._read = {
            file: self._read[file] if file in self._read and marks.get(file) == before.get(file) else read_file(file)
            for file in files
        }
        self._marks, self._rule_marks = marks, rule_marks
        return survey(files, self._known, self._read.__getitem__)


def _marks(files: Iterable[Path]) -> dict[Path, Mark]:
    found = {}
    for file in files:
        with suppress(OSError):
            seen = file.stat()
            found[file] = (seen.st_ino, seen.st_mtime_ns, seen.st_size)
    return found
