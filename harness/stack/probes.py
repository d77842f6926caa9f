"""Is a part ready? One short question each, over the protocol of the part. Does not wait: the keeper asks again.

No client library: the supervisor stays small, and a probe keeps no connection.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

PROBE_TIMEOUT_S = 2.0


async def _ask(host: str, port: int, question: bytes, size: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(question)
        await writer.drain()
        return await reader.read(size)
    finally:
        writer.close()


async def _http(host: str, port: int, path: str) -> bool:
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode()
    head = (await _ask(host, port, request, 64)).split(b"\r\n", 1)[0].split(b" ")
    return len(head) > 1 and head[1] == b"200"


async def _valkey(host: str, port: int, path: str) -> bool:
    # While it loads its file it answers -LOADING; with a password, -NOAUTH: it is up.
    answer = await _ask(host, port, b"PING\r\n", 64)
    return answer.startswith((b"+PONG", b"-NOAUTH"))


async def _postgres(host: str, port: int, path: str) -> bool:
    # A start-up packet: `R` asks for the password, `E` is "the database system is starting up".
    body = struct.pack("!I", 196608) + b"user\0xiu\0database\0postgres\0\0"
    return (await _ask(host, port, struct.pack("!I", len(body) + 4) + body, 1)) == b"R"


async def _alive(host: str, port: int, path: str) -> bool:
    # A part without an interface: ready as soon as it runs, and the keeper asks only while it does.
    return True


_ASK: dict[str, Callable[[str, int, str], Awaitable[bool]]] = {
    "http": _http,
    "valkey": _valkey,
    "postgres": _postgres,
    "alive": _alive,
}


async def ready(probe: str) -> bool:
    """Ask once. No answer, or a wrong one, is False."""
    url = urlsplit(probe)
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            return await _ASK[url.scheme](url.hostname or "127.0.0.1", url.port or 0, url.path or "/")
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
