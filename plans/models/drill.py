"""A drill: faults in a system under load, on one seed with and without them. A drill that judges nothing is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, field_validator

from plans.models.fault import FaultId, check_target
from plans.models.forecast import Id, Words
from plans.models.ids import FileName
from plans.models.partial import Contradiction, PlanModel, check
from plans.models.quantity import Duration, Scale

Harm = Literal["answered_rps", "refused_share", "response_p99_ms", "errors", "pool_lasts_s", "drain_s",
               "credit_delay_p99_s", "wins", "sponsors"]  # fmt: skip
"""Indicators that a fault may worsen. `wins` and `sponsors`: packets of abandoned leases stay unsold, never oversold.
No invariant can be named: a fault may never change money that was promised.
"""


class When(PlanModel):
    """Which fault, on what, and when, in seconds from the first intended tap."""

    id: FaultId
    target: str
    at: Duration
    length: Duration = Field(alias="for")

    def overlaps(self, other: When) -> bool:
        """Do both last at some moment?"""
        return self.at < other.at + other.length and other.at < self.at + self.length

    @field_validator("target")
    @classmethod
    def _target(cls, target: str) -> str:
        return check_target(target)


class AlertWithin(PlanModel):
    """An alert that must fire within this time after the effect was seen (L7); not judged without Prometheus."""

    name: str = Field(pattern=r"^[A-Z][A-Za-z0-9]+$")
    within: Duration = Field(gt=0)


class Expect(PlanModel):
    """What the system must do about the fault, beside keeping every invariant."""

    recovers_within: Duration | None = Field(default=None, description="From the heal to the heal probe (L4).")
    drains_within: Duration | None = Field(default=None, description="From the heal to an empty backlog (L5).")
    alert: AlertWithin | None = None
    harms: tuple[Harm, ...] = ()


class Trials(PlanModel):
    """Many kills at random moments instead of one fault (`chaos/trials/loop.py`)."""

    kind: Literal["kill9"]
    count: int = Field(default=30, ge=1, le=100_000)


class Drill(PlanModel):
    """The whole file: a fault or several with a stress plan, or trials."""

    kind: Literal["drill"]
    id: Id
    title: Words
    about: str = ""
    plan: FileName | None = Field(default=None, description="The stress plan's file, relative to this one.")
    scale: Scale | None = Field(default=None, description="Share of the plan's event; its forecast's own if left out.")
    seed: int | None = Field(default=None, ge=0, lt=1 << 63)
    fault: When | None = None
    faults: tuple[When, ...] | None = Field(
        default=None, min_length=1, description="Several: together, one after the other, overlapping."
    )
    expect: Expect = Expect()
    trials: Trials | None = None
    destroy: str | None = Field(
        default=None, description="The exact URL of an external part that this drill may damage; nobody else's."
    )

    @check
    def _one_way(self) -> Iterator[Contradiction]:
        given = [key for key in ("fault", "faults", "trials") if getattr(self, key) is not None]
        if len(given) != 1:
            yield Contradiction((given[-1],) if given else (), "`fault`, `faults` and `trials`", "exactly one of them")

    @check
    def _loaded(self) -> Iterator[Contradiction]:
        if (self.fault is not None or self.faults is not None) and self.plan is None:
            yield Contradiction((), "`plan` is missing", "the stress plan that is the load")

    @check
    def _apart(self) -> Iterator[Contradiction]:
        for number, when in enumerate(self.faults or ()):
            for other in (self.faults or ())[:number]:
                if when.target == other.target and when.overlaps(other):
                    what = f"{other.id} and {when.id} on {when.target} at the same time"
                    expected = "one after the other, or one fault that does both"
                    yield Contradiction(("faults", number, "at"), what, expected)

    @property
    def whens(self) -> tuple[When, ...]:
        """Every fault of it."""
        return self.faults or ((self.fault,) if self.fault else ())
