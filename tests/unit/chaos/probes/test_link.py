"""Probes of a link: silent, slower, as fast as before; over a wire of the test's own.

On real links, through toxiproxy: integration/chaos/test_faults.py and test_several.py.
"""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, get_args

import pytest
from pydantic import ValidationError

from chaos.faults.refuse import Refuse
from chaos.faults.toxics import Toxics
from chaos.probes import link, make, probes
from chaos.probing import NotSteady, ProbeAim
from system.contract.links import LINKS, Upstream
from tests.support.fault_shapes import as_file
from tests.support.stores import wait_until

PATIENT_S, DEADLINE_S = 20.0, 30.0
"""How long a link that answers may take, and a probe that must say so: this machine may stand still for a moment."""
LATE = {"type": "latency", "stream": "downstream", "attributes": {"latency": 100}}
JITTER = {"type": "latency", "stream": "downstream", "attributes": {"latency": 100, "jitter": 100}}
SLOW = Toxics.model_validate({"kind": "toxics", "toxics": [LATE]})


class Valkey(socketserver.BaseRequestHandler):
    """Answers PING after as long as its server is told; `None`: never."""

    def handle(self) -> None:
        self.request.recv(64)
        wait_s = cast(Any, self.server).wait_s
        if wait_s is not None:
            waits = cast(Any, self.server).waits
            cast(Any, self.server).pause.wait(waits.pop() if waits else wait_s)
            self.request.sendall(b"+PONG\r\n")
        else:
            cast(Any, self.server).pause.wait(5)


@contextmanager
def served() -> Iterator[Any]:
    server: Any = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Valkey)
    server.daemon_threads, server.wait_s, server.pause, server.waits = True, 0.0, threading.Event(), []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.pause.set()
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture
def links() -> Iterator[dict[str, Any]]:
    with served() as front, served() as credit:
        yield {"front-valkey": front, "credit-valkey": credit}


def probe(links: dict[str, Any], tmp_path: Path, kind: str, inject: Any = SLOW, **more: Any) -> Any:
    urls = {name: f"redis://127.0.0.1:{server.server_address[1]}" for name, server in links.items()}
    stack = cast(Any, SimpleNamespace(addresses=SimpleNamespace(links=urls), folder=SimpleNamespace(path=tmp_path)))
    spec = probes()[kind].Spec.model_validate({"kind": kind, "within": "1s", **more})
    return make(spec, ProbeAim(stack, inject, "front-valkey", {"link": "front-valkey"}), "effect")


def asks(monkeypatch: pytest.MonkeyPatch, timeout_s: float) -> None:
    """From now on every question waits so long for its answer."""
    monkeypatch.setattr(link, "STEADY_TIMEOUT_S", timeout_s)
    monkeypatch.setattr(link, "ASK_TIMEOUT_S", timeout_s)
    for function in (link.round_trip_s, link._LinkProbe.ask, link._LinkProbe.ask_all):
        monkeypatch.setattr(function, "__defaults__", (timeout_s,))


def looked(probe: Any) -> None:
    """As it is without a fault, seen in a moment in which nothing kept the machine from answering at once."""

    def at_once() -> bool:
        probe.look()
        return bool(probe.base_s < 0.05)

    wait_until(at_once, DEADLINE_S, "a link that answers at once")


def test_silent_alone(links: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = probe(links, tmp_path, "link_silent", Refuse(kind="refuse"), alone=True)
    asks(monkeypatch, PATIENT_S)
    assert alone.look().yes
    assert not alone.seen().yes
    asks(monkeypatch, 0.2)
    links["front-valkey"].wait_s = None
    wait_until(lambda: alone.seen().yes, DEADLINE_S, "silent, and it alone")
    links["credit-valkey"].wait_s = None
    seen = alone.seen()
    assert (seen.yes, "credit-valkey" in seen.says) == (False, True)
    assert probe(links, tmp_path, "link_silent").seen().yes, "without `alone` the others are not asked"


def test_slower_by_what_was_asked_for(links: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rises = probe(links, tmp_path, "round_trip_rises")
    asks(monkeypatch, PATIENT_S)
    looked(rises)
    wait_until(lambda: not rises.seen().yes, DEADLINE_S, "no slower without a fault")
    links["front-valkey"].wait_s = rises.base_s + 0.1
    assert rises.seen().yes


def test_round_trips_that_differ(links: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inject = Toxics.model_validate({"kind": "toxics", "toxics": [JITTER]})
    spreads = probe(links, tmp_path, "round_trip_spreads", inject, share=0.8)
    asks(monkeypatch, PATIENT_S)
    wait_until(lambda: not spreads.seen().yes, DEADLINE_S, "no spread without a fault")
    links["front-valkey"].wait_s = 0.3
    wait_until(lambda: not spreads.seen().yes, DEADLINE_S, "late, and all alike")
    links["front-valkey"].waits = [0.0, 0.09]
    assert spreads.seen().yes
    links["front-valkey"].wait_s = None
    asks(monkeypatch, 0.1)
    assert not spreads.seen().yes, "what does not answer has no spread"


@pytest.mark.parametrize(
    "inject",
    [
        pytest.param({"kind": "toxics", "toxics": [LATE]}, id="none"),
        pytest.param({"kind": "toxics", "toxics": [LATE | {"attributes": {"latency": 50, "jitter": 9}}]}, id="small"),
    ],
)
def test_a_spread_is_not_seen_without_a_jitter(inject: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="round_trip_spreads without a jitter; expected a latency toxic"):
        as_file(
            targets=["front-valkey"], inject=inject, heal={"kind": "remove_toxics"},
            effect_probe={"kind": "round_trip_spreads", "within": "1s"},
            heal_probe={"kind": "link_answers", "within": "1s"},
        )  # fmt: skip


def test_it_answers_as_fast_as_before(links: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "BACK_SLACK_S", 0.05)
    answers = probe(links, tmp_path, "link_answers")
    asks(monkeypatch, PATIENT_S)
    looked(answers)
    wait_until(lambda: answers.seen().yes, DEADLINE_S, "as fast as before")
    links["front-valkey"].wait_s = 2 * answers.base_s + 0.3
    assert not answers.seen().yes, "an answer, but a slow one"
    links["front-valkey"].wait_s = 0.0
    wait_until(lambda: answers.seen().yes, DEADLINE_S, "as fast as before again")


def test_a_link_that_is_mute_without_a_fault_is_no_steady_state(
    links: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "ROUND_TRIPS", 2)
    monkeypatch.setattr(link, "STEADY_TIMEOUT_S", 0.5)
    links["front-valkey"].wait_s = None
    began = time.monotonic()
    with pytest.raises(NotSteady, match="front-valkey answers 0 of 2 questions"):
        probe(links, tmp_path, "link_answers").look()
    assert time.monotonic() - began < 30, "it has a deadline"


def test_one_answer_that_is_late_is_a_steady_state_all_the_same(
    links: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "ROUND_TRIPS", 1)
    links["front-valkey"].wait_s = link.ASK_TIMEOUT_S + 0.1
    assert probe(links, tmp_path, "link_answers").look().yes


def test_a_rise_that_nothing_brings_is_refused_with_the_file() -> None:
    with pytest.raises(ValidationError, match="round_trip_rises without a latency"):
        as_file(
            targets=["front-valkey"], heal={"kind": "remove_toxics"},
            inject={"kind": "toxics", "toxics": [LATE | {"attributes": {"latency": 0}}]},
            effect_probe={"kind": "round_trip_rises", "within": "1s"},
            heal_probe={"kind": "link_answers", "within": "1s"},
        )  # fmt: skip


def test_there_is_a_question_for_every_end_that_a_link_may_have() -> None:
    assert set(link.QUESTIONS) == set(get_args(Upstream)) >= {each.upstream for each in LINKS}
