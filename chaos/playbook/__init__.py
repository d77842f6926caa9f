"""Contingency playbooks: what is done about an alert, how it is proven and undone.

    part()                 # the engine as a part of a stack: Stack(folder, more=(part(),))
    halt(folder)           # no playbook acts any more; nothing is undone by force
    journal.items(path)    # what run.json holds under `playbooks`

Does not act without a journal on the disk, nor without data.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from chaos.playbook.halting import halt, halted, resume
from harness.stack import Part

__all__ = ["halt", "halted", "part", "resume"]


def part(playbooks: Path | None = None, more: Sequence[Path] = ()) -> Part:
    """The engine as a part of a stack, with the address Alertmanager is to call.

    `playbooks`: a folder of others than the project's own. `more`: folders whose playbooks stand beside them.
    """
    others = () if playbooks is None else ("--playbooks", str(playbooks.resolve()))
    beside = tuple(word for folder in more for word in ("--beside", str(folder.resolve())))
    return Part(
        "playbook",
        (sys.executable, "-m", "chaos.playbook", "--stack", "{folder}", "--port", "{playbook_port}", *others, *beside),
        "http://127.0.0.1:{playbook_port}/readyz",
        ports=("playbook",),
        after=("control",),
        metrics="127.0.0.1:{playbook_port}",
        webhook="http://127.0.0.1:{playbook_port}/alerts",
    )
