"""What a process loads at its start is what it needs: a stack starts a dozen of them, a run waits for Locust."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADED = (
    "import importlib, sys; importlib.import_module(sys.argv[1]); print(*(n for n in sys.argv[2:] if n in sys.modules))"
)


@pytest.mark.parametrize(
    ("program", "without"),
    [
        ("harness.stack.supervisor", ("numpy", "plans.models", "psycopg", "valkey", "harness.runs.record", "requests")),
        ("chaos.watchdog", ("numpy", "psycopg", "harness.orchestrate.run", "plans.models.stress")),
        ("chaos.playbook.__main__", ("numpy", "psycopg", "plans.models.stress", "requests")),
        ("xiu.commands.up", ("numpy", "psycopg", "plans.models.stress", "requests")),
        ("system.play.app", ("numpy",)),
        ("harness.locustfile", ("harness.orchestrate.run", "psycopg")),
    ],
)
def test_a_program_loads_nothing_that_it_does_not_need(program: str, without: tuple[str, ...]) -> None:
    argv = [sys.executable, "-c", LOADED, program, *without]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []
