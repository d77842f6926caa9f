"""A stress plan for one's own service: where the requests go and how many, by intended time. No forecast of an event,
no round, no money: a plan with a `target` is of this kind.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from plans.models.document import Document, problem_of, read_partly
from plans.models.errors import PlanError
from plans.models.filling import PLACE
from plans.models.forecast import Id, Words
from plans.models.ids import claimed_keys, twins
from plans.models.partial import Contradiction, PlanModel, Unknown, check, once
from plans.models.quantity import Count, Duration, Rate, Share
from plans.models.steps import Constant, OwnClimb, Ramp, Replay, Segment, Spike, Stairs
from plans.models.stop_journeys import contradictions
from plans.models.stop_sentence import as_rule
from plans.models.stress import WORKERS_MAX, Format, Purpose, StopAboveShare, StopAboveTime, WarmUp
from plans.models.target_service import LocustTarget, Target, Url, UrlTarget
from plans.signals import SIGNALS

if TYPE_CHECKING:
    OwnShare: TypeAlias = str
    OwnTime: TypeAlias = str
else:  # the generator's own: nobody reads a credit worker here
    OwnShare = Literal[tuple(name for name, one in SIGNALS.items() if one.unit == "share" and not one.needs)]
    OwnTime = Literal[tuple(name for name, one in SIGNALS.items() if one.unit == "time" and not one.needs)]

INDICATORS = (
    *("offered_rps", "answered_rps", "error_share", "response_p50_ms", "response_p95_ms", "response_p99_ms"),
    *("service_p50_ms", "service_p95_ms", "service_p99_ms"),
)
"""What the generator measures of its own."""
OF_A_REQUEST = INDICATORS[2:]
"""What it measures of each request or task, too."""


def _titled(value: Any) -> Any:
    """One text is the title in both languages."""
    return {"zh": value, "en": value} if isinstance(value, str) else value


class OwnStopShare(StopAboveShare):
    signal: OwnShare


class OwnStopTime(StopAboveTime):
    signal: OwnTime


_OwnRule = Annotated[OwnStopShare | OwnStopTime, Field(discriminator="signal")]
OwnStop = Annotated[_OwnRule, BeforeValidator(as_rule, json_schema_input_type=_OwnRule | str)]


OwnStep = Annotated[Constant | Ramp | Stairs | Spike | Replay | OwnClimb, Field(discriminator="kind")]


class OwnObjectives(PlanModel):
    """What users are promised; beyond it the run fails."""

    response_p99: Duration = Field(gt=0)
    errors: Share = Field(default=0.0, description="Of all measured requests: not answered, or not as expected.")


class Foreseen(PlanModel):
    """One indicator of the forecast, with its band: of the generator, or of one's own Prometheus."""

    indicator: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    request: Id | None = Field(default=None, description="Of this request alone; left out: of all together.")
    query: str | None = Field(default=None, min_length=1, description="PromQL, asked once at the end; `$window`.")
    low: float
    mid: float
    high: float
    unit: str = Field(default="", max_length=12)

    @check
    def _ordered(self) -> Iterator[Contradiction]:
        if not self.low <= self.mid <= self.high:
            what = f"low {self.low:g}, mid {self.mid:g}, high {self.high:g} are out of order"
            yield Contradiction(("low" if self.low > self.mid else "high",), what, "low ≤ mid ≤ high")

    @check
    def _known(self) -> Iterator[Contradiction]:
        known = INDICATORS if self.request is None else OF_A_REQUEST
        if self.query is None and self.indicator not in known:
            yield Contradiction(("indicator",), f"{self.indicator} is none of the generator's", self._expected(known))
        elif self.query is not None and self.indicator in INDICATORS:
            yield Contradiction(("indicator",), f"{self.indicator} is the generator's own", "another name for a query")
        if self.query is not None and self.request is not None:
            yield Contradiction(("request",), "a query of one request", "the query itself to say it")

    @staticmethod
    def _expected(known: tuple[str, ...]) -> str:
        return f"a `query`, or one of {', '.join(known)}"

    @property
    def name(self) -> str:
        return f"{self.indicator}_of_{self.request.replace('-', '_')}" if self.request else self.indicator


class OwnForecast(PlanModel):
    """What is expected of the run, locked before its first request and judged after it."""

    prometheus: Url | None = None
    indicators: tuple[Foreseen, ...] = Field(min_length=1)

    @check
    def _once(self) -> Iterator[Contradiction]:
        yield from once("indicators", "indicator", [one.name for one in self.indicators])

    @check
    def _somebody_is_asked(self) -> Iterator[Contradiction]:
        for number, one in enumerate(self.indicators):
            if one.query is not None and self.prometheus is None:
                yield Contradiction(("indicators", number, "query"), "nobody to ask", "`prometheus:` with its address")
                return


class OwnDrain(PlanModel):
    """After the last intended request: how long answers are waited for."""

    answers: Annotated[Duration, Field(gt=0)] = 6.0


class ClosedLoop(PlanModel):
    """Plain Locust beside the schedule, in the same seconds, at the same service: so many users, each of whom sends his
    next request when the one before is answered. Its figures stand beside those of the schedule.
    """

    users: Annotated[Count, Field(ge=1, le=1_000)] = Field(description="All together, they want the plan's rate.")


class ServicePlan(PlanModel):
    """The whole file."""

    kind: Literal["stress"]
    format: Format = Field(default=1, description="Version of this file's format; left out: the first.")
    id: Id
    title: Annotated[Words, BeforeValidator(_titled, json_schema_input_type=str | Words)]
    about: str = ""
    purpose: Purpose | None = Field(default=None, description="Each plan of the project has one.")
    target: Target
    rate: Rate = Field(gt=0, description="Requests (or tasks) a second at the peak, 100% of the steps.")
    seed: int = Field(default=1, ge=0, lt=1 << 63)
    workers: Annotated[int, Field(ge=1, le=WORKERS_MAX, description="Locust workers that share the load.")] = 1
    closed_loop: ClosedLoop | None = None
    warm_up: WarmUp = WarmUp.model_construct(duration=2.0, share=1.0)
    steps: tuple[OwnStep, ...] = Field(min_length=1)
    stop: tuple[OwnStop, ...] = Field(
        default=(OwnStopShare.model_construct(signal="error_share", above=0.5, window=5.0, min_samples=100),),
        min_length=1,
        description="Left out: more than half of the requests are errors over 5 s.",
    )
    drain: OwnDrain = OwnDrain.model_construct(answers=6.0)
    objectives: OwnObjectives
    forecast: OwnForecast | None = None

    @check
    def _peak(self) -> Iterator[Contradiction]:
        if max(step.top() for step in self.steps) < 1 - 1e-9:
            yield Contradiction(("steps",), "no step reaches the peak", "one with a share of 100%")

    @check
    def _climbs_alone(self) -> Iterator[Contradiction]:
        for number, step in enumerate(self.steps):
            if isinstance(step, OwnClimb) and len(self.steps) > 1:
                yield Contradiction(("steps", number), "a climb among other steps", "a climb alone, or none")

    @check
    def _requests_of_the_forecast(self) -> Iterator[Contradiction]:
        if self.forecast is None or not isinstance(self.target, UrlTarget):
            return
        names = [one.request for one in self.target.each]
        for number, one in enumerate(self.forecast.indicators):
            if one.request is not None and one.request not in names:
                where = ("forecast", "indicators", number, "request")
                yield Contradiction(where, f"no request {one.request}", f"one of {', '.join(names)}")

    @check
    def _a_connection_each(self) -> Iterator[Contradiction]:
        if isinstance(self.target, UrlTarget) and self.target.connections is not None:
            least = len(self.target.each) * self.workers
            if self.target.connections < least:
                what = f"{self.target.connections} connections for {len(self.target.each)} requests of each worker"
                yield Contradiction(("target", "connections"), what, f"at least {least}")

    @check
    def _alone(self) -> Iterator[Contradiction]:
        if isinstance(self.target, LocustTarget) and self.workers > 1:
            yield Contradiction(("workers",), "several workers of a locustfile", "1")

    @check
    def _stands_still_meanwhile(self) -> Iterator[Contradiction]:
        found = self.target.stand_in if isinstance(self.target, UrlTarget) else None
        if found is not None and found.at + found.length >= self.measured_s:
            what = f"it stands still until {found.at + found.length:g} s of {self.measured_s:g}"
            yield Contradiction(("target", "stand_in", "for"), what, "an end before the steps'")

    @check
    def _a_closed_loop_can_be_beside(self) -> Iterator[Contradiction]:
        if self.closed_loop is None:
            return
        here = ("closed_loop",)
        target = self.target
        if not isinstance(target, UrlTarget):
            yield Contradiction(here, "a closed loop beside a locustfile", "a target with a url")
        elif len(target.each) > 1 or target.login is not None or target.tls is not None:
            yield Contradiction(here, "a closed loop of several requests, a login or an own authority", "one request")
        elif target.data is not None or PLACE.search(str([target.url, *target.texts()])):
            yield Contradiction(here, "a closed loop of a request with places in it", "one request, the same each time")
        if any(not isinstance(step, Constant) or step.share != 1.0 for step in self.steps):
            yield Contradiction(here, "a closed loop beside a rate that moves", "constant steps of 100%")

    @property
    def climb(self) -> OwnClimb | None:
        """The climb, where the plan is one."""
        return next((step for step in self.steps if isinstance(step, OwnClimb)), None)

    @property
    def top(self) -> float:
        """The highest rate of all as a share of the peak: more than 1 of a climb beyond it."""
        return max(self.warm_up.share, *(step.top() for step in self.steps))

    @property
    def most_rps(self) -> float:
        """The highest rate that the service sees, of the schedule and of what is beside it."""
        return self.rate * self.top * (1 if self.closed_loop is None else 2)

    @property
    def opens_s(self) -> float:
        """It is open from the first request on."""
        return -math.inf

    @property
    def to_be_refused(self) -> int:
        """Nothing is sent to be refused."""
        return 0

    @property
    def measured_s(self) -> float:
        """Seconds of the steps; of a climb, of the longest one."""
        return sum(step.length_s() for step in self.steps)

    @property
    def length_s(self) -> float:
        """Seconds from the first intended request to the end of the plan."""
        return self.warm_up.duration + self.measured_s

    def segments(self, part: float = 1.0) -> list[Segment]:
        """Warm-up (phase 0) and steps (phase 1), of so large a part of the rate."""
        out: list[Segment] = []
        if self.warm_up.duration:
            rate = self.warm_up.share * self.rate * part
            out.append({"kind": "constant", "rate_rps": rate, "duration_s": self.warm_up.duration, "phase": 0})
        for step in self.steps:
            out += step.segments(self.rate * part, 1.0)
        return out


@dataclass(frozen=True, slots=True)
class LoadedService:
    """A plan for one's own service, and where it came from."""

    plan: ServicePlan
    plan_file: Path
    document: Document | None = field(default=None, compare=False, repr=False)
    """Its lines; None of a plan that was made by hand."""


def is_service(path: Path) -> bool:
    """Is the file a plan for one's own service, whatever else is wrong with it? It has a `target`."""
    return "target" in claimed_keys(path)


def load_service(path: Path) -> LoadedService:
    """Raises PlanError with every problem."""
    plan, document, problems = read_partly(path, ServicePlan)
    kind, ident = document.data.get("kind"), document.data.get("id")
    if plan is not None:
        with suppress(Unknown):
            of = plan.target
            names = [one.request for one in of.each] if isinstance(of, UrlTarget) else None
            problems += [problem_of(document, found) for found in contradictions(plan.stop, names)]
    if kind and ident:
        problems += twins(document.file, document.line(("id",)), str(kind), str(ident))
    if problems or plan is None:
        raise PlanError(problems)
    return LoadedService(plan, path, document)
