"""A stand-in for a service: answers each request at once, and stands still when it is told to. A process of its own, as
long as one run.

``python -m harness.service.stand_in PORT``. A line ``WALL_NS SECONDS`` on its standard input: from then on, so long, it
does nothing at all, as a process in a pause of its garbage collector, or on a host that is short of memory. It ends
when its standard input does.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, cast

import uvloop

from harness.children import for_children
from harness.errors import EnvironmentNotReady
from harness.stack import die_with_parent
from harness.waits import killed
from plans.models.target_service import UrlTarget
from system.contract.addresses import read_address

BODY = b'{"stands":"in"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
END = b"\r\n\r\n"
READY = b"ready\n"


class StandInConnection(asyncio.Protocol):
    """Requests have no body: each ends with an empty line, wherever reads are cut."""

    def __init__(self) -> None:
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        *whole, rest = (self._rest + data).split(END)
        self._rest = rest
        self._transport.write(ANSWER * len(whole))


async def serve(port: int) -> None:
    """Until standard input ends. Raises OSError where the port is taken."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    server = await loop.create_server(StandInConnection, "127.0.0.1", port, backlog=4096)

    def told() -> None:
        text = os.read(sys.stdin.fileno(), 200)
        if not text:
            over.set()
            return
        at, length = text.split()
        loop.call_later(max(0.0, (int(at) - time.time_ns()) / 1e9), stood_still, float(length))

    loop.add_reader(sys.stdin.fileno(), told)
    os.write(sys.stdout.fileno(), READY)
    await over.wait()
    server.close()


def stood_still(length_s: float) -> None:
    """Does nothing at all, and says how long that was, in nanoseconds, once it is over."""
    began_ns = time.monotonic_ns()
    time.sleep(length_s)
    os.write(sys.stdout.fileno(), b"%d\n" % (time.monotonic_ns() - began_ns))


class StandInProcess:
    """A server that listens."""

    def __init__(self, told: IO[bytes], says: IO[bytes]) -> None:
        self._told, self._says = told, says

    def stood_still_ms(self) -> float:
        """How long it stood still, by its own record; waits until it has. Raises ValueError where it has died."""
        return int(self._says.readline()) / 1e6

    def stands_still(self, at_wall_ns: int, length_s: float) -> None:
        """Tells it when, and for how long. Raises OSError where it has died."""
        self._told.write(b"%d %f\n" % (at_wall_ns, length_s))
        self._told.flush()


@contextmanager
def standing_in(target: UrlTarget) -> Iterator[StandInProcess]:
    """The server at the target's address, until the block ends. Raises EnvironmentNotReady where it cannot be there."""
    address = read_address("service", target.url)
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.service.stand_in", str(address.port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=for_children(),
        preexec_fn=die_with_parent,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        # It says one line once it listens; where it cannot, its output ends.
        if process.stdout.readline() != READY:
            raise EnvironmentNotReady(f"the stand-in cannot listen on {address.endpoint}: the port is taken")
        yield StandInProcess(process.stdin, process.stdout)
    finally:
        with suppress(OSError):
            process.stdin.close()
        killed(process)
        process.stdout.close()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
