"""What `xiu plan run` and `xiu demo` ask to be carried out. Plain data, checked; starts nothing."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from harness.engine import shots
from harness.errors import BadInput
from harness.forecast.share import Share, share_of
from harness.runs import plays
from harness.runs.doors import SHUT, LocustDoors
from plans.models import LoadedPlan

if TYPE_CHECKING:
    from harness.stack import Part

Progress = Literal["auto", "plain", "none"]
NAME = re.compile(r"[\w.@+-]([\w .@+-]{0,62}[\w.@+-])?")
"""Of a person, in any alphabet, on one line."""


@dataclass(frozen=True, slots=True)
class RunOrder:
    """One run. `scale` and `duration_s` None: the forecast's scale, calibrated down if need be; the plan's own round.

    `stack`: folder of the running stack to use; `on`: control URL of a system that runs elsewhere (stress lane alone).
    """

    loaded: LoadedPlan
    runs: Path
    seed: int
    lane: Literal["live", "stress"]
    scale: Fraction | None = None
    duration_s: float | None = None
    strict: bool = False
    progress: Progress = "auto"
    stack: Path | None = None
    on: str | None = None
    keep: bool = False
    own_stack: bool = False
    """A stack of its own even where one runs (the demo)."""
    parts: tuple[Part, ...] = ()
    """More parts of a stack that is started for the run: what the command hands in."""
    season: bool = False
    """The plays beside the draw are played too, after each round, as the forecast's `season` says."""
    approved_by: str | None = None
    """Who agreed to the run, by name; the guard's allow-list may ask for it."""
    doors: LocustDoors = SHUT
    """Where its Locust is open to others."""
    begun_s: float = field(default_factory=time.time)
    """When it was ordered, Unix time: a stop button pressed later stops the run, whatever has been started by then."""

    @property
    def calibrates(self) -> bool:
        """With a scale given there is neither calibration nor repeat."""
        return self.scale is None

    def share(self, part: Fraction = Fraction(1)) -> Share:
        """What is played; `part` of the scale where the machine carries less."""
        scale = (self.scale or self.loaded.forecast.scale) * part
        return share_of(self.loaded.forecast, self.loaded.plan, scale, self.duration_s)


def approver(name: object) -> None:
    """Raises BadInput for what is no name of a person; None is nobody."""
    if name is not None and not NAME.fullmatch(str(name)):
        raise BadInput(f"--approved-by {name!r} is not a name", expected="1 to 64 letters, digits and . _ @ + -")


SHORT_S, SHORT_PART = 15.0, 5
"""A round of a short form lasts so long at most, with this part of the people."""


def short_form(loaded: LoadedPlan) -> tuple[Fraction, float | None]:
    """Scale and seconds of a plan's round in short form: to see that it runs, not what the system carries. A climb
    needs its time: it has fewer people alone.
    """
    lasts_s = loaded.plan.round.duration
    if loaded.plan.climb is not None:
        return loaded.forecast.scale / SHORT_PART, None
    if lasts_s <= SHORT_S:
        return loaded.forecast.scale, None
    margin_s = lasts_s - loaded.plan.measured_s
    return loaded.forecast.scale / SHORT_PART, max(SHORT_S, margin_s + 1)


def order_of(loaded: LoadedPlan, runs: Path, seed: int | None = None, **options: object) -> RunOrder:
    """An order for a plan; the plan's own seed and lane unless others are given. Raises BadInput for a seed, a
    name or a shot.
    """
    if seed is not None and not 0 <= seed < 1 << 63:
        raise BadInput(f"--seed {seed}", expected="0 to 2^63 - 1")
    approver(options.get("approved_by"))
    for journey in loaded.plan.traffic:
        shots.find(journey.shot)  # before anything is started
    plays.check(loaded)
    if options.get("on") and plays.has_public(loaded.plan):
        what = f"{loaded.plan.id} has a journey of the public"
        raise BadInput(f"--on with {what}", expected="a plan of the stress lane alone: the public there is its own")
    doors = options.get("doors")
    if isinstance(doors, LocustDoors) and doors.workers is not None and len(loaded.plan.rounds) > 1:
        raise BadInput(
            f"--workers-at with {loaded.plan.id}, a plan of {len(loaded.plan.rounds)} rounds",
            expected="a plan of one round: a worker joins for one",
        )
    own = RunOrder(loaded, runs, loaded.plan.seed if seed is None else seed, loaded.plan.lane)
    seeded = loaded if seed is None else replace(loaded, plan=loaded.plan.model_copy(update={"seed": seed}))
    return replace(own, loaded=seeded, **options)  # type: ignore[arg-type]
