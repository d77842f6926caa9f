"""A stack that a run started for itself: nobody else attaches to it or stops it, and the run sees when it is gone."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from harness.errors import BadInput
from harness.orchestrate import run
from harness.orchestrate.system import OwnStack
from harness.runs.order import order_of
from harness.stack import Stack, find_running, find_shared, owner_of
from plans.models import find, load_plan
from tests.support.children import started as child
from tests.support.stores import wait_until
from xiu.cli import dispatch
from xiu.commands import _stacks

Make = Callable[..., Stack]


class Small(Stack):
    """Stores alone, in place of everything."""

    def __init__(
        self, folder: Path, *, detach: bool = False, private: bool = False, more: object = (), fronts: int = 1
    ) -> None:
        super().__init__(folder, parts="stores", detach=detach, private=private)


def test_down_refuses_a_private_stack_and_names_its_process(
    make: Make, var: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with make(parts="stores", private=True) as mine:
        where = ("--var", str(var))
        for words in (where, (*where, "--stack", str(mine.folder.path))):
            with pytest.raises(BadInput, match=rf"private to process {os.getpid()}.*kill -INT {os.getpid()}"):
                dispatch(["down", *words])
        assert mine.running
        assert _stacks.need(argparse.Namespace(stack=None, var=var)).folder.path == mine.folder.path  # to look at
        with make(parts="stores") as other:
            assert _stacks.need(argparse.Namespace(stack=None, var=var)).folder.path == other.folder.path
            assert dispatch(["down", "--json", *where]) == 0
            assert json.loads(capsys.readouterr().out) == {"stopped": [str(other.folder.path)]}
        assert mine.running


def test_a_run_uses_what_was_left_for_everybody_else_a_stack_of_its_own(
    make: Make, var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "VAR", var)
    monkeypatch.setattr(run, "Stack", Small)
    order = order_of(load_plan(find("gala-share", "stress")), var.parent / "runs")
    with make(parts="stores", private=True) as private:
        with run._stack(order) as own:  # beside a demo
            assert own.folder.path != private.folder.path
            assert owner_of(own.folder.path) == os.getpid()
        with make(parts="stores") as shared, run._stack(order) as used:
            assert used.folder.path == shared.folder.path
    with make(parts="stores"), make(parts="stores"):
        demo = order_of(order.loaded, order.runs, own_stack=True)
        with run._stack(demo) as own:  # beside two that run
            assert len(find_running(var)) == 3
            assert owner_of(own.folder.path) == os.getpid()
        with pytest.raises(BadInput, match="2 stacks run; choose one"), run._stack(order):
            pass


def test_what_is_kept_or_left_by_a_dead_process_is_everybodys(make: Make, var: Path) -> None:
    kept = make(parts="stores", detach=True, private=True).start()
    assert find_shared(var) == []
    supervisor = kept._process
    kept.release()
    assert find_shared(var) == [kept.folder.path]
    kept.down()
    assert supervisor is not None
    assert supervisor.wait(20) == 0
    started = f"""
import sys
from pathlib import Path
from harness.stack import Stack, new_folder
Stack(new_folder(Path({str(var)!r})), parts="stores", detach=True, private=True).start()
sys.stdin.read()
"""
    env = {k: v for k, v in os.environ.items() if not k.startswith("XIU_")} | {"PYTHONPATH": os.getcwd()}
    with child([sys.executable, "-c", started], env=env, stdin=subprocess.PIPE) as process:
        try:
            wait_until(lambda: any(Stack(path).running for path in find_running(var)), 30, "running")
            assert find_shared(var) == []
            assert owner_of(find_running(var)[0]) == process.pid
        finally:
            process.kill()
    left = Stack.attach(find_shared(var)[0])
    left.down()


def test_a_system_whose_stack_was_stopped_or_died_says_so(make: Make) -> None:
    with make(parts="stores", private=True) as stack:
        system = OwnStack(stack)
        assert system.gone() is None
        psutil.Process(stack.folder.read_state()["supervisor_pid"]).kill()
        wait_until(lambda: system.gone() is not None, 20, "gone")
        assert "is gone" in (system.gone() or "")
