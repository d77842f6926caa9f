"""The figures of a process are those of prometheus-client's collector; its open files are counted by the kernel."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import Metric

from system.contract.process_figures import ProcessFigures, open_files
from tests.support.stores import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no /proc")
FD = Path("/proc/self/fd")


@pytest.fixture
def idle() -> Iterator[int]:
    """A process that does nothing: two looks at it find the same."""
    child = subprocess.Popen(["sleep", "600"])
    try:
        wait_until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_SLEEPING, 30.0, "it sleeps")
        yield child.pid
    finally:
        child.kill()
        child.wait(30)


def shown(metrics: list[Metric]) -> dict[str, tuple[str, str, list[float]]]:
    return {one.name: (one.type, one.documentation, [sample.value for sample in one.samples]) for one in metrics}


def test_they_are_those_of_the_clients_own_collector(idle: int) -> None:
    theirs = ProcessCollector(pid=lambda: idle, registry=None)
    expected = shown(list(theirs.collect()))
    assert len(expected) == 6
    assert shown(list(ProcessFigures(lambda: idle).collect())) == expected


def test_open_files_are_counted_and_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    if FD.stat().st_size == 0:
        pytest.skip("this kernel does not count them")
    monkeypatch.setattr(os, "listdir", lambda place: pytest.fail(f"{place} is listed"))
    before = open_files(FD)
    with open(os.devnull, "rb"), open(os.devnull, "rb"):
        assert open_files(FD) == before + 2


def test_a_kernel_that_does_not_count_them_is_asked_for_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    def empty(place: Path, **more: bool) -> os.stat_result:
        return os.stat_result((0o40500, 1, 1, 1, 0, 0, 0, 0, 0, 0))

    monkeypatch.setattr(Path, "stat", empty)
    assert open_files(FD) == len(os.listdir(FD))


@pytest.mark.parametrize("whose", ["self", 1 << 40], ids=["no /proc", "no such process"])
def test_where_nothing_can_be_read_there_are_no_figures(whose: int | str, tmp_path: Path) -> None:
    registry = CollectorRegistry()
    registry.register(ProcessFigures(lambda: whose, tmp_path if whose == "self" else Path("/proc")))
    assert list(registry.collect()) == []
