"""The shape of an item of the pre-check: its number, what it looks at, the sentence when it is broken. Owns no item.

An item looks and reports; it sends no load, and takes back whatever it rehearses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from harness.control_client import ControlClient
from harness.stack.addresses import Addresses
from plans.models.stress import StopRule
from plans.models.targets import Targets, TargetSystem
from system.contract.addresses import is_loopback
from system.contract.ids import Lane
from system.contract.parties import PARTIES, Party
from system.contract.places import Place

State = Literal["good", "warning", "refused", "not_evaluated"]
"""`not_evaluated`: it could not be looked at, or does not apply here; neither green nor a refusal."""
_NAME = re.compile(r"[a-z]+( [a-z]+)*")


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found. `subject`: of what in particular, where an item looks at several things. The rest is filled in
    by the pre-check: the item's number, name and sentence, and how long the look took.
    """

    state: State
    says: str
    subject: str = ""
    number: int = 0
    item: str = ""
    broken: str = ""
    took_ms: float = 0.0

    @property
    def name(self) -> str:
        """The item and its subject, as they are printed."""
        return f"{self.number}. {self.item} {self.subject}".rstrip() if self.number else self.item

    @property
    def why(self) -> str:
        """What a person reads of it: where it is refused the item's sentence comes first."""
        return f"{self.broken}: {self.says}" if self.state == "refused" else self.says


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """A load that is about to be sent, by whatever kind of plan: where to, how much, from where. The guard and the
    items that every plan needs know this alone.

    `peak_rps`: of all journeys; `step_rps`: by how much the rate of all rises within a second at most; `taps`: requests
    of the whole load. `burst`: it is calibration's burst, not the run itself. `urls`: of one's own service; `named_at`:
    where the plan names each of them, `file:line`.
    """

    allowed: Targets
    peak_rps: float
    duration_s: float
    taps: float
    users: int
    connections: int
    runs: Path
    register: Path
    step_rps: float = 0.0
    started_by: str = ""
    approved_by: str | None = None
    now: datetime | None = None
    """When it is, with its zone; None: this moment."""
    burst: bool = False
    rules: tuple[StopRule, ...] = ()
    """The plan's stop rules."""
    check_lock: Callable[[], str] | None = None
    """Reads the locked forecast back; returns its hash. Raises LockBroken."""
    urls: tuple[str, ...] = ()
    named_at: Mapping[str, str] = field(default_factory=dict)

    def may_ask(self, url: str) -> bool:
        """May anything be sent there? Else the allow-list refuses the start, and nobody is asked."""
        return is_loopback(url) or self.allowed.entry(url) is not None

    def served(self) -> list[str]:
        """Everywhere that requests go."""
        return list(self.urls)

    def entries(self) -> list[TargetSystem]:
        """The systems of the allow-list to which requests go, each once."""
        found = [entry for url in self.served() if (entry := self.allowed.entry(url)) is not None]
        return list({entry.id: entry for entry in found}.values())

    def aims(self) -> int:
        """Addresses among which the connections are shared."""
        return 1

    def prometheus(self) -> str | None:
        """Who answers the queries of stop rules."""
        return None

    def fronts(self) -> Sequence[Place]:
        """Fronts of a red-packet system, which tell what the public sends; none of one's own service."""
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequest(LoadRequest):
    """A load on a red-packet system. The callables are None where there is nothing to ask. `taps_rps`: of the taps
    alone.
    """

    addresses: Addresses
    control: ControlClient
    elsewhere: bool
    lane: Lane
    taps_rps: float = 0.0
    ceiling_rps: float | None = None
    """What generator and front carried together when they were calibrated; None: not measured."""
    earlier_rps: float | None = None
    """The same, of the last calibration on this machine."""
    parties: tuple[Party, ...] = PARTIES
    """Those outside that the system calls."""
    sum_live: Callable[[], str] | None = None
    """Sums up the live lane; returns it in words, empty where its stores are out of reach. Raises HarnessError."""
    look_at_shadow: Callable[[], tuple[str, ...] | None] | None = None
    """What is wrong with the stores of the stress lane, a line each; None: out of reach. Raises HarnessError."""

    def aims(self) -> int:
        """Every front has connections of its own."""
        return max(1, len(self.addresses.front_urls))

    def prometheus(self) -> str | None:
        """The stack's own."""
        return self.addresses.prometheus_url

    def fronts(self) -> Sequence[Place]:
        """Every front of the system."""
        return self.addresses.places.of("front")

    def tapped(self) -> list[Place]:
        """The fronts that may be asked."""
        return [place for place in self.addresses.places.of("front") if place.url and self.may_ask(place.url)]

    def served(self) -> list[str]:
        """Everywhere that requests go."""
        return served(self.addresses)


def served(addresses: Addresses) -> list[str]:
    """Every address of a system to which requests go, each once."""
    places = [place for place in addresses.places if place.role in ("control", "front", "play", "credit")]
    return list(dict.fromkeys(url for place in places for url in (place.url, place.metrics_url) if url))


def entries(addresses: Addresses, allowed: Targets) -> list[TargetSystem]:
    """The systems of the allow-list to which a system's addresses belong, each once."""
    found = [entry for url in served(addresses) if (entry := allowed.entry(url)) is not None]
    return list({entry.id: entry for entry in found}.values())


Look = Callable[[StartRequest], Iterator[Checked]]
LookAtLoad = Callable[[LoadRequest], Iterator[Checked]]


@dataclass(frozen=True, slots=True)
class PrecheckItem:
    """One item. `number`: its own for good, as docs/plans.md lists it; `looks_at` and `broken`: as that page says it.

    `look` finds all that is wrong; a HarnessError that it raises breaks the item. `run_alone`: not looked at before
    calibration's burst.
    """

    number: int
    name: str
    looks_at: str
    broken: str
    look: Look
    run_alone: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for an item that the page cannot list."""
        texts = (self.looks_at, self.broken)
        wrong = {
            "its number is a whole one from 1 on": not isinstance(self.number, int) or self.number < 1,
            "its name is small letters, words with a space between": not _NAME.fullmatch(str(self.name)),
            "what it looks at and its sentence stand in one row of a table": not all(
                isinstance(text, str) and text.strip() and "|" not in text and "\n" not in text for text in texts
            ),
            "its `look` cannot be called": not callable(self.look),
        }
        for what, is_so in wrong.items():
            if is_so:
                raise ValueError(f"item {self.name!r} of the pre-check: {what}")


@dataclass(frozen=True, slots=True)
class LoadItem(PrecheckItem):
    """An item that every plan needs, one for one's own service as well."""

    look: LookAtLoad


def checked(good: bool, says: str, subject: str = "", otherwise: State = "refused") -> Checked:
    """Good, or `otherwise`."""
    return Checked("good" if good else otherwise, says, subject)


def not_evaluated(says: str, subject: str = "") -> Checked:
    """Nothing was looked at, and why."""
    return Checked("not_evaluated", says, subject)
