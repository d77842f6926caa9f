"""Whatever answers in toxiproxy's place, the wrapper raises its one error type, in time. A server that talks nonsense,
on loopback; the real one is in `tests/integration/chaos`.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from chaos.toxiproxy import SafeToxiproxy, ToxicState, ToxiproxyError

SLOW = ToxicState("xiu-1", "latency", "downstream", 1.0, {"latency": 50})
PROXY = b'{"front-valkey": {"name": "front-valkey", "listen": "a", "upstream": "b", "enabled": true, "toxics": %s}}'


def http(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


ANSWERS = {
    "nothing at all": b"",
    "not HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "an empty body": http(b""),
    "a page": http(b"<html>502</html>"),
    "a list": http(b"[]"),
    "null": http(b"null"),
    "a number": http(b"7"),
    "a proxy that is none": http(b'{"front-valkey": 7}'),
    "toxics that are none": http(PROXY % b"[7]"),
    "a toxicity in words": http(PROXY % b'[{"name":"x","type":"l","stream":"u","toxicity":"much","attributes":{}}]'),
    "attributes that are none": http(PROXY % b'[{"name":"x","type":"l","stream":"u","toxicity":1,"attributes":7}]'),
    "cut off": http(b'{"version": "2"}')[:-4],
    "broken chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    "said to be gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    "elsewhere": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
    "500": http(b"{}", "500 Internal Server Error"),
    "503 with a page": http(b"<html>", "503 Service Unavailable"),
}  # fmt: skip
CALLS: list[Callable[[SafeToxiproxy], object]] = [
    SafeToxiproxy.version, SafeToxiproxy.proxies, SafeToxiproxy.reset,
    lambda api: api.add("front-valkey", SLOW), lambda api: api.update("front-valkey", SLOW),
    lambda api: api.remove("front-valkey", "xiu-1"), lambda api: api.enable("front-valkey", on=False),
    lambda api: api.populate({"front-valkey": ("127.0.0.1:1", "127.0.0.1:2")}),
]  # fmt: skip


@pytest.fixture
def says() -> Iterator[Callable[[bytes, float], SafeToxiproxy]]:
    """A server that answers everything with these bytes; drop by drop, with a pause between them."""
    told: list[tuple[bytes, float]] = []

    def serve() -> None:
        while True:
            try:
                wire, _ = server.accept()
            except OSError:
                return
            with wire, contextlib.suppress(OSError):
                wire.settimeout(5)
                wire.recv(1 << 16)
                text, pause_s = told[-1]
                for piece in [text[k : k + 1] for k in range(len(text))] if pause_s else [text]:
                    wire.sendall(piece)
                    over.wait(pause_s)

    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()

        def api(text: bytes, pause_s: float = 0.0) -> SafeToxiproxy:
            told.append((text, pause_s))
            return SafeToxiproxy(f"http://127.0.0.1:{server.getsockname()[1]}", 0.5)

        yield api
        over.set()
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


@pytest.mark.parametrize("name", ANSWERS)
def test_nonsense_is_one_error(says: Callable[[bytes, float], SafeToxiproxy], name: str) -> None:
    api = says(ANSWERS[name], 0.0)
    for call in CALLS:
        with pytest.raises(ToxiproxyError):
            call(api)


def test_an_answer_drop_by_drop_is_given_up_in_time(says: Callable[[bytes, float], SafeToxiproxy]) -> None:
    head, body = http(b" " * 40).split(b"\r\n\r\n")
    began = time.monotonic()
    with pytest.raises(ToxiproxyError, match="no answer within"):
        says(head + b"\r\n\r\n" + body, 0.02).reset()
    assert time.monotonic() - began < 10
