"""What aiohttp refuses itself, over real connections: the error body, counted once, no traceback in the log."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import zlib
from typing import Any

import pytest
from aiohttp import web

from system.contract import web as contract_web
from system.contract.api import SwitchChange
from system.contract.web import application, listening, read_json, read_model

HEAD = b"POST /body HTTP/1.1\r\nHost: x\r\n"
PLAIN = b'{"value":1}'
LENGTH = b"Content-Length: %d\r\n" % len(PLAIN)
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def posted(headers: bytes, body: bytes = b"") -> bytes:
    return HEAD + headers + b"\r\n" + body


def coded(encoding: bytes, body: bytes) -> bytes:
    return posted(b"Content-Encoding: %s\r\nContent-Length: %d\r\n" % (encoding, len(body)), body)


REFUSED = [
    pytest.param(b"GET /healthz HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\n", 400, id="a name with a space"),
    pytest.param(b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: %s\r\n\r\n" % (b"a" * 9_000), 431, id="a long header"),
    pytest.param(b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 9_000), 431, id="a long path"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n%s\r\n" % (b"A: 1\r\n" * 200), 431, id="many headers"),
    pytest.param(b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n", 400, id="a version nobody knows"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50), 400, id="TLS"),
    pytest.param(b"what is this\r\n\r\n", 400, id="no HTTP"),
    pytest.param(posted(LENGTH + b"Content-Encoding: gzip\r\n", PLAIN), 400, id="gzip that is none"),
    pytest.param(posted(LENGTH + b"Content-Encoding: deflate\r\n", PLAIN), 400, id="deflate that is none"),
    pytest.param(coded(b"gzip", gzip.compress(PLAIN)[:-1]), 400, id="gzip without its last byte"),
    pytest.param(coded(b"gzip", gzip.compress(PLAIN)[:-8]), 400, id="gzip without its sum"),
    pytest.param(coded(b"gzip", b""), 400, id="gzip of no byte"),
    pytest.param(coded(b"gzip", gzip.compress(PLAIN) * 2), 400, id="gzip twice"),
    pytest.param(coded(b"gzip", gzip.compress(b" " * (1 << 21))), 413, id="gzip of 2 MiB of blanks"),
    pytest.param(coded(b"deflate", zlib.compress(PLAIN)[:-1]), 400, id="deflate without its last byte"),
    pytest.param(coded(b"zstd", PLAIN), 400, id="zstd, which is not read"),
    pytest.param(posted(LENGTH + b"Content-Encoding: br\r\n", PLAIN), 400, id="br"),
    pytest.param(posted(LENGTH + b"Content-Encoding: nope\r\n", PLAIN), 400, id="an encoding nobody knows"),
    pytest.param(posted(LENGTH + b"Content-Encoding: gzip, br\r\n", PLAIN), 400, id="two encodings, and none of them"),
    pytest.param(posted(CHUNKED, b"ZZ\r\n" + PLAIN + b"\r\n0\r\n\r\n"), 400, id="a chunk's size that is none"),
    pytest.param(posted(CHUNKED, b"b\r\n" + PLAIN + b"no end\r\n0\r\n\r\n"), 400, id="a chunk without its end"),
    pytest.param(posted(LENGTH + CHUNKED, PLAIN), 400, id="two lengths"),
    pytest.param(posted(b"Content-Length: -1\r\n"), 400, id="a negative length"),
    pytest.param(posted(b"Content-Length: 9%s\r\n" % (b"9" * 5_000)), 400, id="a length without end"),
    pytest.param(posted(LENGTH + b"Expect: a miracle\r\n", PLAIN), 400, id="another expectation"),
    pytest.param(posted(b"Content-Length: 22\r\n", b'{"value":1,"why":"\\ud8'), 400, id="half a surrogate"),
    pytest.param(posted(b"Content-Length: 21\r\n", b'{"value":1,"value":2}'), 400, id="a field twice"),
]  # fmt: skip


class Server:
    """An app as the processes serve it; what was counted, and what stands in the log as an error."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, int]] = []
        self.app = application(lambda route, status, _: self.counted.append((route, status)))
        self.app.router.add_post("/body", self._body)
        self.app.router.add_post("/json", self._json)
        self.app.router.add_get("/healthz", self._alive)
        self.port = 0

    async def _body(self, request: web.Request) -> web.Response:
        return web.json_response({"value": (await read_model(request, SwitchChange)).value})

    async def _json(self, request: web.Request) -> web.Response:
        return web.json_response({"read": await read_json(request) is not None})

    async def _alive(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def send(self, data: bytes, *, end: bool = False) -> bytes:
        """What comes back until the connection ends or falls silent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        if end:
            writer.write_eof()
        got = b""
        try:
            async with asyncio.timeout(0.5 if end else 5):
                while b"}" not in got and (more := await reader.read(65536)):
                    got += more
        except TimeoutError:
            pass
        writer.close()
        return got


def played(server: Server, scene: Any) -> None:
    async def run() -> None:
        async with listening(server.app, ("127.0.0.1", 0), grace_s=0.2) as (_, server.port):
            await scene()

    asyncio.run(run())


def errors_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info]


@pytest.mark.parametrize(
    "data", [coded(b"gzip", gzip.compress(PLAIN)), coded(b"GZIP", gzip.compress(PLAIN)),
             coded(b"deflate", zlib.compress(PLAIN)), coded(b"identity", PLAIN)]
)  # fmt: skip
def test_a_body_that_is_what_is_said_of_it_is_read(data: bytes) -> None:
    server = Server()

    async def scene() -> None:
        head, _, body = (await server.send(data)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert json.loads(body) == {"value": 1}

    played(server, scene)


@pytest.mark.parametrize(("data", "status"), REFUSED)
def test_what_is_no_request_is_answered_as_every_error_is(
    data: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server()

    async def scene() -> None:
        head, _, body = (await server.send(data)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status), head
        assert b"application/json" in head
        error = json.loads(body)["error"]
        assert set(error) == {"code", "message", "effect"}
        assert error["effect"] == "none"
        assert len(body) < 400
        assert [each for _, each in server.counted] == [status], "counted once"
        after = await server.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert after.startswith(b"HTTP/1.1 200 OK"), after

    caplog.set_level(logging.INFO)
    played(server, scene)
    assert errors_in(caplog) == []


@pytest.mark.parametrize("method", [b"FOO", b"foo", b"GETX", b"PROPFIND", b"FOO-BAR", b"!'b"])
@pytest.mark.parametrize(
    ("path", "status", "allowed"),
    [
        (b"/healthz", 405, b"GET, HEAD"), (b"/healthz?a=1", 405, b"GET, HEAD"), (b"/body", 405, b"POST"),
        (b"/rounds/7", 405, b"GET, HEAD, POST"), (b"/rounds/7/taps", 404, None), (b"/none", 404, None),
        (b"/none'\\\"", 404, None),
    ],
)  # fmt: skip
def test_a_method_that_nobody_knows_is_told_which_there_are(
    method: bytes, path: bytes, status: int, allowed: bytes | None
) -> None:
    """Also where the parser does not know it, and refuses the request before any route is looked for."""
    server = Server()
    server.app.router.add_get("/rounds/{round}", server._alive)
    server.app.router.add_post("/rounds/{round}", server._alive)

    async def scene() -> None:
        answer = await server.send(method + b" " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status), head
        lines = head.split(b"\r\n")
        assert [line for line in lines if line.startswith(b"Allow:")] == ([b"Allow: " + allowed] if allowed else [])
        assert json.loads(body)["error"]["code"] == ("method_not_allowed" if allowed else "not_found")

    played(server, scene)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + CHUNKED + b"\r\nZZ\r\n", id="a body nobody reads"),
        pytest.param(posted(b"Content-Length: 99\r\n", PLAIN), id="gone in the middle of a body"),
        pytest.param(HEAD, id="gone in the middle of a head"),
        pytest.param(posted(LENGTH, PLAIN) + b"GARBAGE\r\n\r\n", id="a request, then none"),
    ],
)
def test_a_client_that_goes_wrong_is_no_error_of_ours(data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    server = Server()

    async def scene() -> None:
        await server.send(data, end=True)
        after = await server.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert after.startswith(b"HTTP/1.1 200 OK"), after

    caplog.set_level(logging.INFO)
    played(server, scene)
    assert errors_in(caplog) == []


@pytest.mark.parametrize(
    "body",
    [b'{"a":"\\ud800"}', b'{"a":"\xed\xa0\x80"}', b"[" * 100_000, b"9" * 5_000, b"NaN", b"", b"\xff", b"{'a':1}"],
    ids=["half a pair, escaped", "half a pair, raw", "brackets", "digits", "NaN", "nothing", "no UTF-8", "quotes"],
)
def test_json_that_is_none_is_refused_in_few_words(body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    server = Server()

    async def scene() -> None:
        data = b"POST /json HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        head, _, told = (await server.send(data)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 "), head
        assert json.loads(told)["error"]["message"].startswith("not JSON")
        assert len(told) < 300

    played(server, scene)
    assert errors_in(caplog) == []


def test_a_head_that_never_ends_gives_its_connection_back() -> None:
    server = Server()

    async def run() -> None:
        async with listening(server.app, ("127.0.0.1", 0), idle_s=0.2) as (_, port):
            for begun in (b"", HEAD):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(begun)
                async with asyncio.timeout(10):
                    assert await reader.read() == b""
                writer.close()

    asyncio.run(run())


def test_a_body_that_never_comes_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract_web, "BODY_WITHIN_S", 0.1)
    server = Server()

    async def scene() -> None:
        head, _, body = (await server.send(posted(LENGTH))).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 "), head
        assert json.loads(body)["error"] == {
            "code": "request_timeout", "message": "the body did not arrive in time", "effect": "none",
        }  # fmt: skip

    played(server, scene)
