"""The links of the system: who talks to whom, by id. Each store link runs through toxiproxy, also when
no fault is planned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Upstream = Literal["valkey", "postgres", "control", "front", "targets"]


@dataclass(frozen=True, slots=True)
class Link:
    """`id` is `client-server`; `always` says that the proxy stands in the path of every run."""

    id: str
    client: str
    upstream: Upstream
    always: bool = True


LINKS: tuple[Link, ...] = (
    Link("front-valkey", "front", "valkey"),
    Link("credit-valkey", "credit", "valkey"),
    Link("control-valkey", "control", "valkey"),
    Link("credit-postgres", "credit", "postgres"),
    Link("play-postgres", "play", "postgres"),
    Link("control-postgres", "control", "postgres"),
    Link("front-control", "front", "control"),
    Link("client-front", "client", "front", always=False),
    Link("prometheus-targets", "prometheus", "targets", always=False),
)
