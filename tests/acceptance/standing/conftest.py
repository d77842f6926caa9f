"""One stack that stands for all tests of this folder: each leaves its switches as they were, and no round open."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from harness.control_client import ControlClient
from harness.stack import Stack, find_running
from tests.support.command import Xiu


@pytest.fixture(scope="package")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Xiu]:
    """The command in a folder where a stack runs that `xiu up` started."""
    command = Xiu(tmp_path_factory.mktemp("standing"))
    up = command("up", "--detach")
    try:
        assert up.returncode == 0, up.stderr
        yield command
    finally:
        command("down")


@pytest.fixture
def stack(standing: Xiu) -> Stack:
    """The stack that stands."""
    (folder,) = find_running(standing.folder / "var")
    return Stack.attach(folder)


@pytest.fixture
def xiu(standing: Xiu, stack: Stack) -> Iterator[Xiu]:
    """The command; afterwards nothing that it started runs, and every switch of both lanes is what it was."""
    with ControlClient.of(stack) as control:
        before = {lane: control.switches(lane) for lane in ("live", "stress")}
        yield standing
        for process in standing.started:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(60)
        for lane, switches in before.items():
            now = control.switches(lane)
            for key, value in switches.items():
                if now[key] != value:
                    control.set_switch(key, value, "test", "as it was", lane)
