"""A test that hangs is a failure, and what tests start ends: held for every test, shown on ones that misbehave."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.children import for_children
from tests.house import SOURCES, TEST_SOURCES, nodes, statements, text

RUNS = {"run", "check_call", "check_output", "call"}
HANGS = """
import signal, threading, time
import pytest

def hold(event):
    event.wait(60)

@pytest.mark.timeout(1)
def test_hangs():
    threading.Thread(target=hold, args=(threading.Event(),), daemon=True, name="the other one").start()
    threading.Event().wait(60)

def test_goes_on():
    pass
"""
SLEEPS = """
import asyncio, time
PAUSE_S = 0.3 / 3
def test_sleeps():
    time.sleep(PAUSE_S)

def test_sleeps_in_a_loop():
    async def script():
        await asyncio.sleep(PAUSE_S)
    asyncio.run(script())

def test_polls():
    time.sleep(0.02)
"""
SLEEPS_OTHERWISE = """
import threading, time
import pytest

def test_waits_for_nothing():
    assert not threading.Event().wait(0.1)

def test_is_woken():
    event = threading.Event()
    threading.Timer(0.06, event.set).start()
    assert event.wait(30)

def test_another_thread_paces_itself():
    pacing = threading.Thread(target=lambda: threading.Event().wait(0.1))
    pacing.start()
    pacing.join()

@pytest.fixture
def tired():
    yield
    time.sleep(0.1)

def test_its_fixture_sleeps_at_its_end(tired):
    pass
"""
DEAF = HANGS.replace(
    "    threading.Thread", "    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\n    threading.Thread"
)
HEARS = """
import signal, subprocess, sys
if sys.argv[1] == "mended":
    from tests.support.children import hear_signals
    hear_signals()
child = subprocess.Popen([sys.executable, "-c", "print(flush=True); input()"], stdin=-1, stdout=-1)
child.stdout.readline()
child.send_signal(signal.SIGINT)
try:
    print(child.wait(float(sys.argv[2])))
except subprocess.TimeoutExpired:
    print("deaf")
child.kill()
"""


def endless(name: str) -> Iterator[str]:
    """Calls that may wait for ever: a run without a deadline, a `with Popen`, which waits at its end."""
    for node in nodes(name) if "subprocess" in text(name) else ():
        if isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                if ast.unparse(item.context_expr).startswith("subprocess.Popen("):
                    yield f"{name}:{node.lineno}: use tests.support.children.started"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in RUNS:
            owner, given = ast.unparse(node.func.value), {keyword.arg for keyword in node.keywords}
            if owner == "subprocess" and not given & {"timeout", None}:
                yield f"{name}:{node.lineno}: no timeout="


def unbounded(name: str) -> Iterator[str]:
    """Calls of harness, chaos and xiu that may wait for ever: for a thread, a child, a lock."""
    if not WAITS.search(text(name)):
        return
    rooms = [node for node in statements(name) if isinstance(node, ast.AsyncFunctionDef)]
    awaited = {id(node) for room in rooms for node in ast.walk(room)}  # its owner cancels it
    for node in nodes(name):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or id(node) in awaited:
            continue
        if node.func.attr not in MAY_WAIT:
            continue
        said, given = ast.unparse(node), {keyword.arg for keyword in node.keywords}
        bare = not node.args and not node.keywords
        if bare and node.func.attr in ("join", "communicate", "wait") and said not in REAPED:
            yield f"{name}:{node.lineno}: {said}: use harness.waits"
        if node.func.attr == "flock" and "LOCK_EX" in said and "LOCK_NB" not in said:
            yield f"{name}:{node.lineno}: {said}: use harness.waits.lock"
        if ast.unparse(node.func) == "subprocess.run" and "timeout" not in given:
            yield f"{name}:{node.lineno}: subprocess.run without a timeout="


MAY_WAIT = ("join", "communicate", "wait", "flock", "run")
WAITS = re.compile(rf"\.\s*({'|'.join(MAY_WAIT)})\b")
REAPED = ("child.wait()", "os.wait()")
"""Of a child that has ended, and of the reaper, whose work it is."""


@pytest.mark.parametrize("package", ["harness", "chaos", "xiu"])
def test_no_wait_for_a_thread_a_child_or_a_lock_is_without_a_deadline(package: str) -> None:
    names = [name for name in SOURCES if name.split("/", 1)[0] == package]
    assert names
    assert [line for name in names for line in unbounded(name)] == []


def test_no_child_of_a_test_is_waited_for_without_a_deadline() -> None:
    assert [line for name in TEST_SOURCES for line in endless(name)] == []


def pytest_on(folder: Path, text: str, last_resort_s: float = 6) -> subprocess.CompletedProcess[str]:
    (folder / "test_odd.py").write_text(text, encoding="utf-8")
    argv = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-q", "--rootdir", str(folder), "-c", "/dev/null"]
    argv += [f"-pno:{plugin}" for plugin in ("schemathesis", "locust", "valkey", "anyio")]  # as in pyproject.toml
    return subprocess.run(
        [*argv, str(folder / "test_odd.py")], env=for_children() | {"XIU_TEST_LAST_RESORT_S": str(last_resort_s)},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_a_test_that_hangs_fails_with_the_stacks_of_all_threads_and_the_next_one_runs(tmp_path: Path) -> None:
    done = pytest_on(tmp_path, HANGS, last_resort_s=100)  # the signal's work alone, however long its report takes
    text = done.stdout + done.stderr
    assert done.returncode == 1, text
    assert "1 failed, 1 passed" in text
    assert "Timeout" in text
    assert "the other one" in text


def test_a_test_that_sleeps_fails_whatever_it_calls_its_seconds(tmp_path: Path) -> None:
    done = pytest_on(tmp_path, SLEEPS)
    assert done.returncode == 1
    assert "2 failed, 1 passed" in done.stdout, done.stdout
    assert "test_odd.py:5 sleeps 0.1 s" in done.stdout


def test_a_wait_for_nothing_is_a_sleep_and_so_is_a_fixture_s_end(tmp_path: Path) -> None:
    done = pytest_on(tmp_path, SLEEPS_OTHERWISE)
    assert done.returncode == 1
    assert "1 failed, 3 passed, 1 error" in done.stdout, done.stdout
    assert "test_odd.py:6 sleeps 0.1 s" in done.stdout
    assert "test_odd.py:21 sleeps 0.1 s" in done.stdout


def test_where_no_signal_arrives_the_process_ends_with_the_stacks(tmp_path: Path) -> None:
    done = pytest_on(tmp_path, DEAF, last_resort_s=2)
    assert done.returncode == 1
    assert "passed" not in done.stdout
    assert "in hold" in done.stderr
    assert "in test_hangs" in done.stderr


@pytest.mark.parametrize(("how", "code"), [("mended", "-2"), ("plain", "deaf")])
def test_children_of_a_background_job_s_tests_hear_ctrl_c(tmp_path: Path, how: str, code: str) -> None:
    (tmp_path / "hears.py").write_text(HEARS, encoding="utf-8")
    script = f"{sys.executable} hears.py {how} {'20' if how == 'mended' else '0.5'} & wait $!"
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, env=for_children(), capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == code, done.stderr
