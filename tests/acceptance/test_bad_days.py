"""What ends a run early or hurts it: Ctrl-C, a killed front, a killed parent."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

from harness.stack import Stack, find_running
from tests.support.command import SLICE, Xiu, long_slice, not_sound, wait


def test_ctrl_c_stops_everything_and_leaves_a_report(xiu: Xiu) -> None:
    process = xiu.start("demo", "--plan", long_slice(xiu.folder), "--scale", "1")
    # A packet comes every 1.8 s: without a win there is nothing for S4 to S6 to look at.
    wait(lambda: re.search(r"wins=[1-9]", xiu.output()) is not None, 90, xiu.output)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 3, xiu.output()
    record = xiu.record()
    assert record["verdict"] == "ABORTED"
    assert record["load"]["sent"] > 0
    assert record["load"]["unsent"] > 0
    # What was done is settled, closed before its end and audited; what only a whole plan shows is not judged.
    states = {row["indicator"]: row["state"] for row in record["forecast"]}
    assert (states["wins"], states["wins_residue"], states["residue_fen"]) == ("NOT_EVALUATED", "PASS", "PASS")
    assert all(row["valid"] is True for row in record["invariants"] if row["code"] in ("S1", "S4", "S5", "S6"))
    assert any("closed before its end" in event["text"] for event in xiu.events())
    assert (xiu.runs()[-1] / "report.html").exists()
    xiu.all_gone()


def test_ctrl_c_four_times_in_a_terminal_costs_no_record(xiu: Xiu) -> None:
    with (xiu.folder / "out.txt").open("ab") as out:
        argv = [sys.executable, "-m", "xiu.cli", "demo", "--plan", long_slice(xiu.folder), "--scale", "1"]
        process = subprocess.Popen(argv, cwd=xiu.folder, env=xiu.env(), stdout=out, stderr=out, start_new_session=True)
    xiu.started.append(process)
    xiu.wait_for_event("phase", "warm up")  # the sampler of the stores has just been started
    for _ in range(4):
        if process.poll() is not None:
            break  # the books were closed before the next one came: a busy machine
        os.killpg(process.pid, signal.SIGINT)
        wait(lambda: "books are closed, a report follows" in xiu.output(), 60, xiu.output)
    assert process.wait(60) == 3, xiu.output()
    assert xiu.record()["verdict"] == "ABORTED"
    assert "Traceback" not in xiu.output()
    assert "closing the books" in xiu.output()
    xiu.all_gone()


def test_what_hurts_a_stack_that_stands(xiu: Xiu) -> None:
    """One that `xiu up` started, in the foreground; at last that is killed, too."""
    up = xiu.start("up")
    wait(lambda: find_running(xiu.folder / "var") != [] and "try:" in xiu.output(), 150, xiu.output)
    a_front_killed_in_mid_round_loses_no_win(xiu)
    the_kill_switch_is_an_interruption(xiu)
    nothing_is_left_of_a_killed_up(xiu, up)


def a_front_killed_in_mid_round_loses_no_win(xiu: Xiu) -> None:
    stack = Stack.attach(find_running(xiu.folder / "var")[0])
    process = xiu.start("plan", "run", SLICE, "--scale", "1", "--json")
    xiu.wait_for_event("phase", "measured")
    stack.kill("front-0")
    process.wait(120)
    record = xiu.record()
    assert any(event["kind"] == "part_died" for event in xiu.events())
    assert not_sound(record) == [], record["reasons"]
    assert record["money"]["residue_fen"] == 0
    assert record["wins"]["residue"] == 0
    assert record["wins"]["seen"] > 0


def the_kill_switch_is_an_interruption(xiu: Xiu) -> None:
    known = len(xiu.runs())
    process = xiu.start("plan", "run", long_slice(xiu.folder), "--scale", "1", "--json")
    wait(lambda: len(xiu.runs()) > known, 90, xiu.output)
    xiu.wait_for_event("phase", "measured")
    assert xiu("kill").returncode == 0
    assert process.wait(120) == 3, xiu.output()[-2000:]
    record = xiu.record()
    assert record["verdict"] == "ABORTED"
    assert record["reasons"][0]["code"] == "killed"
    assert any(event["kind"] == "killed" for event in xiu.events())


def nothing_is_left_of_a_killed_up(xiu: Xiu, up: subprocess.Popen[bytes]) -> None:
    up.kill()
    up.wait(60)
    xiu.all_gone()
    assert find_running(xiu.folder / "var") == []


def test_a_lock_that_changes_under_a_run_judges_nothing(xiu: Xiu) -> None:
    process = xiu.start("plan", "run", SLICE, "--scale", "1")
    xiu.wait_for_event("phase", "measured")
    lock = xiu.runs()[-1] / "forecast.lock.json"
    lock.write_text(lock.read_text().replace('"upper": ', '"upper": 1', 1))
    assert process.wait(120) == 2, xiu.output()[-2000:]
    assert "forecast.lock.json" in xiu.output()
    assert not (xiu.runs()[-1] / "verdict.json").exists()
    xiu.all_gone()
