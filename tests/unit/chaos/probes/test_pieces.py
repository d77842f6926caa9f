"""Probe `in_pieces`: in how many reads an answer comes. Through a real slicer: integration/chaos/test_faults.py."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import ValidationError

from chaos.faults.toxics import Toxics
from chaos.probes import make, pieces, probes
from chaos.probing import NotSteady, ProbeAim
from tests.support.fault_shapes import as_file
from tests.support.stores import wait_until

SLICER = {"type": "slicer", "stream": "downstream", "attributes": {"average_size": 48}}
INJECT = Toxics.model_validate({"kind": "toxics", "toxics": [SLICER]})


class Valkey(socketserver.BaseRequestHandler):
    """Answers in so many pieces; the last of them may never come."""

    def handle(self) -> None:
        server = cast(Any, self.server)
        self.request.recv(1 << 16)
        size = len(pieces.ANSWER) // server.pieces
        for _ in range(server.pieces - (not server.whole)):
            self.request.sendall(pieces.ANSWER[:size])
            server.between.wait(0.02)


@pytest.fixture
def server() -> Iterator[Any]:
    server: Any = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Valkey)
    server.daemon_threads, server.pieces, server.whole, server.between = True, 1, True, threading.Event()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(10)


def probe(server: Any) -> Any:
    spec = probes()["in_pieces"].Spec.model_validate({"kind": "in_pieces", "within": "1s"})
    urls = {"front-valkey": f"redis://127.0.0.1:{server.server_address[1]}"}
    stack = cast(Any, SimpleNamespace(addresses=SimpleNamespace(links=urls)))
    return make(spec, ProbeAim(stack, INJECT, "front-valkey", {}), "effect")


def test_pieces_are_counted_and_a_part_is_no_answer(server: Any) -> None:
    sliced = probe(server)
    assert sliced.look().yes
    assert not sliced.seen().yes
    server.pieces = 16
    wait_until(lambda: sliced.seen().yes, 30, "sixteen pieces, read in eight or more")
    with pytest.raises(NotSteady, match="pieces, without any fault"):
        wait_until(lambda: not sliced.look(), 30, "as many once more")
    server.whole = False
    assert not sliced.seen().yes, "its last piece never came"


def test_on_a_link_to_another_store_it_is_refused() -> None:
    with pytest.raises(ValidationError, match="in_pieces on credit-postgres: it speaks with Valkey; expected a link"):
        as_file(
            targets=["credit-postgres"], inject={"kind": "toxics", "toxics": [SLICER]}, heal={"kind": "remove_toxics"},
            effect_probe={"kind": "in_pieces", "within": "1s"}, heal_probe={"kind": "link_answers", "within": "1s"},
        )  # fmt: skip
