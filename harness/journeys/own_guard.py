"""Where one's own tasks may send: this host, and hosts of the allow-list. Held in the process that runs them, below
every library: the name of another host is not looked up, and no connection to it is made.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Callable

from system.contract.addresses import bracketed, is_loopback

Allowed = Callable[[str], bool]


class SendingGuard:
    """An audit hook of the interpreter. `allowed(url)`: does this address stand in the allow-list? `refused`: hosts
    that were not let through.
    """

    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed
        self._looked_up: set[str] = set()
        self._known: set[str] = set()
        self._busy = False
        self.refused: set[str] = set()

    def install(self) -> None:
        """For as long as the process lives."""
        sys.addaudithook(self)

    def __call__(self, event: str, args: tuple[object, ...]) -> None:
        if event == "socket.getaddrinfo" and not self._busy:
            self._name(args[0], args[1])
        elif event in ("socket.connect", "socket.sendto") and isinstance(args[-1], tuple):
            self._address(str(args[-1][0]), args[-1][1])

    def _name(self, host: object, port: object) -> None:
        text = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host or "localhost")
        if self._here(text) or self._allowed(f"http://{bracketed(text)}:{port or 80}"):
            self._looked_up.add(text)
            return
        self._refuse(text)

    def _address(self, host: str, port: object) -> None:
        if self._here(host) or self._allowed(f"http://{bracketed(host)}:{port}") or host in self._addresses():
            return
        self._refuse(host)

    def _here(self, host: str) -> bool:
        return is_loopback(f"http://{bracketed(host)}")

    def _addresses(self) -> set[str]:
        """Of every name that was allowed; a name is looked up again once."""
        fresh = {name for name in self._looked_up if not _is_address(name)}
        self._looked_up -= fresh
        self._busy = True
        try:
            for name in fresh:
                self._known |= {str(found[4][0]) for found in socket.getaddrinfo(name, None)}
        except OSError:
            self._looked_up |= fresh
        finally:
            self._busy = False
        return self._known

    def _refuse(self, host: str) -> None:
        self.refused.add(host)
        raise PermissionError(f"{host} is not in plans/targets.yaml; nothing was sent to it")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
