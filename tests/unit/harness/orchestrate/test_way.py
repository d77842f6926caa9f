"""The generator's way to the fronts: straight, or by the second toxiproxy, whose own share is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.orchestrate.way import STRAIGHT, Way, way_of
from harness.stack import Addresses


class Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def front() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Front)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(10)


def stack(front: str, way: str, *links: str) -> Any:
    at = Addresses.plain(front_urls=(front,))
    at.edge["client-front"] = {"front-0": way}
    return cast(Any, SimpleNamespace(detours=links, addresses=at))


def test_straight_unless_a_drill_leads_it(front: str) -> None:
    way = way_of(stack(front, front))
    assert (way.to(front), way.shares_ms, way.notes, way.share_ms) == (front, {}, (), None)
    assert way == STRAIGHT


def test_through_the_proxy_with_its_share(front: str) -> None:
    way = way_of(stack(front, front, "client-front", "prometheus-targets"))
    assert way.share_ms is not None
    assert way.shares_ms == {"client-front": way.share_ms, "prometheus-targets": None}
    assert "whose own share is" in way.notes[0]
    assert Way({front: "http://127.0.0.1:9"}).to(f"{front}/") == "http://127.0.0.1:9"


def test_a_proxy_that_does_not_answer_has_no_share_and_none_is_made_up(front: str) -> None:
    way = way_of(stack(front, "http://127.0.0.1:1", "client-front"))
    assert (way.share_ms, way.shares_ms) == (None, {"client-front": None})
    assert "not measured" in way.notes[0]
