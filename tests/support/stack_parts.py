"""Small children as parts of a stack, and what tests ask about processes."""

from __future__ import annotations

import contextlib
import json
import sys
import urllib.request
from pathlib import Path
from typing import Any

import psutil

from harness.stack import Part, PartEvent, Stack
from tests.support.stores import wait_until

CHILD = Path(__file__).with_name("stack_child.py")
DEADLINE_S = 60.0


def child(name: str, *flags: str, **more: Any) -> Part:
    """A part that answers 200 on a port of its own."""
    port = name.replace("-", "_")
    argv = (sys.executable, str(CHILD), f"{{{port}_port}}", *flags)
    return Part(name, argv, f"http://127.0.0.1:{{{port}_port}}/readyz", ports=(name,), **more)


def get(url: str) -> Any:
    """The JSON behind an address."""
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)


def everybody(stack: Stack) -> list[psutil.Process]:
    """Every process of a running stack: reaper, supervisor, parts and what they started."""
    reaper = psutil.Process(stack.folder.read_state()["reaper_pid"])
    return [reaper, *reaper.children(recursive=True)]


def listening(processes: list[psutil.Process]) -> set[int]:
    """The TCP ports they listen on. A passing child (a back end of PostgreSQL) may go while we ask."""
    ports = set()
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            ports |= {c.laddr.port for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
    return ports


def runs(process: psutil.Process) -> bool:
    """Does it still run? It may go while we ask."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_gone(processes: list[psutil.Process]) -> None:
    """Until none of them runs."""
    wait_until(lambda: not any(map(runs, processes)), DEADLINE_S, "gone")


class Received:
    """Events of a stack, kept."""

    def __init__(self, stack: Stack) -> None:
        self.events: list[PartEvent] = []
        stack.events(self.events.append)

    def wait(self, part: str, kind: str, times: int = 1) -> PartEvent:
        """The event, as soon as it has come so often."""
        wait_until(lambda: len(self.of(part, kind)) >= times, DEADLINE_S, f"{part} {kind}")
        return self.of(part, kind)[times - 1]

    def of(self, part: str, kind: str) -> list[PartEvent]:
        """What came of this kind."""
        return [event for event in self.events if (event.part, event.kind) == (part, kind)]
