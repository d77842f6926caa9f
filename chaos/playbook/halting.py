"""The red button for playbooks: a mark in the stack's folder. Works with engine, control and everything else dead.

Undoes nothing: what is set stays set, and is named.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from chaos.playbook import journal
from chaos.playbook.journal import Journal, Transition

MARK = "playbooks.halted"


def halted(folder: Path) -> bool:
    """Has somebody stopped the playbooks of this stack?"""
    return (folder / MARK).exists()


def halt(folder: Path, who: str = "xiu halt") -> list[str]:
    """No run begins any more, those under way stop where they are within a second. What was stopped, in words.

    The mark is set first: a journal that cannot be written does not keep the button from working. Safe to repeat.
    """
    if not folder.is_dir():
        return []
    _mark(folder / MARK)
    lines: list[str] = []
    try:
        runs = [facts for facts in journal.fold(journal.read(folder / journal.FILE)).values() if not facts.over]
        lines = [f"playbook {facts.playbook} (run {facts.run}) stops in {facts.state}" for facts in runs]
        for facts in runs:
            lines += [f"  {done.left}" for done in facts.actions.values()
                     if done.undone_s is None]  # fmt: skip
        lines = lines or ["no playbook was at work; none begins from now on"]
        Journal(folder / journal.FILE).tell(Transition(time.time(), "", "", "halt", who))
    except OSError as exc:
        # The mark stops them; what cannot be read or written is reported.
        lines.append(f"none begins, and none goes on; the journal could not be read or written: {exc}")
    return lines


def _mark(path: Path) -> None:
    """An empty file: it takes no room on a full disk. Raises OSError where it is not there afterwards."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def resume(folder: Path, who: str = "xiu playbook resume") -> bool:
    """Lets runs begin again; False if they were not stopped. A run that was stopped stays stopped."""
    if not halted(folder):
        return False
    with suppress(OSError):  # the mark is what counts
        Journal(folder / journal.FILE).tell(Transition(time.time(), "", "", "resume", who))
    (folder / MARK).unlink(missing_ok=True)
    return True
