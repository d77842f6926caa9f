"""What holds on a machine that others use as well: a start that is refused, a disk that fills. No figure is judged."""

from __future__ import annotations

import contextlib
import json
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from harness.guard.precheck.shape import served
from harness.stack import Stack, find_running
from tests.support.command import SLICE, Xiu, wait


def test_on_a_stack_that_stands(xiu: Xiu) -> None:
    """And nothing is left of it."""
    assert xiu("up", "--detach").returncode == 0
    assert xiu("status").returncode == 0
    a_switch_stops_the_start(xiu)
    beyond_every_limit(xiu)
    full(xiu)
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
