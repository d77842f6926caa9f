"""Drills as a user runs them: effect, heal, one verdict; control frozen; left out; two at once at the edge."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from itertools import pairwise

import pytest

from chaos.disturbance import LEAVE_OUT
from chaos.playbook import journal
from harness.stack import Stack, find_running
from tests.support.command import PLANS, Xiu, drill, not_sound

pytestmark = pytest.mark.serial


def test_drills_are_played_on_the_stack_that_runs(xiu: Xiu, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Played, left out: the stack is left running by every drill."""
    as_typed(xiu, stack)
    flushed_with_control_frozen(xiu)
    left_out(xiu, monkeypatch)
    at_the_edge(xiu, stack)
    assert find_running(xiu.folder / "var") == [stack.folder.path]


def as_typed(xiu: Xiu, stack: Stack) -> None:
    """At its full length, its alert judged, beside an engine whose playbook that alert starts: not in arm B. The cut
    is seen and healed, and every invariant holds.
    """
    answered = journal.items(stack.folder.path / journal.FILE)
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
    assert journal.items(stack.folder.path / journal.FILE) == answered


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
    plan = os.path.relpath(PLANS.parents[1] / "plans" / "stress" / "drill-town.yaml", own)
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
