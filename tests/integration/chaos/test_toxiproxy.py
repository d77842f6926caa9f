"""The safe wrapper: on a real toxiproxy every change is read back; a server that misbehaves is always an error."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
import toxiproxy.api

from chaos.toxiproxy import NotAsAsked, SafeToxiproxy, ToxicState, ToxiproxyError
from harness.stack import tools
from tests.support.stores import free_port, wait_until

SERVER = tools.find("toxiproxy-server")
needs_server = pytest.mark.skipif(SERVER is None, reason="no toxiproxy here")
LINK = "front-valkey"
SLOW = ToxicState("xiu-1", "latency", "downstream", 1.0, {"latency": 50, "jitter": 0})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[SafeToxiproxy, subprocess.Popen[bytes]]]:
    """A toxiproxy with one proxy."""
    port, listen = free_port(), free_port()
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(SERVER), "-port", str(port)], stdout=log, stderr=log, env={**os.environ, "LOG_LEVEL": "error"}
        )
    api = SafeToxiproxy(f"http://127.0.0.1:{port}", timeout_s=20.0)

    def answers() -> bool:
        try:
            return bool(api.version())
        except ToxiproxyError:
            return False

    wait_until(answers, 30, "toxiproxy")
    assert api.populate({LINK: (f"127.0.0.1:{listen}", "127.0.0.1:9")}) == [LINK]
    yield api, process
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.wait(60)


Server = tuple[SafeToxiproxy, "subprocess.Popen[bytes]"]


@needs_server
def test_toxics_come_change_and_go(server: Server) -> None:
    api, _ = server
    api.add(LINK, SLOW)
    assert api.proxy(LINK).toxics == (SLOW,)
    slower = ToxicState("xiu-1", "latency", "downstream", 0.5, {"latency": 90, "jitter": 0})
    api.update(LINK, slower)
    assert api.proxy(LINK).toxics == (slower,)
    with pytest.raises(ToxiproxyError, match="409"):
        api.add(LINK, SLOW)
    api.remove(LINK, "xiu-1")
    api.remove(LINK, "xiu-1")
    assert api.proxy(LINK).toxics == ()


@needs_server
def test_a_reset_makes_it_new_and_populate_touches_nothing_that_is_there(server: Server) -> None:
    api, _ = server
    before = api.proxy(LINK)
    api.add(LINK, SLOW)
    api.enable(LINK, on=False)
    assert api.proxy(LINK).enabled is False
    api.reset()
    assert api.proxy(LINK) == before
    assert api.populate({LINK: (before.listen, before.upstream)}) == []
    with pytest.raises(NotAsAsked, match="is not"):
        api.populate({LINK: (before.listen, "127.0.0.1:10")})
    assert api.proxy(LINK) == before


@needs_server
@pytest.mark.parametrize(
    ("do", "says"),
    [
        pytest.param(lambda api: api.add("nowhere", SLOW), "NoneType", id="no such proxy"),
        pytest.param(lambda api: api.proxy("nowhere"), "no proxy nowhere; it has front-valkey", id="looked for"),
        pytest.param(lambda api: api.add(LINK, ToxicState("x", "lag", "downstream", 1.0, {})), "400", id="no toxic"),
        pytest.param(lambda api: api.update(LINK, SLOW), "404", id="no toxic to change"),
    ],
)  # fmt: skip
def test_what_the_server_refuses_is_raised(server: Server, do: Callable[[SafeToxiproxy], None], says: str) -> None:
    with pytest.raises(ToxiproxyError, match=says):
        do(server[0])


CALLS: list[Any] = [
    pytest.param(lambda api: api.version(), id="version"),
    pytest.param(lambda api: api.proxies(), id="proxies"),
    pytest.param(lambda api: api.add(LINK, SLOW), id="add"),
    pytest.param(lambda api: api.update(LINK, SLOW), id="update"),
    pytest.param(lambda api: api.remove(LINK, "xiu-1"), id="remove"),
    pytest.param(lambda api: api.enable(LINK, on=False), id="disable"),
    pytest.param(lambda api: api.reset(), id="reset"),
    pytest.param(lambda api: api.populate({LINK: ("127.0.0.1:1", "127.0.0.1:2")}), id="populate"),
]


@needs_server
@pytest.mark.parametrize("call", CALLS)
def test_a_server_that_hangs_is_an_error_in_time(server: Server, call: Callable[[SafeToxiproxy], None]) -> None:
    patient, process = server
    api = SafeToxiproxy(patient.url, timeout_s=0.5)
    process.send_signal(signal.SIGSTOP)
    stands = psutil.Process(process.pid)
    wait_until(lambda: stands.status() == psutil.STATUS_STOPPED, 20, "SIGSTOP")
    with pytest.raises(ToxiproxyError, match=r"no answer within 0.5 s"):
        call(api)


@pytest.mark.parametrize("call", CALLS)
def test_a_server_that_is_dead_is_an_error(call: Callable[[SafeToxiproxy], None]) -> None:
    with pytest.raises(ToxiproxyError, match="connection refused"):
        call(SafeToxiproxy(f"http://127.0.0.1:{free_port()}", timeout_s=0.5))


class Liar(BaseHTTPRequestHandler):
    """Shows one proxy for ever. Changes are answered with `status`, and never made."""

    status, body = 200, b"{}"

    def do_GET(self) -> None:
        proxy = {"name": LINK, "listen": "127.0.0.1:1", "upstream": "127.0.0.1:2", "enabled": True}
        toxics = [{"name": "xiu-9", "type": "timeout", "stream": "upstream", "toxicity": 1, "attributes": {}}]
        self._say(200, json.dumps({LINK: {**proxy, "toxics": toxics}}).encode())

    def _change(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._say(self.status, self.body)

    do_POST = do_PATCH = do_DELETE = _change

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Silence."""


@pytest.fixture
def liar() -> Iterator[Callable[[int], SafeToxiproxy]]:
    """A server that answers every change with this status, and makes none."""
    servers: list[ThreadingHTTPServer] = []

    def make(status: int) -> SafeToxiproxy:
        handler = type("Handler", (Liar,), {"status": status})
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=servers[-1].serve_forever, args=(0.02,), daemon=True).start()
        return SafeToxiproxy(f"http://127.0.0.1:{servers[-1].server_port}", timeout_s=20)

    yield make
    for each in servers:
        each.shutdown()
        each.server_close()


CHANGES: list[Any] = [
    pytest.param(lambda api: api.add(LINK, SLOW), id="add"),
    pytest.param(lambda api: api.update(LINK, SLOW), id="update"),
    pytest.param(lambda api: api.remove(LINK, "xiu-9"), id="remove"),
    pytest.param(lambda api: api.enable(LINK, on=False), id="disable"),
    pytest.param(lambda api: api.reset(), id="reset"),
]


@pytest.mark.parametrize("call", CHANGES)
def test_a_5xx_the_client_would_hide_is_raised(
    liar: Callable[[int], SafeToxiproxy], call: Callable[[SafeToxiproxy], None]
) -> None:
    with pytest.raises(ToxiproxyError, match="503"):
        call(liar(503))


@pytest.mark.parametrize("call", CHANGES)
def test_a_yes_that_changed_nothing_is_raised(
    liar: Callable[[int], SafeToxiproxy], call: Callable[[SafeToxiproxy], None]
) -> None:
    with pytest.raises(NotAsAsked):
        call(liar(200))


def test_the_client_is_left_as_it_was(liar: Callable[[int], SafeToxiproxy]) -> None:
    """Two servers in one process: the client's class attributes and its transport are put back after every call."""
    before = toxiproxy.api.requests, toxiproxy.api.APIConsumer.host, toxiproxy.api.APIConsumer.port
    with pytest.raises(ToxiproxyError):
        liar(500).reset()
    assert (toxiproxy.api.requests, toxiproxy.api.APIConsumer.host, toxiproxy.api.APIConsumer.port) == before
