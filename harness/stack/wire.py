"""The protocol of a stack's supervisor: one JSON line there, one back, over a loopback port, with the folder's token.

`events` keeps the connection: one line per event from then on. A request without the token is refused.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from harness.errors import BadInput, EnvironmentNotReady, HarnessError

log = logging.getLogger(__name__)

Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
CONNECT_TIMEOUT_S = 5.0
LINE_MAX = 1 << 20


class Switchboard:
    """The supervisor's end."""

    def __init__(self, token: str, answer: Answer) -> None:
        self._token, self._answer = token, answer
        self._listeners: set[asyncio.StreamWriter] = set()

    async def open(self, port: int) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=LINE_MAX)

    def tell(self, event: dict[str, Any]) -> None:
        """Sends an event to every listener."""
        line = json.dumps(event).encode() + b"\n"
        for writer in self._listeners:
            writer.write(line)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                request = json.loads(await reader.readline())
            if request.get("token") != self._token:
                return
            if request["do"] == "events":
                self._listeners.add(writer)
                writer.write(b'{"ok": true}\n')
                await reader.read()
                return
            try:
                reply = {"ok": True, **await self._answer(request)}
            except HarnessError as error:
                reply = {"ok": False, "error": str(error), "exit_code": error.exit_code}
            except Exception as error:
                # The caller gets the error, and the supervisor goes on.
                log.exception("asked %s", request.get("do"))
                reply = {"ok": False, "error": f"{type(error).__name__}: {error}", "exit_code": 5}
            writer.write(json.dumps(reply).encode() + b"\n")
            await writer.drain()
        except (OSError, ValueError, AttributeError, KeyError, TimeoutError):
            # The caller is gone, or speaks another protocol.
            return
        finally:
            self._listeners.discard(writer)
            writer.close()

    def close(self) -> None:
        """Stop listening."""
        self._server.close()
        for writer in self._listeners:
            writer.close()


def _connect(port: int, request: dict[str, Any], timeout_s: float | None) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=CONNECT_TIMEOUT_S)
    sock.settimeout(timeout_s)
    sock.sendall(json.dumps(request).encode() + b"\n")
    return sock


def call(port: int, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """Asks the supervisor. Raises the supervisor's refusal; EnvironmentNotReady if it is not there."""
    try:
        with _connect(port, request, timeout_s) as sock, sock.makefile("rb") as lines:
            reply = json.loads(lines.readline() or b"{}")
    except (OSError, ValueError) as error:
        raise EnvironmentNotReady(f"the stack's supervisor does not answer: {error}") from error
    if not isinstance(reply, dict) or "ok" not in reply:
        raise EnvironmentNotReady("the stack's supervisor does not answer; see logs/supervisor.log in its folder")
    if not reply["ok"]:
        kind = BadInput if reply["exit_code"] == BadInput.exit_code else EnvironmentNotReady
        raise kind(reply["error"])
    return reply


def follow(port: int, token: str) -> tuple[socket.socket, Iterator[dict[str, Any]]]:
    """Events from now on: the socket (close it to end), what comes. Raises EnvironmentNotReady if it is not there."""
    sock = None
    try:
        sock = _connect(port, {"token": token, "do": "events"}, CONNECT_TIMEOUT_S)
        stream = sock.makefile("rb")
        # After the answer no event is missed.
        stream.readline()
        sock.settimeout(None)
    except OSError as error:
        if sock is not None:
            sock.close()
        raise EnvironmentNotReady(f"the stack's supervisor does not answer: {error}") from error

    def lines() -> Iterator[dict[str, Any]]:
        with stream:
            try:
                for line in stream:
                    yield json.loads(line)
            except (OSError, ValueError):
                return

    return sock, lines()
