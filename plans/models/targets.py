"""The guard's allow-list: to which systems elsewhere load may go, how much of it, when, and who has to agree. Wildcards
are refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr

from plans.models.document import Document, read_model
from plans.models.errors import PlanError, Problem
from plans.models.forecast import Id
from plans.models.home import HOME
from plans.models.partial import Contradiction, Flag, PlanModel, check
from plans.models.quantity import Duration, Rate, Share
from plans.models.target_service import Url

TARGETS = "plans/targets.yaml"
Host = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$|^\[[0-9a-f:]+\](:[0-9]{1,5})?$")
]
Hour = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["01:30"])]
DAY_S = 24 * 3600.0


class HoursOfDay(PlanModel):
    """The part of each day in which load may be sent, over midnight where `until` comes before `from`."""

    first: Hour = Field(alias="from", description="Hour and minute from which on load may be sent.")
    until: Hour = Field(description="Hour and minute at which the last request must have been sent.")
    zone: str = Field(
        default="+00:00",
        pattern=r"^[+-](0[0-9]|1[0-4]):[0-5][0-9]$",
        description="Of these hours, east of UTC: +08:00.",
    )

    @check
    def _some(self) -> Iterator[Contradiction]:
        if self.first == self.until:
            yield Contradiction(("until",), f"from {self.first} until {self.until} is no time", "another hour")

    def hold(self, start: datetime, duration_s: float) -> bool:
        """Does load that begins then (a time with its zone) and lasts so long stay within one day's hours?"""
        east = timezone((-1 if self.zone[0] == "-" else 1) * timedelta(seconds=_seconds(self.zone[1:])))
        local = start.astimezone(east)
        since_midnight_s = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second).total_seconds()
        begun_s = (since_midnight_s - _seconds(self.first)) % DAY_S
        return begun_s + duration_s <= (_seconds(self.until) - _seconds(self.first)) % DAY_S

    def __str__(self) -> str:
        return f"{self.first} to {self.until} ({self.zone})"


def _seconds(text: str) -> float:
    hours, minutes = text.split(":")
    return int(hours) * 3600.0 + int(minutes) * 60.0


class PublicTraffic(PlanModel):
    """Who tells how much the public sends a system that is no red-packet system: one figure of a Prometheus."""

    prometheus: Url = Field(description="Its address: this host's, or a host of the allow-list.")
    query: str = Field(min_length=1, description="PromQL; one value, requests a second.")


class TargetSystem(PlanModel):
    """One system: every host to which load may go, `name` or `name:port`, and what it is granted at most."""

    id: Id
    hosts: tuple[Host, ...] = Field(min_length=1)
    rate_max: Rate = Field(gt=0, description="Taps a second at most, calibration included.")
    duration_max: Duration = Field(gt=0, description="Seconds of load at most, from the first tap to the last.")
    step_max: Rate | None = Field(
        default=None, gt=0, description="By how many requests a second the rate may rise within a second at most."
    )
    hours: HoursOfDay | None = Field(default=None, description="The part of each day in which load may be sent.")
    capacity: Rate | None = Field(
        default=None, gt=0, description="Requests a second that the system carries, of both lanes together."
    )
    live_headroom: Share | None = Field(
        default=None, description="Of `capacity`, what the public's traffic and the run's together must leave free."
    )
    public: PublicTraffic | None = Field(
        default=None, description="Who tells the public's traffic; left out: the fronts of a red-packet system."
    )
    approval: Flag = Field(
        default=False, description="A run needs the name of somebody who approved it: --approved-by NAME."
    )
    play: str | None = Field(default=None, description="Address of its play process, where it may be asked.")
    front_metrics: tuple[str, ...] = Field(
        default=(),
        description="Addresses of /metrics of its fronts, in the order of the topology: money is read there.",
    )
    credit_metrics: str | None = Field(default=None, description="Address of its stress lane's credit worker.")

    _at: Mapping[str, str] = PrivateAttr(default_factory=dict)

    def at(self, key: str) -> str:
        """Where a limit stands, `file:line: `; empty where that is not known."""
        place = self._at.get(key) or self._at.get("id")
        return f"{place}: " if place else ""

    @check
    def _both(self) -> Iterator[Contradiction]:
        if (self.capacity is None) != (self.live_headroom is None):
            missing = "capacity" if self.capacity is None else "live_headroom"
            other = "live_headroom" if self.capacity is None else "capacity"
            yield Contradiction((other,), f"`{other}` alone says nothing", f"`{missing}` beside it")

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
        found, document = read_model(path, Targets)
    except PlanError as exc:
        if not path.exists():
            raise PlanError([Problem(os.fspath(path), 0, "no allow-list", "a file of kind `targets`")]) from exc
        raise
    for number, target in enumerate(found.targets):
        target._at = _lines(document, number)
    return found


def _lines(document: Document, number: int) -> dict[str, str]:
    keys = document.data["targets"][number]
    return {key: f"{document.file}:{document.line(('targets', number, key))}" for key in keys}
