"""client→front through the second toxiproxy on a real stack: led there, disturbed, healed, led back, whoever dies.

prometheus→targets and the generator: acceptance/standing/test_drills_played.py.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chaos import links
from chaos.edge import through_the_edge
from chaos.fault_ledger import injected
from chaos.heal import heal, heal_strays, strays
from chaos.library import fault
from chaos.toxiproxy import ToxicState
from harness.errors import BadInput
from harness.orchestrate.way import way_of
from harness.stack import Stack
from system.contract.places import EDGE
from tests.support.disturbed import FAULTS, ROOT, disturb
from tests.support.stores import wait_until

SLOW = FAULTS["N1"].model_dump(mode="json") | {"id": "N91", "targets": ["client-front"], "expires": "60s"} | {
    "effect_probe": {"kind": "round_trip_rises", "share": 0.8, "within": "3s"},
    "heal_probe": {"kind": "link_answers", "within": "5s"},
}  # fmt: skip
BY_HAND = ToxicState("by-hand", "latency", "downstream", 1.0, {"latency": 1})
ON = "client-front.front-0"


def test_it_rests_until_a_drill_is_aimed_at_it(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAULTS, "N91", fault().model_validate(SLOW))
    assert (stack.state()["parts"][EDGE], stack.detours, way_of(stack).ends) == ("resting", (), {})
    assert stack.places.place(EDGE).owned
    with through_the_edge(stack, "client-slow", ["client-front"]):
        way = way_of(stack)
        (front,) = stack.addresses.front_urls
        assert way.to(front) == stack.addresses.edge["client-front"]["front-0"] != front
        assert way.share_ms is not None
        assert [*way.shares_ms] == ["client-front"]
        nemesis, facts, _ = disturb(stack, "N91", "client-front")
        assert nemesis.verdict == "PASS", facts
        assert heal(stack.folder.path) == [], "the way is no fault while its drill lives"
        links.api(stack, EDGE).add(ON, BY_HAND)
        assert strays(stack) == [f"{ON}: by-hand"]
        assert "by-hand" in heal_strays(stack)[0]
        assert stack.detours == ("client-front",)
    assert (stack.state()["parts"][EDGE], stack.detours, injected(stack.folder.path)) == ("resting", (), [])
    assert EDGE not in stack.pids()


def test_a_hung_second_toxiproxy_is_a_harness_fault_and_the_ladder_heals(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FAULTS, "N91", fault().model_validate(SLOW))
    with through_the_edge(stack, "client-slow", ["client-front"]):
        first, old = stack.pid("toxiproxy"), stack.pid(EDGE)
        nemesis, facts, _ = disturb(stack, "N91", "client-front", 1.0, lambda: os.kill(old, signal.SIGSTOP))
        assert nemesis.verdict == "HARNESS_FAULT", facts
        assert "kill, restart, repopulate held" in facts.rungs[-1]
        assert facts.heal_seen_s is not None
        assert stack.pid(EDGE) != old
        assert stack.pid("toxiproxy") == first, "the other one is left alone"
    assert stack.detours == ()


def test_a_link_that_has_no_proxy_here_is_refused(stack: Stack) -> None:
    with pytest.raises(BadInput, match="prometheus-targets cannot be led through a proxy here"):
        stack.detour("prometheus-targets")
    assert stack.detours == ()


OWNER = """
import json, sys, time
from pathlib import Path
from chaos.edge import through_the_edge
from chaos.facts import Timed
from chaos.library import fault
from chaos.nemesis import FaultNemesis
from harness.stack import Stack
stack = Stack.attach(Path(sys.argv[1]))
slow = fault().model_validate(json.loads(sys.argv[2]))
with through_the_edge(stack, "client-slow", ["client-front"]):
    began = time.monotonic()
    nemesis = FaultNemesis(stack.folder.path, Timed(slow, "client-front", 0.0, 55.0))
    nemesis.begin(lambda kind, text: None, lambda: time.monotonic() - began)
    nemesis.wait(60)
"""


def test_its_drill_killed_in_mid_fault_the_link_is_healed_and_led_back(stack: Stack) -> None:
    folder: Path = stack.folder.path
    argv = [sys.executable, "-c", OWNER, str(folder), json.dumps(SLOW)]
    owner = subprocess.Popen(argv, env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True)
    try:
        wait_until(lambda: len(injected(folder)) == 2, 30, "the way, and the fault on it")
        wait_until(lambda: bool(links.api(stack, EDGE).proxy(ON).toxics), 10, "the toxic")
    finally:
        os.killpg(owner.pid, signal.SIGKILL)
        owner.wait(60)
    wait_until(lambda: injected(folder) == [], 20, "a watchdog's heal")
    assert (stack.state()["parts"][EDGE], stack.detours) == ("resting", ())
