"""Models of a programme: rounds in their order, each armed ahead of its time by control. Extra keys are refused."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from system.contract.api import Model, RoundOrder, SponsorSplit
from system.contract.fields import Name, Whole
from system.contract.ids import Lane

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
ROUNDS_MAX = 100
ARM_AHEAD_MS_MAX = 86_400_000
CLOCK_UNCERTAIN_US_MAX = 50_000
"""A front whose offset to control's clock is less certain gets no packets of a programme's round."""

ProgrammeState = Literal["announced", "armed", "open", "sold_out", "closing", "closed", "missed"]
"""`announced`: the commitment is public, the round is not made yet. `missed`: it could not be made before its end."""


class ProgrammeItem(Model):
    """A round of a programme. `closes`: at its end, or already when its last packet is won and paid."""

    name: Slug
    title: Name
    closes: Literal["end", "sold_out"] = "sold_out"
    arm_ahead_ms: int = Field(ge=0, le=ARM_AHEAD_MS_MAX)
    order: RoundOrder


class TiesForecast(Model):
    """Pairs of users, at the programme's scale: forecast for the evening, and what the evening of 2016 gained."""

    expected: Whole
    gained: Whole


class ProgrammeOrder(Model):
    """Body of `POST /v1/programmes`: rounds one after the other, each with its `start_us`, all of one lane. `ties`:
    shown beside what the lane gains (`GET /v1/relations/growth`).
    """

    programme: Slug
    lane: Lane = "live"
    rounds: tuple[ProgrammeItem, ...] = Field(min_length=1, max_length=ROUNDS_MAX)
    ties: TiesForecast | None = None

    @model_validator(mode="after")
    def _one_after_the_other(self) -> Self:
        names, before_us = set[str](), 0
        for item in self.rounds:
            start_us = item.order.start_us
            if start_us is None:
                raise ValueError(f"round {item.name} has no start_us; a programme's rounds start at a time")
            if item.order.lane != self.lane:
                raise ValueError(f"round {item.name} is of lane {item.order.lane}, the programme of {self.lane}")
            if item.name in names:
                raise ValueError(f"round {item.name} stands twice")
            if start_us < before_us:
                raise ValueError(f"round {item.name} starts before the one before it ends")
            names.add(item.name)
            before_us = start_us + item.order.duration_ms * 1000
        return self


class ClockReading(Model):
    """What a front knows of control's clock: its own wall clock's offset, and by how much that may be wrong."""

    offset_us: int = Field(gt=-(1 << 62), lt=1 << 62)
    uncertain_us: Whole

    @classmethod
    def parse(cls, text: str) -> ClockReading:
        """`OFFSET~UNCERTAIN`, as a front sends it. Raises ValueError."""
        offset, _, uncertain = text.partition("~")
        return cls(offset_us=int(offset), uncertain_us=int(uncertain))

    def __str__(self) -> str:
        return f"{self.offset_us}~{self.uncertain_us}"


class FrontArming(Model):
    """How far a front is with a round. `refused`: why it gets no packets of it, in words; else empty."""

    front: int
    ready: bool
    leased_packets: int
    uncertain_us: int | None
    refused: str = ""


class ProgrammeEntry(Model):
    """A round of a programme, as everybody may see it. `seed` (hex) is null until the round is closed."""

    name: str
    title: str
    round: int
    state: ProgrammeState
    start_us: int
    end_us: int
    arm_us: int
    packets: int
    budget_fen: int
    sponsors: tuple[SponsorSplit, ...]
    commitment: str
    seed: str | None
    won: int
    """Packets that are paid or set aside."""
    refunded_fen: int
    fronts: tuple[FrontArming, ...]
    waiting_for: tuple[str, ...] = ()


class ProgrammeView(Model):
    """A programme with its rounds in their order."""

    programme: str
    lane: Lane
    rounds: tuple[ProgrammeEntry, ...]


class ProgrammeList(Model):
    """Answer of `GET /v1/programmes`, the oldest first."""

    now_us: int
    programmes: tuple[ProgrammeView, ...]
