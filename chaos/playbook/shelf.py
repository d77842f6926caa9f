"""The playbook files of an engine as they are now: read again when one of them, or a rule they name, has changed.

Refuses nothing: what cannot be used is told beside what can.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from chaos.playbook.library import Library, survey
from plans.models.alerts import RULE_TESTS, RULES
from plans.models.playbook import playbook_files

Mark = tuple[tuple[str, int, int, int], ...]


class Shelf:
    """`folder` None: the project's own, plans/playbooks."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._mark: Mark | None = None

    def _files(self) -> list[Path]:
        return playbook_files() if self._folder is None else sorted(self._folder.glob("*.yaml"))

    def look(self) -> Library | None:
        """What there is now; None while nothing has changed since the last look."""
        files = self._files()
        mark = _mark([*files, *sorted(RULES.glob("*.yml")), *sorted(RULE_TESTS.glob("*.test.yml"))])
        if mark == self._mark:
            return None
        # Taken before the files are read: one that changes meanwhile is read again.
        self._mark = mark
        return survey(files)


def _mark(files: Iterable[Path]) -> Mark:
    """What of a file changes whenever its text does."""
    found = []
    for file in files:
        try:
            seen = file.stat()
        except OSError:
            continue
        found.append((str(file), seen.st_ino, seen.st_mtime_ns, seen.st_size))
    return tuple(found)
