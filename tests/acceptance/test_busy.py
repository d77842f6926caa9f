"""What holds on a machine that others use as well: a start that is refused, a disk that fills, a drill that is killed
and one that is halted. No figure is judged.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chaos import fault_ledger, links
from chaos.fault_ledger import injected
from chaos.seat import taken
from harness.guard.precheck.shape import served
from harness.stack import Stack, find_running
from tests.support.command import SLICE, Xiu, drill, long_slice, wait


@pytest.mark.timeout(600)  # a dozen scenes on one stack
def test_on_a_stack_that_stands(xiu: Xiu) -> None:
    """And nothing is left of it."""
    assert xiu("up", "--detach").returncode == 0
    assert xiu("status").returncode == 0
    a_switch_stops_the_start(xiu)
    beyond_every_limit(xiu)
    full(xiu)
    drills(xiu)
    assert xiu("down").returncode == 0
    xiu.all_gone()


def a_switch_stops_the_start(xiu: Xiu) -> None:
    """One that stops awards, by name, and nothing is sent."""
    assert xiu("switch", "set", "draw.award", "0").returncode == 0
    refused = xiu("plan", "run", SLICE, "--scale", "1")
    assert refused.returncode == 5
    assert "\n  6. switch draw.award: a switch stops what the run is about: draw.award is 0" in refused.stderr
    assert [row["subject"] for row in xiu.precheck()["items"] if row["state"] == "refused"] == ["draw.award"]
    assert not (Path(xiu.runs()[-1]) / "history" / "manifest.json").exists()
    assert xiu("plan", "rate", "100").returncode == 5
    assert xiu("switch", "set", "draw.award", "1").returncode == 0


def beyond_every_limit(xiu: Xiu) -> None:
    """Of an allow-list that names this stack, and approved by nobody: each is named, nothing is sent, and the audit log
    tells of both refusals.
    """
    at = Stack.attach(find_running(xiu.folder / "var")[0]).addresses
    hosts = json.dumps([f"127.0.0.1:{urlsplit(url).port}" for url in served(at)])
    allowed = xiu.folder / "plans" / "targets.yaml"
    allowed.parent.mkdir()
    allowed.write_text(
        f"kind: targets\ntargets:\n  - {{id: here, hosts: {hosts}, rate_max: 1/s, duration_max: 1s, step_max: 1/s,\n"
        "     capacity: 10/s, live_headroom: 50%, approval: true}\n"
    )
    assert xiu("plan", "run", SLICE, "--scale", "1").returncode == 5
    allowed.unlink()
    allowed.parent.rmdir()
    refused = [f"{row['number']} {row['subject']}" for row in xiu.precheck()["items"] if row["state"] == "refused"]
    assert refused == ["3 rate", "3 duration", "3 step", "3 headroom", "22 "]
    assert not (Path(xiu.runs()[-1]) / "history" / "manifest.json").exists()
    told = json.loads(xiu("plan", "log", "--json").stdout)
    assert ([line["act"] for line in told["lines"]], told["problems"]) == (["refused", "refused"], [])


def full(xiu: Xiu) -> None:
    """The run's disk fills in mid-fire: one sentence, no green, no bug of ours; the round is closed all the same."""
    disk = xiu.folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(disk)], capture_output=True, timeout=30
    )
    if mounted.returncode:
        return  # nobody here may make a small disk; the unit tests of the scribe have the same with a full device
    process = None
    try:
        process = xiu.start("--runs", str(disk), "plan", "run", "smoke", "--scale", "1", "--progress", "none")

        def measuring() -> bool:
            return any('"measured"' in path.read_text() for path in disk.glob("2*/events.jsonl"))

        wait(measuring, 150, xiu.output)
        with (disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while filler.write(bytes(1 << 20)):
                continue
        assert process.wait(90) == 10, xiu.output()
        (sentence,) = [line for line in xiu.output().splitlines() if "cannot be written" in line and "xiu:" in line]
        assert "the verdict is INVALID" in sentence
        assert "Traceback" not in xiu.output()
    finally:
        if process is not None and process.poll() is None:  # it failed above; whoever writes there keeps it mounted
            process.kill()
            process.wait(60)
        subprocess.run(["umount", str(disk)], check=True, timeout=30)
    rounds = json.loads(xiu("round", "list", "--json").stdout)["rounds"]
    assert rounds
    assert {one["state"] for one in rounds} == {"closed"}


def drills(xiu: Xiu) -> None:
    """One rehearsed, one killed, one halted: the stack is left running by each. The fault stays for as long as a busy
    machine needs to look at it.
    """
    (folder,) = find_running(xiu.folder / "var")
    stack, cut = Stack.attach(folder), long_cut(xiu.folder)
    rehearsed, document = drill(xiu, "kill9", "--dry-run", "--count", "12")
    assert (rehearsed, document["verdict"], document["notes"]) == (0, "PASS", ["would kill 12 times, seed 1"])
    killed(xiu, stack, cut)
    halted(xiu, stack, cut)
    assert find_running(xiu.folder / "var") == [stack.folder.path]


def toxics(stack: Stack) -> list[str]:
    return [toxic.name for proxy in links.api(stack).proxies().values() for toxic in proxy.toxics]


def long_cut(folder: Path) -> str:
    """Credit cut off for most of a minute, in a round of two: its drill's file."""
    plan, file = Path(long_slice(folder)), folder / "long-cut.yaml"
    plan.write_text(plan.read_text().replace("lane: live", "lane: stress"))
    file.write_text(
        f"kind: drill\nid: long-cut\ntitle: {{zh: a, en: a}}\nplan: {plan}\n"
        "fault: {id: N15, target: credit-postgres, at: 1s, for: 50s}\n"
        "expect: {drains_within: 10s, recovers_within: 5s}\n"
    )
    return str(file)


def killed(xiu: Xiu, stack: Stack, cut: str) -> None:
    """kill -9 of the drill and all its children: nothing is injected 10 s later; meanwhile status names it."""
    folder = stack.folder.path
    process = xiu.start("drill", "run", cut, "--arms", "B", "--progress", "none")
    wait(lambda: bool(injected(folder)) and len(toxics(stack)) == 2, 90, xiu.output)
    told = xiu("status").stdout
    assert "N15 on credit-postgres, drill long-cut, for another" in told
    assert json.loads(xiu("status", "--json").stdout)["injected"][0]["id"] == "N15"
    assert taken(folder).startswith("drill long-cut")
    for second in ("front-killed", "kill9"):
        refused = xiu("drill", "run", second, "--dry-run")
        assert (refused.returncode, "another drill is at work" in refused.stderr) == (5, True), refused.stderr
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    wait(lambda: injected(folder) == [], 10)
    assert toxics(stack) == []
    assert "injected: nothing" in xiu("status").stdout


def halted(xiu: Xiu, stack: Stack, cut: str) -> None:
    """The red button with control frozen: the fire is out, the fault healed, and nothing begins again."""
    folder = stack.folder.path
    process = xiu.start("drill", "run", cut, "--arms", "B", "--progress", "none")
    wait(lambda: bool(injected(folder)) and len(toxics(stack)) == 2, 90, xiu.output)
    control = stack.pid("control")
    os.kill(control, signal.SIGSTOP)
    began = time.monotonic()
    try:
        done = xiu("halt")
        # Everything but the switch, which nobody could set: and that is what it says.
        assert done.returncode == 5, done.stdout + done.stderr
        assert "not done: " in done.stderr
        assert "control was not told that stress.accept is 0" in done.stderr
        assert "stays refused" not in done.stdout
        assert injected(folder) == []
        assert toxics(stack) == []
        # By the red button, or by the drill whose fire it put out: whoever came first.
        assert any(row["do"] == "healed" for row in fault_ledger.rows(folder)[-2:])
    finally:
        os.kill(control, signal.SIGCONT)
    assert time.monotonic() - began < 30
    wait(lambda: process.poll() is not None, 120, xiu.output)
    assert process.returncode != 0
