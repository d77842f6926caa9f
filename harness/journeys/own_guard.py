"""Where one's own tasks may send: this host, and hosts of the allow-list. Held in the process that runs them, below
every library: the name of another host is not looked up, and no connection to it is made.
"""

from __future__ import annotations

import ipaddress
import math
import socket
import sys
from collections import deque
from collections.abc import Callable
from typing import NoReturn
from urllib.parse import urlsplit

from plans.models.targets import TargetSystem
from system.contract.addresses import bracketed, is_loopback

NOT_THERE = "is not in plans/targets.yaml"
SPAN_S, ABOVE, SIGMAS = 5.0, 1.25, 5.0
"""Over so many seconds a quarter more than is granted, and by more than chance: arrears of a second are not that."""
Refusal = Callable[[str], str | None]


class SendingGuard:
    """An audit hook of the interpreter. `refusal(url)`: why nothing may be sent there, None where the allow-list does
    not say: then this host alone is let through. `refused`: hosts that were not.
    """

    def __init__(self, refusal: Refusal) -> None:
        self._refusal = refusal
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
        if why := self.why_not(f"http://{bracketed(text)}:{port or 80}"):
            self._refuse(text, why)
        self._looked_up.add(text)

    def _address(self, host: str, port: object) -> None:
        why = self.why_not(f"http://{bracketed(host)}:{port}")
        if why and (why != NOT_THERE or host not in self._addresses()):
            self._refuse(host, why)

    def why_not(self, url: str) -> str:
        """Why nothing may be sent to an address; empty where it may."""
        why = self._refusal(url)
        return why if why is not None else "" if is_loopback(url) else NOT_THERE

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

    def _refuse(self, host: str, why: str) -> NoReturn:
        self.refused.add(host)
        says = f"{host} {why}" if why == NOT_THERE else f"{host}: {why}"
        raise PermissionError(f"{says}; nothing was sent to it")


class RequestGauge:
    """What the tasks really send, for a task may send many requests where the guard knew of one. `entry(url)`: the
    allow-list's entry of an address. `beyond`: in words, once more was sent than is granted, arrears and chance aside;
    empty until then.
    """

    def __init__(self, entry: Callable[[str], TargetSystem | None]) -> None:
        self._entry = entry
        self._of: dict[str, TargetSystem | None] = {}
        self._lately: dict[str, deque[float]] = {}
        self.requests = 0
        self.beyond = ""

    def take(self, url: object, now_s: float) -> None:
        """A request has ended, at this second of any clock that only goes on."""
        self.requests += 1
        place = urlsplit(str(url or "")).netloc
        if place not in self._of:
            self._of[place] = self._entry(str(url)) if place else None
        entry = self._of[place]
        if entry is None:
            return
        lately = self._lately.setdefault(entry.id, deque())
        lately.append(now_s)
        while lately[0] <= now_s - SPAN_S:
            lately.popleft()
        granted = entry.rate_max * SPAN_S
        if not self.beyond and len(lately) > ABOVE * granted + SIGMAS * math.sqrt(granted):
            limit = f"{entry.at('rate_max')}{entry.rate_max:,.6g}/s allowed by {entry.id}"
            self.beyond = f"the tasks sent {len(lately) / SPAN_S:,.0f} requests/s for {SPAN_S:g} s, {limit}"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
