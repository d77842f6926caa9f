"""Contingency playbooks: what is done about an alert, by whom, how it is proven and undone.

    part()                 # the engine as a part of a stack: Stack(folder, more=(part(),))
    halt(folder)           # no playbook acts any more; nothing is undone by force
    journal.items(path)    # what run.json holds under `playbooks`

Refuses to act without a journal on the disk, without data, and on anything but switches.
"""

from __future__ import annotations

import sys

from chaos.playbook.halting import halt, halted, resume
from harness.stack import Part

__all__ = ["halt", "halted", "part", "resume"]


def part() -> Part:
    """The engine as a part of a stack, with the address Alertmanager is to call."""
    return Part(
        "playbook",
        (sys.executable, "-m", "chaos.playbook", "--stack", "{folder}", "--port", "{playbook_port}"),
        "http://127.0.0.1:{playbook_port}/readyz",
        ports=("playbook",),
        after=("control",),
        metrics="127.0.0.1:{playbook_port}",
        webhook="http://127.0.0.1:{playbook_port}/alerts",
    )
