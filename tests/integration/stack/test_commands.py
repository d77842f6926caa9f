"""`xiu up`, `down`, `status`, as a user types them."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest
import valkey

from harness.errors import EnvironmentNotReady
from harness.stack import Stack, last_stores
from tests.support.children import started
from tests.support.stack_parts import Received, everybody, wait_gone
from tests.support.stores import wait_until

Make = Callable[..., Stack]
ROOT = Path(__file__).parents[3]
TIMEOUT_S = 90


def environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("XIU_")} | {"PYTHONPATH": str(ROOT)}


def xiu(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "xiu.cli", *words]
    return subprocess.run(argv, env=environment(), capture_output=True, text=True, timeout=TIMEOUT_S, cwd=ROOT)


@pytest.fixture
def ran(make: Make, var: Path) -> Path:
    """A place where a stack has run, and left a row and a key."""
    with make(parts="stores") as stack:
        with psycopg.connect(stack.addresses.postgres_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
        with valkey.Valkey.from_url(stack.addresses.valkey_url) as client:
            client.set("kept", "43")
    return var


def test_the_last_stores_hold_what_the_last_stack_left(ran: Path) -> None:
    with last_stores(ran) as stack:
        assert set(stack.pids()) == {"valkey", "postgres"}
        with psycopg.connect(stack.addresses.postgres_url) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (42,)
        with valkey.Valkey.from_url(stack.addresses.valkey_url) as client:
            assert client.get("kept") == b"43"
        with pytest.raises(EnvironmentNotReady, match="still runs"):
            last_stores(ran)


def test_last_stores_without_a_last_stack_say_how_to_get_one(var: Path) -> None:
    with pytest.raises(EnvironmentNotReady, match="xiu up"):
        last_stores(var)


def test_up_detached_status_and_down(ran: Path) -> None:
    up = xiu("up", "--detach", "--stores", "last", "--var", str(ran), "--json")
    assert up.returncode == 0, up.stderr
    said = json.loads(up.stdout)
    assert said["addresses"]["valkey_url"].startswith("valkey://127.0.0.1:")
    stack = Stack.attach(Path(said["folder"]))
    processes = everybody(stack)
    stack.stop()
    assert stack.folder.locked  # an attached stack is somebody else's

    status = xiu("status", "--var", str(ran))
    assert status.returncode == 0, status.stderr
    assert said["addresses"]["postgres_url"] in status.stdout
    assert max(len(line) for line in status.stdout.splitlines() if "://" not in line and "/" not in line) <= 80

    # Who looks later learns what happened meanwhile, and why.
    assert " died " not in status.stdout
    heard = Received(stack)
    stack.kill("valkey")
    heard.wait("valkey", "restarted")
    assert re.search(r"valkey +died once, last \d+ s ago: killed by signal 9", xiu("status", "--var", str(ran)).stdout)
    deaths = json.loads(xiu("status", "--json", "--var", str(ran)).stdout)["deaths"]
    assert [(one["part"], one["times"], one["cause"]) for one in deaths] == [("valkey", 1, "killed by signal 9")]
    stack.stop()

    down = xiu("down", "--var", str(ran))
    assert down.returncode == 0, down.stderr
    wait_gone(processes)
    assert xiu("status", "--var", str(ran)).returncode == 5
    assert xiu("down", "--var", str(ran)).returncode == 5


def test_several_running_are_listed_and_one_is_chosen(make: Make, var: Path) -> None:
    with make(parts="stores") as one, make(parts="stores") as two:
        answer = xiu("status", "--var", str(var))
        assert answer.returncode == 2
        assert str(one.folder.path) in answer.stderr
        assert str(two.folder.path) in answer.stderr
        chosen = xiu("--json", "status", "--stack", str(two.folder.path))
        assert json.loads(chosen.stdout)["stack_id"] == two.folder.path.name


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_up_in_the_foreground_ends_with_its_signal_and_leaves_nothing(ran: Path, number: int) -> None:
    argv = [sys.executable, "-m", "xiu.cli", "up", "--stores", "last", "--var", str(ran), "--json"]
    with started(argv, env=environment(), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as up:
        assert up.stderr
        assert "Ctrl-C" in up.stderr.readline()
        processes = everybody(Stack.attach((ran / "last").resolve()))
        up.send_signal(number)
        code = up.wait(TIMEOUT_S)
        assert up.stdout
        assert json.loads(up.stdout.read())["folder"]
    wait_gone(processes)
    assert code == (-9 if number == signal.SIGKILL else 0)


def test_a_background_job_of_a_script_ends_with_sigterm(ran: Path) -> None:
    # A shell without job control lets its background jobs ignore SIGINT.
    argv = [sys.executable, "-m", "xiu.cli", "up", "--stores", "last", "--var", str(ran)]
    script = f"{shlex.join(argv)} & echo $!; wait $!"
    with started(
        ["sh", "-c", script], env=environment(), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as shell:
        assert shell.stdout
        assert shell.stderr
        pid = int(shell.stdout.readline())
        up = psutil.Process(pid)
        try:
            assert "Ctrl-C" in shell.stderr.readline()
            processes = [up, *everybody(Stack.attach((ran / "last").resolve()))]
            up.send_signal(signal.SIGTERM)
            wait_gone(processes)
        finally:
            if up.is_running():
                up.kill()
        assert shell.wait(TIMEOUT_S) == 0


@pytest.mark.parametrize("words", [(), ("--detach",)], ids=["attached", "detached"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_interrupted_while_it_starts_says_so_and_leaves_nothing(
    var: Path, words: tuple[str, ...], number: int
) -> None:
    argv = [sys.executable, "-m", "xiu.cli", "up", "--no-prometheus", "--var", str(var), *words]
    with started(argv, env=environment(), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as up:
        wait_until(lambda: (var / "last" / "stack.json").exists(), 20, "starting")
        processes = everybody(Stack((var / "last").resolve()))
        up.send_signal(number)
        said, wrong = up.communicate(timeout=TIMEOUT_S)
    assert (up.returncode, said) == (3, "")
    assert "interrupted" in wrong
    wait_gone(processes)


@pytest.mark.parametrize("fronts", ["0", "-1", "x"])
def test_a_number_of_fronts_that_cannot_be_is_refused_before_anything_starts(var: Path, fronts: str) -> None:
    up = xiu("up", f"--fronts={fronts}", "--var", str(var))
    assert up.returncode == 2
    assert f"{fronts!r}: expected 1 to" in up.stderr
    assert not var.exists()
