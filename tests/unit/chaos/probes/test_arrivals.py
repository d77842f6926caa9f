"""Probes `request_lost` and `answer_lost`: what came, by Valkey's own count, where nobody answers.

Through real toxics on a real Valkey: integration/chaos/test_faults.py.
"""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import ValidationError

from chaos import store
from chaos.errors import ChaosError
from chaos.faults.toxics import Toxics
from chaos.probes import arrivals, make, probes
from chaos.probing import NotSteady, ProbeAim
from tests.support.fault_shapes import as_file

CUT = {"type": "timeout", "stream": "upstream", "attributes": {"timeout": 0}}
INJECT = Toxics.model_validate({"kind": "toxics", "toxics": [CUT]})


class Valkey(socketserver.BaseRequestHandler):
    """Counts what it is asked, or not, and answers, or not; a half answer is none."""

    def handle(self) -> None:
        server = cast(Any, self.server)
        self.request.recv(64)
        server.counted += server.counts
        self.request.sendall(b"$9\r\nxiu-probe\r\n" if server.answers else b"$9\r\nxiu-")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server: Any = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Valkey)
    server.daemon_threads, server.counted, server.counts, server.answers = True, 0, True, True

    def asked(*_: object) -> dict[str, dict[str, int]]:
        return {"cmdstat_echo": {"calls": server.counted}} if server.counted else {}

    monkeypatch.setattr(store, "command", asked)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(10)


def probe(server: Any, kind: str) -> Any:
    spec = probes()[kind].Spec.model_validate({"kind": kind, "within": "1s"})
    urls = {"front-valkey": f"redis://127.0.0.1:{server.server_address[1]}"}
    stack = cast(Any, SimpleNamespace(addresses=SimpleNamespace(links=urls)))
    return make(spec, ProbeAim(stack, INJECT, "front-valkey", {}), "effect")


@pytest.mark.parametrize(
    ("counts", "answers", "request_lost", "answer_lost"),
    [
        pytest.param(True, True, False, False, id="no fault"),
        pytest.param(False, False, True, False, id="nothing came"),
        pytest.param(True, False, False, True, id="done, and not told"),
    ],
)
def test_what_was_lost(server: Any, counts: bool, answers: bool, request_lost: bool, answer_lost: bool) -> None:
    found = {kind: probe(server, kind) for kind in ("request_lost", "answer_lost")}
    assert all(one.look().yes for one in found.values())
    server.counts, server.answers = counts, answers
    seen = {kind: one.seen() for kind, one in found.items()}
    assert {kind: one.yes for kind, one in seen.items()} == {"request_lost": request_lost, "answer_lost": answer_lost}
    assert all("front-valkey: " in one.says for one in seen.values())


@pytest.mark.parametrize(("counts", "answers"), [(False, True), (True, False)])
def test_a_link_that_loses_something_without_a_fault_is_no_steady_state(
    server: Any, monkeypatch: pytest.MonkeyPatch, counts: bool, answers: bool
) -> None:
    monkeypatch.setattr(arrivals, "STEADY_TIMEOUT_S", 0.3)
    server.counts, server.answers = counts, answers
    with pytest.raises(NotSteady, match="front-valkey does not answer, without any fault"):
        probe(server, "answer_lost").look()


def test_a_valkey_that_does_not_tell_is_no_answer(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> None:
        raise ChaosError("valkey: INFO: timed out")

    monkeypatch.setattr(store, "command", silent)
    with pytest.raises(ChaosError, match="timed out"):
        probe(server, "answer_lost").seen()


@pytest.mark.parametrize("kind", ["request_lost", "answer_lost"])
def test_on_a_link_to_another_store_it_is_refused(kind: str) -> None:
    with pytest.raises(ValidationError, match=f"{kind} on credit-postgres: it asks Valkey what came; expected a link"):
        as_file(
            targets=["credit-postgres"], inject={"kind": "toxics", "toxics": [CUT]}, heal={"kind": "remove_toxics"},
            effect_probe={"kind": kind, "within": "1s"}, heal_probe={"kind": "link_answers", "within": "1s"},
        )  # fmt: skip
