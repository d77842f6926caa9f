"""SIGKILL and SIGSTOP: to the very process that was meant, taken back by the ledger's line alone.

On real parts: integration/chaos/test_faults.py (a front killed), test_in_force.py (a part that stays down, one frozen).
"""

from __future__ import annotations

import json
import signal as signals
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import ValidationError

from chaos import processes
from chaos.errors import ChaosError
from chaos.faults.signal import SignalFault, SignalsKind
from harness.stack import Stack
from tests.support.children import started
from tests.support.fault_shapes import as_file
from tests.support.stores import wait_until

FILE = {
    "targets": ["front-0"], "inject": {"kind": "signal", "signal": "KILL"}, "heal": {"kind": "restart"},
    "effect_probe": {"kind": "process_gone", "within": "2s"}, "heal_probe": {"kind": "part_ready", "within": "10s"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"targets": ["front-valkey"]}, "signal on front-valkey", id="a link"),
        pytest.param({"inject": {"kind": "signal", "signal": "HUP"}}, "'KILL', 'QUIT' or 'STOP'", id="another signal"),
        pytest.param({"inject": {"kind": "signal", "signal": "STOP"}}, "cannot see STOP", id="frozen is not gone"),
        pytest.param(
            {"inject": {"kind": "signal", "signal": "QUIT"}}, "QUIT on front-0; expected postgres", id="no QUIT"
        ),
        pytest.param({"heal": {"kind": "continue"}}, "continue does not undo KILL", id="the dead do not go on"),
        pytest.param({"inject": {"kind": "signal", "signal": "KILL", "stays_down": 1}}, "stays_down", id="no flag"),
    ],
)
def test_bad_input_is_told(change: dict[str, object], says: str) -> None:
    assert as_file(**FILE).inject.way == "KILL"
    with pytest.raises(ValidationError) as told:
        as_file(**(FILE | change))
    assert says in str(told.value)


@pytest.fixture
def part() -> Iterator[subprocess.Popen[bytes]]:
    with started([sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"],
                 stdout=subprocess.PIPE) as child:  # fmt: skip
        assert child.stdout
        assert child.stdout.readline() == b"up\n"
        yield child
        child.kill()  # also one that stands still


def stack(part: subprocess.Popen[bytes], calls: list[str]) -> Stack:
    return cast(Any, SimpleNamespace(
        pid=lambda name: part.pid, pids=lambda: {"play": part.pid} if part.poll() is None else {},
        suspend_restart=lambda name: calls.append(f"suspend {name}"),
        resume_restart=lambda name: calls.append(f"resume {name}"),
        restart=lambda name: calls.append(f"restart {name}"),
    ))  # fmt: skip


def test_a_part_is_frozen_and_goes_on_by_the_line_alone(part: subprocess.Popen[bytes]) -> None:
    calls: list[str] = []
    kind, spec, where = SignalsKind(), SignalFault(kind="signal", signal="STOP"), stack(part, calls)
    assert kind.touches(spec, "play") == ("play",)
    detail = json.loads(json.dumps(kind.prepare(where, spec, "play")))
    assert (kind.part(detail), kind.momentary(detail), kind.in_force(where, detail)) == ("play", False, False)
    kind.inject(where, detail)
    wait_until(lambda: kind.in_force(where, detail), 30, "frozen")
    assert not kind.undone(where, detail)
    SignalsKind().undo(where, detail)  # another process's, which never saw the injection
    wait_until(lambda: kind.undone(where, detail), 30, "it goes on")
    assert calls == [], "nobody kept the stack from anything"


@pytest.mark.parametrize("stays_down", [False, True])
def test_a_part_is_killed(part: subprocess.Popen[bytes], stays_down: bool) -> None:
    calls: list[str] = []
    kind, spec = SignalsKind(), SignalFault(kind="signal", signal="KILL", stays_down=stays_down)
    where = stack(part, calls)
    detail = kind.prepare(where, spec, "play")
    assert kind.momentary(detail) is not stays_down
    kind.inject(where, detail)
    assert part.wait(30) == -signals.SIGKILL
    assert kind.in_force(where, detail)
    kind.undo(where, detail)
    assert calls == (["suspend play", "resume play"] if stays_down else [])
    assert [name for name, _ in kind.rungs(where, detail)] == ["start again", "restart"]


DYING = """
import ctypes, platform, threading
threading.Thread(target=threading.Event().wait).start()
print("up", flush=True)
ctypes.CDLL(None).syscall({"x86_64": 60}.get(platform.machine(), 93), 0)  # exit, of this thread alone
"""


def test_a_part_whose_threads_take_their_time_to_die_is_neither_back_nor_there() -> None:
    """Its first thread is gone and its parent cannot wait for it yet, as a large program of many threads."""
    kind, spec = SignalsKind(), SignalFault(kind="signal", signal="KILL", stays_down=True)
    with started([sys.executable, "-c", DYING], stdout=subprocess.PIPE) as part:
        assert part.stdout
        assert part.stdout.readline() == b"up\n"
        where = stack(part, [])
        detail = kind.prepare(where, spec, "play")
        wait_until(lambda: not processes.lives(detail), 30, "its first thread gone")
        assert "play" in where.pids()
        assert kind.in_force(where, detail)
        assert not kind.undone(where, detail)
        part.kill()


def test_a_pid_that_is_another_process_s_by_now_gets_no_signal(part: subprocess.Popen[bytes]) -> None:
    kind, spec = SignalsKind(), SignalFault(kind="signal", signal="KILL")
    where = stack(part, [])
    detail = {**kind.prepare(where, spec, "play"), "created": 1.0}
    with pytest.raises(ChaosError, match=r"play \(pid \d+\) had ended before the signal"):
        kind.inject(where, detail)
    assert not processes.lives(detail)
    assert part.poll() is None
