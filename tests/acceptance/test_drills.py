"""Drills as a user runs them: rehearsed, killed, halted, aimed at somebody's part. Played: standing/."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
import valkey

from chaos import fault_ledger
from chaos.fault_ledger import injected
from chaos.seat import taken
from harness.stack import Stack, find_running
from tests.support.command import Xiu, drill, long_slice, wait
from tests.support.stores import ValkeyServer


def stack_of(xiu: Xiu) -> Stack:
    (folder,) = find_running(xiu.folder / "var")
    return Stack.attach(folder)


def toxics(stack: Stack) -> list[str]:
    from chaos import links

    return [toxic.name for proxy in links.api(stack).proxies().values() for toxic in proxy.toxics]


def test_a_rehearsal_has_a_stack_of_its_own_where_none_runs_and_stops_it(xiu: Xiu) -> None:
    rehearsed, document = drill(xiu, "valkey-slow", "--dry-run")
    assert (rehearsed, document["verdict"], document["arms"]) == (0, "PASS", {})
    assert any("would inject N1 on front-valkey" in note for note in document["notes"])
    xiu.all_gone()


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
