"""SIGTERM: the process ends in order; the stack may start it again, or not until the heal."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chaos import processes
from chaos.faults.term import Term, TermKind
from tests.support.children import started
from tests.support.stores import wait_until

POLITE = "import signal, sys\nsignal.signal(15, lambda *_: sys.exit(0))\nprint('up', flush=True)\nsignal.pause()"


@pytest.mark.parametrize("stays_down", [False, True])
def test_a_part_is_ended_in_order(stays_down: bool) -> None:
    calls: list[str] = []
    with started([sys.executable, "-c", POLITE], stdout=subprocess.PIPE) as part:
        assert part.stdout
        assert part.stdout.readline() == b"up\n"
        stack = cast(Any, SimpleNamespace(
            pid=lambda name: part.pid, pids=dict, suspend_restart=lambda name: calls.append("suspend"),
            resume_restart=lambda name: calls.append("resume"),
        ))  # fmt: skip
        kind, spec = TermKind(), Term(kind="term", stays_down=stays_down)
        detail = kind.prepare(stack, spec, "play")
        assert (detail["signal"], kind.momentary(detail)) == ("TERM", not stays_down)
        kind.inject(stack, detail)
        wait_until(lambda: not processes.lives(detail), 30, "the end")
        assert part.wait(10) == 0, "ended in order, not killed"
        assert kind.in_force(stack, detail)
        kind.undo(stack, detail)
    assert calls == (["suspend", "resume"] if stays_down else [])
