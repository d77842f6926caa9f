"""Benches of several cells: what is counted, between which marks, and what is told when nothing was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.bench import cpu, credit_cells, wins_cells
from harness.errors import EnvironmentNotReady
from system.contract.routing import Topology, front_of
from tests.support.children import started


def test_cpu_is_added_up_by_role_for_each_piece_of_work() -> None:
    used = cpu.between(
        {"credit-0": 1.0, "credit-1": 2.0, "postgres": 5.0}, {"credit-0": 1.5, "credit-1": 2.5, "postgres": 8.0}
    )
    assert used == {"credit-0": 0.5, "credit-1": 0.5, "postgres": 3.0}
    assert cpu.by_role(used, 1_000_000) == {"credit": 1.0, "postgres": 3.0}


BURNS = """
import os, subprocess, sys, time
def tell():
    print(sum(os.times()[:4]), flush=True)
    sys.stdin.readline()
tell()
until = time.process_time() + 0.1
while time.process_time() < until:
    sum(range(10_000))
subprocess.run([sys.executable, "-c", "sum(range(6_000_000))"], check=True, timeout=60)
tell()
"""
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def test_the_cpu_of_a_process_is_what_it_used_with_its_ended_children() -> None:
    """As it says itself, to the kernel's ticks: user and system, its own and its child's, at either moment."""
    with started([sys.executable, "-c", BURNS], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        said: list[tuple[float, dict[str, float]]] = []
        for _ in range(2):
            own_s = float(child.stdout.readline())
            said.append((own_s, cpu.read({"it": child.pid})))
            child.stdin.write(b"\n")
            child.stdin.flush()
    (began_s, before), (ended_s, after) = said
    assert cpu.between(before, after)["it"] == pytest.approx(ended_s - began_s, abs=3 * TICK_S)
    assert ended_s - began_s > 0.1


class Played:
    """Answers by the book; says what it was asked."""

    def __init__(self, *posted: int) -> None:
        self.asked: list[str] = []
        self._posted = iter(posted)

    def ask(self, what: str = "") -> dict[str, float]:
        self.asked.append(what)
        return {"posted": next(self._posted)}


class Named:
    """A stack that has pids, and places with names alone."""

    def __init__(self, **pids: int) -> None:
        self._pids = pids

    def pid(self, name: str) -> int:
        return self._pids[name]

    @property
    def places(self) -> Any:
        from harness.stack.places import Directory
        from system.contract.places import system

        return Directory(tuple(place for place in system(2, 2) if place.role in ("valkey", "postgres")))


def test_credit_counts_what_takes_part_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[set[int]] = []

    def reading(pids: dict[str, int]) -> dict[str, float]:
        read.append(set(pids.values()))
        return {part: float(len(read)) for part in pids}

    monkeypatch.setattr(cpu, "read", reading)
    child = Played(1000, 100, 900, 1000, 1000, 200, 1000, 1000)
    stack = Named(**{"postgres": 1, "valkey": 2, "valkey-1": 3})
    rig = credit_cells.CreditRig(stack, child, [4, 5])  # type: ignore[arg-type]
    assert rig.efficiency(2) == 800 / 5
    assert rig.efficiency(1) == 800 / 3
    assert child.asked == ["fill 2", "begin", "end", "close", "fill 1", "begin", "end", "close"]
    assert read == [{1, 2, 3, 4, 5}] * 2 + [{1, 2, 4}] * 2


def test_credit_without_work_between_the_marks_is_no_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "read", lambda pids: dict.fromkeys(pids, 0.0))
    stack = Named(**{"postgres": 1, "valkey": 2, "valkey-1": 3})
    rig = credit_cells.CreditRig(stack, Played(10, 10, 10, 10), [4, 5])  # type: ignore[arg-type]
    with pytest.raises(EnvironmentNotReady, match="nothing was posted between the marks; expected more awards"):
        rig.efficiency(2)


def test_every_user_stands_in_the_file_of_the_front_that_owns_it(tmp_path: Path) -> None:
    fronts = ("http://a", "http://b")
    files = wins_cells.token_files(tmp_path, [str(uid) for uid in range(1, 501)], fronts)
    topology = Topology(fronts, (0, 1))
    found = [[int(line) for line in path.read_text().split()] for path, _ in files]
    assert [len(users) for users in found] == [count for _, count in files]
    assert sorted(found[0] + found[1]) == list(range(1, 501))
    assert all(front_of(uid, topology) == front for front, users in enumerate(found) for uid in users)
