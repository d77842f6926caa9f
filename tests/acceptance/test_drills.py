"""Drills as a user runs them: effect, heal, one verdict; left out, killed, aimed at somebody's part; the red button."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import valkey

from chaos import fault_ledger
from chaos.disturbance import LEAVE_OUT
from chaos.fault_ledger import injected
from chaos.playbook import journal
from chaos.seat import taken
from harness.stack import Stack, find_running
from tests.support.command import Xiu, long_slice, not_sound, wait
from tests.support.stores import ValkeyServer


def stack_of(xiu: Xiu) -> Stack:
    (folder,) = find_running(xiu.folder / "var")
    return Stack.attach(folder)


def toxics(stack: Stack) -> list[str]:
    from chaos import links

    return [toxic.name for proxy in links.api(stack).proxies().values() for toxic in proxy.toxics]


def drill(xiu: Xiu, *words: str) -> tuple[int, dict[str, Any]]:
    """Runs one drill; its exit code and its document."""
    done = xiu("drill", "run", *words, "--json", "--progress", "none")
    assert done.stdout, done.stderr
    (document,) = json.loads(done.stdout)["drills"]
    return done.returncode, document


@pytest.mark.serial
def test_on_a_stack_that_runs(xiu: Xiu, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rehearsed, played, left out: one stack, left running by every drill. The first rehearsal is on a
    stack of the drill's own, which is stopped afterwards.
    """
    rehearsed, document = drill(xiu, "valkey-slow", "--dry-run")
    assert (rehearsed, document["verdict"], document["arms"]) == (0, "PASS", {})
    assert any("would inject N1 on front-valkey" in note for note in document["notes"])
    assert xiu.processes() == []
    assert xiu("up", "--detach").returncode == 0
    stack = stack_of(xiu)
    rehearsed, document = drill(xiu, "kill9", "--dry-run", "--count", "12")
    assert (rehearsed, document["verdict"], document["notes"]) == (0, "PASS", ["would kill 12 times, seed 1"])
    as_typed(xiu, stack)
    flushed_with_control_frozen(xiu)
    left_out(xiu, monkeypatch)
    at_the_edge(xiu, stack)
    assert find_running(xiu.folder / "var") == [stack.folder.path]


def test_a_drill_that_is_killed_and_one_that_is_halted(xiu: Xiu) -> None:
    """One stack, left running by both. The fault stays for as long as a busy machine needs to look at it."""
    assert xiu("up", "--detach").returncode == 0
    stack, cut = stack_of(xiu), long_cut(xiu.folder)
    killed(xiu, stack, cut)
    halted(xiu, stack, cut)
    assert find_running(xiu.folder / "var") == [stack.folder.path]


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


def as_typed(xiu: Xiu, stack: Stack) -> None:
    """At its full length, its alert judged, beside an engine whose playbook that alert starts: not in arm B. The cut
    is seen and healed, and every invariant holds.
    """
    code, document = drill(xiu, "credit-cut")
    assert (code, document["verdict"]) in ((0, "PASS"), (0, "WARN")), document["reasons"]
    assert set(document["arms"]) == {"A", "B"}
    facts = document["facts"]
    assert facts["injected_s"] < facts["effect_s"] < facts["heal_began_s"] <= facts["heal_seen_s"]
    assert facts["detection_s"] <= 5
    assert facts["drain_s"] < 10
    record = json.loads((xiu.folder / "runs" / document["arms"]["B"]["run"] / "run.json").read_text())
    assert not_sound(record) == []
    assert record["drills"][0]["verdict"] == "PASS"
    delay = record["credit_delay_s"]
    assert delay["in_faults"]["count"] > 0
    assert delay["in_faults"]["max"] > 1.0 > delay["max"]
    kinds = [event["kind"] for event in xiu.events()]
    assert [kind for kind in kinds if kind in ("fault_injected", "effect_seen", "healed", "heal_seen")] == [
        "fault_injected", "effect_seen", "healed", "heal_seen",
    ]  # fmt: skip
    assert journal.items(stack.folder.path / journal.FILE) == []


def flushed_with_control_frozen(xiu: Xiu) -> None:
    """The ledger knows what the log has lost, and no new epoch comes: nobody says that money came from nowhere."""
    argv = [sys.executable, "-m", "tests.support.flush_frozen", "--count", "1", "--first", "--arms", "B"]
    done = subprocess.run(argv, cwd=xiu.folder, env=xiu.env(), capture_output=True, text=True, timeout=180)
    assert "control frozen 1 times  S2 True" in done.stdout, done.stdout + done.stderr
    assert re.search(r"looks without a sample [1-9]", done.stdout), done.stdout


def left_out(xiu: Xiu, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv(LEAVE_OUT, "1")
        code, document = drill(xiu, "front-killed", "--short", "--arms", "B")
    reasons = {reason["code"] for reason in document["reasons"]}
    # On a machine too busy for the generator that is said first; what was seen of the fault is told all the same.
    expected = "HARNESS_FAULT" if "generator_limited" in reasons else "FAULT_NOT_EFFECTIVE"
    assert (code, document["verdict"]) == (10, expected), document["reasons"]
    assert "fault_not_effective" in reasons


TWO = """\
kind: drill
id: two-at-the-edge
title: {{zh: 边缘两处, en: Two at the edge}}
plan: {plan}
faults:
  - {{id: N1c, target: client-front, at: 5s, for: 9s}}
  - {{id: O2, target: prometheus-targets, at: 6s, for: 8s}}
expect: {{harms: [response_p99_ms, answered_rps, errors, credit_delay_p99_s, drain_s]}}
"""


def at_the_edge(xiu: Xiu, stack: Stack) -> None:
    """Two faults that overlap, on links that a second toxiproxy stands in for this drill alone."""
    own = xiu.folder / "own"
    own.mkdir()
    plan = os.path.relpath(Path(__file__).parents[2] / "plans" / "stress" / "drill-town.yaml", own)
    (own / "two-at-the-edge.yaml").write_text(TWO.format(plan=plan))
    code, document = drill(xiu, "two-at-the-edge", "--drills", str(own), "--short", "--arms", "B")
    assert (code, document["verdict"]) in ((0, "PASS"), (0, "WARN")), document["reasons"]
    slow, cut = document["faults"]
    assert (slow["fault"], cut["fault"]) == ("N1c on client-front", "O2 on prometheus-targets")
    for one in (slow, cut):
        assert one["injected_s"] < one["effect_s"] < one["heal_began_s"] <= one["heal_seen_s"]
    assert cut["injected_s"] < slow["heal_began_s"], "both are there at once"
    run = xiu.folder / "runs" / document["arms"]["B"]["run"]
    detours = json.loads((run / "environment.json").read_text())["detours"]
    assert (detours["client-front"] is not None, detours["prometheus-targets"]) == (True, None)
    (backlog,) = json.loads((run / "metrics" / "backlog.json").read_text())["result"]
    told = [float(at) for at, _ in backlog["values"]]
    assert max(later - at for at, later in pairwise(told)) >= 2, "a gap: what nobody told is no figure"
    assert (stack.detours, stack.state()["parts"]["toxiproxy-edge"]) == ((), "resting")


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


def test_a_flush_aimed_at_somebody_s_valkey_is_skipped(
    xiu: Xiu, valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"valkey://127.0.0.1:{valkey_server.port}/5"
    monkeypatch.setenv("XIU_VALKEY_URL", url)
    with valkey.Valkey.from_url(url) as client:
        client.set("theirs", "1")
        code, document = drill(xiu, "flush")
        assert (code, document["verdict"]) == (5, "SKIPPED")
        assert document["reasons"][0]["code"] == "external"
        assert document["arms"] == {}
        assert client.get("theirs") == b"1"
        client.flushdb()
    assert not (xiu.folder / "var").exists()


def test_words_about_files(xiu: Xiu) -> None:
    faults = json.loads(xiu("fault", "list", "--json").stdout)["faults"]
    assert {"N1", "N15", "P1", "V13"} <= {fault["id"] for fault in faults}
    assert "FAULT_NOT_EFFECTIVE" in xiu("fault", "show", "N15").stdout
    wrong = xiu("fault", "show", "n15")
    assert (wrong.returncode, "did you mean N15?" in wrong.stderr) == (2, True)
    drills = json.loads(xiu("drill", "list", "--json").stdout)["drills"]
    assert {"credit-cut", "front-killed", "valkey-slow", "flush"} <= {one["id"] for one in drills}
    spoilt = xiu.folder / "my.yaml"
    spoilt.write_text("kind: drill\nid: my\ntitle: {zh: a, en: a}\nplan: none.yaml\n"
                      "fault: {id: N15, target: credit-postgress, at: 1s, for: 1s}\n")  # fmt: skip
    checked = xiu("drill", "check", str(spoilt))
    assert checked.returncode == 2
    assert f"{spoilt}:5: " in checked.stderr
    assert "did you mean credit-postgres?" in checked.stderr
    healed = xiu("heal")
    assert (healed.returncode, "no stack runs under" in healed.stderr) == (5, True)
    assert xiu("schema", "fault").returncode == xiu("schema", "drill").returncode == 0
    assert Path(spoilt).exists()
