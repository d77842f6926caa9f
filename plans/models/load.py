"""Loads a stress plan with its forecast. A pair that does not fit is refused with every reason."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from plans.models.document import Document, problem_of, read_partly
from plans.models.errors import PlanError, Problem, closest
from plans.models.forecast import DurationRange, Forecast
from plans.models.home import HOME
from plans.models.ids import beside, look_up, nameable, twins
from plans.models.journey import JourneyFile
from plans.models.partial import Contradiction, Unknown
from plans.models.stop_journeys import contradictions as stop_contradictions
from plans.models.stress import StressPlan
from plans.models.traffic import Journey, named_well


@dataclass(frozen=True, slots=True)
class LoadedPlan:
    """A plan, its forecast, and where both came from."""

    plan: StressPlan
    forecast: Forecast
    plan_file: Path
    forecast_file: Path


def stress_files() -> list[Path]:
    return sorted((HOME / "stress").glob("*.yaml"))


def journey_files() -> list[Path]:
    return sorted((HOME / "journeys").glob("*.yaml"))


def forecast_files() -> list[Path]:
    return sorted((HOME / "forecasts").glob("*.yaml"))


def find(name: str, folder: str) -> Path:
    """A file by path or by id (`gala-share`). Raises PlanError with the ids that exist."""
    return look_up(name, sorted((HOME / folder).glob("*.yaml")), "file or id")


def load_forecast(path: Path) -> Forecast:
    """Raises PlanError with every problem."""
    value, document, problems = read_partly(path, Forecast)
    problems += _twins(document)
    if problems or value is None:
        raise PlanError(problems)
    return value


def load_plan(path: Path, shots: Collection[str] | None = None) -> LoadedPlan:
    """A plan with its forecast. `shots`: the kinds of request that exist; None: not known, so not checked.

    Raises PlanError with every problem of both files, and of the two together.
    """
    plan, document, problems = read_partly(path, StressPlan)
    problems += _twins(document)
    forecast, forecast_file = None, beside(path, _forecast_named(document))
    if not forecast_file.is_file() and not any(problem.line == document.line(("forecast",)) for problem in problems):
        problems.append(_no_forecast(document, forecast_file))
    elif forecast_file.is_file():
        try:
            forecast, other, more = read_partly(forecast_file, Forecast)
            problems += [*more, *_twins(other)]
        except PlanError as exc:
            problems += exc.problems
    if plan:
        plan = _with_journeys(path, document, plan, forecast, problems)
    if plan:
        with suppress(Unknown):
            names = [plan.taps.name, *(one.name for one in plan.beside)]
            problems += [problem_of(document, found) for found in stop_contradictions(plan.stop, names)]
    if plan and shots is not None:
        problems += _unknown_shots(document, plan, shots)
    if plan and forecast:
        with suppress(Unknown):
            plan = _released(plan, forecast)
        problems += [problem_of(document, found) for found in _together(plan, forecast)]
    if problems or plan is None or forecast is None:
        raise PlanError(problems)
    return LoadedPlan(plan, forecast, path, forecast_file.resolve())


def load_journey(path: Path) -> JourneyFile:
    """Raises PlanError with every problem."""
    value, document, problems = read_partly(path, JourneyFile)
    problems += _twins(document)
    if problems or value is None:
        raise PlanError(problems)
    return value


def _with_journeys(
    path: Path, document: Document, plan: StressPlan, forecast: Forecast | None, problems: list[Problem]
) -> StressPlan:
    """The plan with the rows of the journeys that it names, each with its rate; what is wrong joins `problems`."""
    rows: list[Journey] = []
    with suppress(Unknown):
        rows += plan.traffic
        for number, name in enumerate(plan.journeys):
            loc, file = ("journeys", number), beside(path, name)
            if not file.is_file():
                near = closest(file.name, [other.name for other in file.parent.glob("*.y*ml")])
                what, line = f"`journeys`: {file}: no such file", document.line(loc)
                problems.append(Problem(document.file, line, what, "a file relative to this one", near))
                continue
            try:
                more = load_journey(file).rows
            except PlanError as exc:
                problems += exc.problems
                continue
            before = len(rows)
            rows += more
            for found in named_well(rows):
                if int(found.loc[1]) >= before:
                    problems.append(problem_of(document, found._replace(loc=loc)))
        if forecast is not None:
            try:
                rows = [row.rated(forecast) for row in rows]
            except ValueError as exc:
                problems.append(problem_of(document, Contradiction(("forecast",), str(exc), "`season:` in it")))
    return plan.model_copy(update={"traffic": tuple(rows)}) if rows else plan


def _unknown_shots(document: Document, plan: StressPlan, shots: Collection[str]) -> list[Problem]:
    found: list[Problem] = []
    with suppress(Unknown):
        for number, journey in enumerate(plan.traffic):
            if journey.shot not in shots:
                line, expected = document.line(("traffic", number, "shot")), f"one of {', '.join(sorted(shots))}"
                near = closest(journey.shot, sorted(shots))
                found.append(Problem(document.file, line, f"no shot `{journey.shot}`", expected, near))
    return found


def _twins(document: Document) -> list[Problem]:
    kind, ident = document.data.get("kind"), document.data.get("id")
    return twins(document.file, document.line(("id",)), str(kind), str(ident)) if kind and ident else []


def _forecast_named(document: Document) -> str:
    """The forecast that even a broken plan names, so that its problems are reported in the same go."""
    named = document.data.get("forecast")
    with suppress(ValueError):
        return nameable(named) if isinstance(named, str) else ""
    return ""


def _no_forecast(document: Document, missing: Path) -> Problem:
    """Reported at the line that names it."""
    near = closest(missing.name, [file.name for file in missing.parent.glob("*.y*ml")])
    what = f"`forecast`: {missing}: no such file"
    return Problem(document.file, document.line(("forecast",)), what, "a file relative to this one", near)


def _together(plan: StressPlan, forecast: Forecast) -> Iterator[Contradiction]:
    """The contradictions between a plan and its forecast, as far as both could be read."""
    for compare in (_response, _delay, _duration, _release):
        with suppress(Unknown):
            yield from compare(plan, forecast)


def _response(plan: StressPlan, forecast: Forecast) -> Iterator[Contradiction]:
    believed = forecast.inputs.response_p99
    yield from _promised("response_p99", plan.objectives.response_p99, believed, lambda time: f"{time * 1000:g}ms")


def _delay(plan: StressPlan, forecast: Forecast) -> Iterator[Contradiction]:
    believed = forecast.inputs.credit_delay_p99
    yield from _promised("credit_delay_p99", plan.objectives.credit_delay_p99, believed, lambda time: f"{time:g}s")


def _promised(
    name: str, promised: float, believed: DurationRange, text: Callable[[float], str]
) -> Iterator[Contradiction]:
    """A promise lies between what is expected and the worst that is believed possible."""
    if promised < believed.mid:
        at_least = f"at least what the forecast expects, {text(believed.mid)}"
        yield Contradiction(("objectives", name), "already lost", at_least)
    if promised > believed.high:
        at_most = f"at most the forecast's `high` of it, {text(believed.high)}"
        yield Contradiction(("objectives", name), "cannot be broken", at_most)


def _duration(plan: StressPlan, forecast: Forecast) -> Iterator[Contradiction]:
    here, there = plan.round.duration, forecast.round.short
    if abs(here - there) > 1e-9:
        what = f"{here:g}s, but the forecast's round here is {there:g}s"
        yield Contradiction(("round", "duration"), what, "the same in both")


def _released(plan: StressPlan, forecast: Forecast) -> StressPlan:
    """A plan that does not say over which part of the round packets are released means what the forecast expects."""
    if "release" in plan.round.model_fields_set or not forecast.inputs.pool_share.mid:
        return plan
    release = {"release": forecast.inputs.pool_share.mid}
    return plan.model_copy(update={"round": plan.round.model_copy(update=release)})


def _release(plan: StressPlan, forecast: Forecast) -> Iterator[Contradiction]:
    if plan.round.release > forecast.inputs.pool_share.high + 1e-9:
        yield Contradiction(("round", "release"), "lasts longer than the forecast's pool_share", "at most its high")
