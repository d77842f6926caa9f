"""Probe `throughput_falls`: bulk through a link against what the fault leaves. Through a real toxic:
integration/chaos/test_several.py.
"""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import ValidationError

from chaos.faults.bandwidth import Bandwidth
from chaos.probes import make, probes, throughput
from chaos.probing import NotSteady, ProbeAim
from tests.support.fault_shapes import as_file
from tests.support.stores import wait_until


class Echo(socketserver.BaseRequestHandler):
    """Gives back what it got; a thin one lets a part of it through, and no more."""

    def handle(self) -> None:
        left = throughput.BULK_BYTES // 8 if cast(Any, self.server).thin else 1 << 30
        while part := self.request.recv(1 << 16):
            self.request.sendall(part[:left])
            left -= min(left, len(part))


@pytest.fixture
def server() -> Iterator[Any]:
    server: Any = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads, server.thin = True, False
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(10)


def probe(server: Any, rate: int) -> Any:
    spec = probes()["throughput_falls"].Spec.model_validate({"kind": "throughput_falls", "within": "1s"})
    urls = {"front-valkey": f"redis://127.0.0.1:{server.server_address[1]}"}
    stack = cast(Any, SimpleNamespace(addresses=SimpleNamespace(links=urls)))
    return make(spec, ProbeAim(stack, Bandwidth(kind="bandwidth", rate=rate), "front-valkey", {}), "effect")


def test_what_comes_through(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = probe(server, rate=20)
    monkeypatch.setattr(throughput, "TIMEOUT_S", 20.0)
    assert wide.look().yes
    wait_until(lambda: not wide.seen().yes, 30, "a pipe as wide as without a fault")
    monkeypatch.setattr(throughput, "TIMEOUT_S", 0.5)
    server.thin = True
    assert wide.seen().yes, "what did not come in time is not counted"
    with pytest.raises(NotSteady, match="without any fault"):
        wide.look()


def test_a_link_that_refuses_lets_nothing_through(server: Any) -> None:
    gone = probe(server, rate=20)
    gone.at.stack.addresses.links["front-valkey"] = "redis://127.0.0.1:1"
    assert gone.seen().yes


def test_on_a_link_that_does_not_speak_with_valkey_it_is_refused() -> None:
    with pytest.raises(ValidationError, match="throughput_falls on client-front: it speaks with Valkey; expected serv"):
        as_file(
            targets=["client-front"], inject={"kind": "bandwidth", "rate": 10}, heal={"kind": "remove_toxics"},
            effect_probe={"kind": "throughput_falls", "within": "1s"},
            heal_probe={"kind": "link_answers", "within": "1s"},
        )  # fmt: skip


def test_a_pipe_too_wide_for_it_is_refused_with_the_file() -> None:
    with pytest.raises(ValidationError, match="throughput_falls cannot tell so wide a pipe; expected a rate below 512"):
        as_file(
            targets=["front-valkey"], inject={"kind": "bandwidth", "rate": 512}, heal={"kind": "remove_toxics"},
            effect_probe={"kind": "throughput_falls", "within": "1s"},
            heal_probe={"kind": "link_answers", "within": "1s"},
        )  # fmt: skip
