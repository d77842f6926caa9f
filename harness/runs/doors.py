"""Where the Locust of a run is open to others: an address at which its workers join from other hosts, and one for its
own web page. Plain data, checked; opens nothing for longer than it takes to see that it can.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from harness.errors import BadInput, EnvironmentNotReady
from harness.journeys.joining import FILE_VARIABLE, HOW, VARIABLE, Secret
from system.contract.numbers import whole_number

HERE = "127.0.0.1"
_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,253}")
JOIN_S = 600.0
"""Within which all workers have joined: somebody starts them by hand."""
FAR_LEAD_S = 6.0
"""From the order to the first request: it travels, and cannons load on hosts that nobody has measured."""


@dataclass(frozen=True, slots=True)
class Door:
    """An address to listen on, or of a master to join."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class LocustDoors:
    """None: that door is shut. `workers`: all of the run's workers come in by it, and none is started here."""

    workers: Door | None = None
    page: Door | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """Locust's options for its page, or for none."""
        if self.page is None:
            return ("--headless",)
        return ("--autostart", "--web-host", self.page.host, "--web-port", str(self.page.port))

    def waits_for(self, workers: int) -> str:
        """What somebody who waits is told; empty where nobody has to come."""
        if self.workers is None:
            return ""
        return f"waits for {workers} workers: on the host of each, xiu plan join {self.workers}"

    def crew_words(self, workers: int) -> tuple[str, ...] | None:
        """Locust's options for so many workers that join; None where they are started here."""
        if self.workers is None:
            return None
        return (
            "--master", "--master-bind-host", self.workers.host, "--master-bind-port", str(self.workers.port),
            "--expect-workers", str(workers),
        )  # fmt: skip


SHUT = LocustDoors()


def read_door(option: str, text: str, host: str | None = None) -> Door:
    """HOST:PORT, or PORT alone where `host` is the one that is meant then. Raises BadInput."""
    before, _, last = text.rpartition(":")
    name, port = before.removeprefix("[").removesuffix("]") or host, whole_number(last, 65_535)
    if name is None or not _HOST.fullmatch(name) or not port:
        like = "HOST:PORT" if host is None else "PORT or HOST:PORT"
        raise BadInput(f"{option} {text[:80]!r} is no address", expected=f"{like}, such as 10.0.0.5:5557")
    return Door(name, port)


def read_doors(workers: str | None, page: str | None, environment: Mapping[str, str]) -> LocustDoors:
    """From the two options. Raises BadInput: workers of other hosts need a secret that they can know."""
    doors = LocustDoors(
        None if workers is None else read_door("--workers-at", workers),
        None if page is None else read_door("--locust-page", page, HERE),
    )
    if doors.workers is not None:
        needs_secret("--workers-at", environment)
    return doors


def listened_at(doors: LocustDoors) -> None:
    """Raises EnvironmentNotReady for a door that cannot be opened here: taken, no address of this host, the same
    twice.
    """
    named = {"--workers-at": doors.workers, "--locust-page": doors.page}
    with ExitStack() as held:
        for option, door in named.items():
            if door is None:
                continue
            try:
                family, kind, _, _, address = socket.getaddrinfo(door.host, door.port, type=socket.SOCK_STREAM)[0]
                place = held.enter_context(socket.socket(family, kind))
                place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                place.bind(address)
                place.listen()
            except OSError as exc:
                why = exc.strerror or exc
                raise EnvironmentNotReady(
                    f"{option} {door}: cannot be listened at: {why}; expected a free port of an address of this host"
                ) from exc


def needs_secret(option: str, environment: Mapping[str, str]) -> None:
    """Raises BadInput where the environment holds no secret that others can hold too."""
    if not environment.get(FILE_VARIABLE) and not environment.get(VARIABLE):
        raise BadInput(f"{option} without a secret: nobody could prove that he belongs here", expected=HOW)
    Secret.of(dict(environment))


def secret_in(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The secret's variables, for the Locust process that needs them."""
    given = os.environ if environment is None else environment
    return {name: given[name] for name in (FILE_VARIABLE, VARIABLE) if name in given}
