"""Sessions to this host: no proxy, no .netrc, a time-out. Against a server of the standard library, on loopback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import requests

from harness import loopback
from harness.control_client import ControlClient
from harness.stack import external
from harness.watch.prom import Prometheus, read_metrics

DEAD_PROXY = "http://127.0.0.1:9"


class RequestLog(BaseHTTPRequestHandler):
    authorizations: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.authorizations.append(self.headers.get("Authorization"))
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "http://192.0.2.1/")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = {
            "/metrics": b"up 1\n",
            "/proxies": b'{"front-valkey": {"listen": "127.0.0.1:1234"}}',
            "/v1/switches": b'{"switches": {"stress.accept": 1}}',
        }.get(self.path, b'{"status": "success", "data": {"resultType": "vector", "result": []}}')
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[str]:
    RequestLog.authorizations = []
    with ThreadingHTTPServer(("127.0.0.1", 0), RequestLog) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()


@pytest.fixture(autouse=True)
def hostile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Proxies that lead nowhere, and a .netrc that speaks for everybody."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, DEAD_PROXY)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))


def test_the_environment_does_come_between_where_the_factory_is_not_used(server: str) -> None:
    with pytest.raises(requests.exceptions.ProxyError):
        requests.get(f"{server}/metrics", timeout=2)


def test_each_way_to_a_part_goes_past_proxy_and_netrc(server: str) -> None:
    with ControlClient(server, server, "the-token") as control:
        assert control.switches() == {"stress.accept": 1}
    assert RequestLog.authorizations == ["Bearer the-token"]
    assert read_metrics(f"{server}/metrics")
    assert external.proxies(server) == {"front-valkey": ("127.0.0.1", 1234)}
    with Prometheus(server) as prometheus:
        assert prometheus.vector("up", 1.0) == []


def test_localhost_and_ipv6_are_this_host_and_a_proxy_serves_the_rest(server: str) -> None:
    port = server.rpartition(":")[2]
    assert loopback.get(f"http://localhost:{port}/metrics").status_code == 200
    with pytest.raises(requests.exceptions.ProxyError):
        loopback.get("http://192.0.2.1/metrics", 1.0)


def test_a_part_cannot_send_us_elsewhere(server: str) -> None:
    assert loopback.get(f"{server}/elsewhere", 1.0).status_code == 302


def test_who_takes_the_call_and_says_nothing_does_not_hold_us_for_ever() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, loopback.session(0.2) as session:
        began = time.monotonic()
        with pytest.raises(requests.Timeout):
            session.get(f"http://127.0.0.1:{silent.getsockname()[1]}/")
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("url", ["http://[::1", "http://a..b/", "http://127.0.0.1:99999/"])
def test_an_address_that_cannot_be_raises_the_one_error_type(url: str) -> None:
    with pytest.raises(requests.RequestException):
        loopback.get(url, 1.0)
