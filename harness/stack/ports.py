"""Ports of a stack: found by binding, below the range from which the kernel assigns ports, and held while the stack
lives.

A held port is a bound socket that never listens. Address reuse is switched on after the bind: the part for which it is
held may bind it too, a second stack that looks for a free one (without reuse) may not. A port that cannot be bound
counts as taken.
"""

from __future__ import annotations

import random
import socket
import sys
from collections.abc import Iterable
from types import TracebackType

from harness.errors import EnvironmentNotReady

LOWEST, ABOVE = 10_240, 32_768
TRIES = 2_000
LOOPBACK_S = 2.0


def carries_traffic() -> None:
    """Can this host connect to itself? Otherwise every part would wait for its own port until its deadline.

    Raises EnvironmentNotReady with what helps.
    """
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname()[:2], timeout=LOOPBACK_S).close()
    except OSError as exc:
        raise EnvironmentNotReady(f"127.0.0.1 carries no traffic ({exc}); bring it up with: ip link set lo up") from exc


class Ports:
    """Ports by name, held until `close`. A context manager."""

    def __init__(self, names: Iterable[str], rng: random.Random | None = None) -> None:
        self._held: list[socket.socket] = []
        self.by_name: dict[str, int] = {}
        rng = rng or random.Random()
        for name in names:
            self.by_name[name] = self._take(name, rng)

    def _take(self, name: str, rng: random.Random) -> int:
        for _ in range(TRIES):
            port = rng.randrange(LOWEST, ABOVE)
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                sock.close()
                continue
            if sys.platform == "linux":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self._held.append(sock)
            else:
                # On other systems a bound socket would keep the part itself out.
                sock.close()
                if port in self.by_name.values():
                    continue
            return port
        raise EnvironmentNotReady(f"no free port in {LOWEST}–{ABOVE - 1} for {name} after {TRIES} tries")

    def close(self) -> None:
        """Let them all go."""
        for sock in self._held:
            sock.close()
        self._held.clear()

    def __enter__(self) -> Ports:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
