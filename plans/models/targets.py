"""The guard's allow-list: to which systems elsewhere load may go, and how much. Wildcards are refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field

from plans.models.document import read_model
from plans.models.errors import PlanError, Problem
from plans.models.forecast import Id
from plans.models.load import HOME
from plans.models.partial import Contradiction, PlanModel, check
from plans.models.quantity import Duration, Rate

TARGETS = "plans/targets.yaml"
Host = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$|^\[[0-9a-f:]+\](:[0-9]{1,5})?$")
]


class TargetSystem(PlanModel):
    """One system: every host to which load may go, `name` or `name:port`, and the highest rate."""

    id: Id
    hosts: tuple[Host, ...] = Field(min_length=1)
    rate_max: Rate = Field(gt=0, description="Taps a second at most, calibration included.")
    duration_max: Duration = Field(gt=0, description="Seconds of load at most, from the first tap to the last.")
    play: str | None = Field(default=None, description="Address of its play process, where it may be asked.")
    front_metrics: tuple[str, ...] = Field(
        default=(),
        description="Addresses of /metrics of its fronts, in the order of the topology: money is read there.",
    )
    credit_metrics: str | None = Field(default=None, description="Address of its stress lane's credit worker.")

    def names(self, url: str) -> bool:
        """Is the host of this address in the list of this system?"""
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else (parts.hostname or "")
        return host in self.hosts or f"{host}:{_port(url)}" in self.hosts


class Targets(PlanModel):
    """The whole file."""

    kind: Literal["targets"]
    targets: tuple[TargetSystem, ...] = ()

    @check
    def _once(self) -> Iterator[Contradiction]:
        seen: set[str] = set()
        for number, target in enumerate(self.targets):
            for host in target.hosts:
                if host in seen:
                    yield Contradiction(("targets", number, "hosts"), f"{host} stands twice", "each host once")
                seen.add(host)

    def entry(self, url: str) -> TargetSystem | None:
        """The system that an address belongs to."""
        return next((target for target in self.targets if target.names(url)), None)


def _port(url: str) -> int | None:
    parts = urlsplit(url)
    return parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def load_targets(path: Path | None = None) -> Targets:
    """The allow-list in `path`, else in the current folder, else the project's own. Raises PlanError."""
    if path is None:
        here = Path(TARGETS)
        path = here if here.is_file() else HOME / "targets.yaml"
    try:
        return read_model(path, Targets)[0]
    except PlanError as exc:
        if not path.exists():
            raise PlanError([Problem(os.fspath(path), 0, "no allow-list", "a file of kind `targets`")]) from exc
        raise
