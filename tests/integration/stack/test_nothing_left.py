"""Whoever is killed, and how: no process of the stack is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from harness.stack import Stack, find_running, new_folder
from harness.stack.folder import Folder
from tests.support.children import started
from tests.support.stack_parts import everybody, runs, wait_gone
from tests.support.stores import wait_until

Make = Callable[..., Stack]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def held(var: Path) -> Iterator[tuple[subprocess.Popen[str], Stack, list[psutil.Process]]]:
    """A stack that another process holds: (that process, the stack attached to, every process of it)."""
    folder = new_folder(var)
    argv = [sys.executable, "-m", "tests.support.stack_holder", str(folder)]
    env = {k: v for k, v in os.environ.items() if not k.startswith("XIU_")}
    with started(argv, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "ready\n"
        stack = Stack.attach(folder)
        with psycopg.connect(stack.addresses.postgres_url):
            processes = everybody(stack)
        assert len(processes) > 8  # PostgreSQL alone has more than five
        yield holder, stack, processes
        stack.stop()
        holder.kill()
        wait_gone(processes)


def wait_free(stack: Stack) -> None:
    """Until nobody holds the folder: also a process that was started behind the look at all of them is gone."""
    wait_until(lambda: not stack.folder.locked, 20, "the folder is free")


def kill(pids: list[int], number: int = signal.SIGKILL) -> None:
    for pid in pids:
        os.kill(pid, number)


Held = tuple[subprocess.Popen[str], Stack, list[psutil.Process]]


@pytest.mark.parametrize(
    "whom", ["parent", "supervisor", "reaper", "supervisor and reaper", "parent and supervisor", "all three"]
)
def test_kill_9_leaves_nothing(held: Held, whom: str) -> None:
    holder, stack, processes = held
    state = stack.folder.read_state()
    pids = {"parent": holder.pid, "supervisor": state["supervisor_pid"], "reaper": state["reaper_pid"]}
    kill([pid for name, pid in pids.items() if name in whom or whom == "all three"])
    wait_gone(processes)
    wait_free(stack)
    assert not any(map(runs, processes))


def test_a_parent_that_is_killed_ends_its_stack_in_order(held: Held) -> None:
    holder, stack, processes = held
    holder.kill()
    wait_gone(processes)
    assert stack.folder.read_state()["status"] == "stopped"
    log = stack.folder.log("postgres").read_text()
    assert "database system is shut down" in log


def test_frozen_parts_go_too_when_the_supervisor_is_killed(held: Held) -> None:
    _, stack, processes = held
    kill([stack.pid("valkey"), stack.pid("postgres")], signal.SIGSTOP)
    kill([stack.folder.read_state()["supervisor_pid"]])
    wait_gone(processes)
    wait_free(stack)


def test_a_killed_postgres_postmaster_leaves_no_backend(make: Make) -> None:
    with make(parts="stores") as stack:
        stack.suspend_restart("postgres")
        family = psutil.Process(stack.pid("postgres"))
        processes = [family, *family.children(recursive=True)]
        assert len(processes) > 4
        stack.kill("postgres")
        wait_gone(processes)
        assert "valkey" in stack.pids()


def test_what_runs_is_found_and_what_was_killed_is_not(held: Held, var: Path) -> None:
    _, stack, processes = held
    assert find_running(var) == [stack.folder.path]
    kill([stack.folder.read_state()["supervisor_pid"]])
    wait_gone(processes)
    wait_free(stack)
    assert find_running(var) == []


def test_a_folder_is_for_one_stack_at_a_time(held: Held) -> None:
    _, stack, _ = held
    descriptor = Folder(stack.folder.path).lock()
    assert descriptor is None
