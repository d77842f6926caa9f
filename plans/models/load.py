"""Loading: a stress plan with its forecast. Refuses a pair that does not fit, with every reason."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from plans.models.document import Document, Loc, read_model
from plans.models.errors import PlanError, Problem, closest
from plans.models.forecast import Forecast
from plans.models.stress import StressPlan

HOME = Path(__file__).resolve().parent.parent
"""The folder `plans/`: an id is looked up in its sub-folders."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A plan, its forecast, and where both came from."""

    plan: StressPlan
    forecast: Forecast
    plan_file: Path
    forecast_file: Path


def stress_files() -> list[Path]:
    return sorted((HOME / "stress").glob("*.yaml"))


def forecast_files() -> list[Path]:
    return sorted((HOME / "forecasts").glob("*.yaml"))


def find(name: str, folder: str) -> Path:
    """A file by path or by id (`gala-share`). Raises PlanError with what there is."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.exists():
        return path
    known = {file.stem: file for file in sorted((HOME / folder).glob("*.yaml"))}
    if name in known:
        return known[name]
    expected = "a file, or one of " + ", ".join(known)
    raise PlanError([Problem(name, 0, "no such file or id", expected, closest(name, known))])


def load_forecast(path: Path) -> Forecast:
    """Raises PlanError with every problem."""
    return read_model(path, Forecast)[0]


def load_plan(path: Path) -> Loaded:
    """A plan with its forecast. Raises PlanError with every problem of both files."""
    problems: list[Problem] = []
    forecast: Forecast | None = None
    plan, document = None, None
    try:
        plan, document = read_model(path, StressPlan)
        named = plan.forecast
    except PlanError as exc:
        problems += exc.problems
        named = _forecast_named(path)
    forecast_file = Path(os.path.normpath(path.parent / named))
    if named and not forecast_file.is_file():
        problems.append(_no_forecast(path, document, forecast_file))
    elif named:
        try:
            forecast = load_forecast(forecast_file)
        except PlanError as exc:
            problems += exc.problems
    if plan and document and forecast:
        problems += _together(plan, forecast, document)
    if problems or plan is None or forecast is None:
        raise PlanError(problems)
    return Loaded(plan, forecast, path, forecast_file.resolve())


def _no_forecast(path: Path, document: Document | None, missing: Path) -> Problem:
    """Told at the line that names it."""
    if document is None:
        document = Document(str(path), path.read_text(encoding="utf-8"))
    near = closest(missing.name, [file.name for file in missing.parent.glob("*.y*ml")])
    what = f"`forecast`: {missing}: no such file"
    return Problem(str(path), document.line(("forecast",)), what, "a file relative to this one", near)


def _forecast_named(path: Path) -> str:
    """The forecast that a broken plan names, so that its problems are told in the same go."""
    try:
        data = Document(str(path), path.read_text(encoding="utf-8")).data
    except (PlanError, OSError, UnicodeDecodeError):
        return ""
    named = data.get("forecast")
    return named if isinstance(named, str) else ""


def _together(plan: StressPlan, forecast: Forecast, document: Document) -> list[Problem]:
    """What a plan and its forecast contradict each other in."""
    out: list[Problem] = []

    def problem(loc: Loc, what: str, expected: str) -> None:
        out.append(Problem(document.file, document.line(loc), what, expected))

    inputs, promised = forecast.inputs, plan.objectives
    if promised.response_p99 < inputs.response_p99.mid:
        expected = f"at least what the forecast expects, {inputs.response_p99.mid * 1000:g}ms"
        problem(("objectives", "response_p99"), "`objectives.response_p99` is already lost", expected)
    if promised.credit_delay_p99 < inputs.credit_delay_p99.mid:
        expected = f"at least what the forecast expects, {inputs.credit_delay_p99.mid:g}s"
        problem(("objectives", "credit_delay_p99"), "`objectives.credit_delay_p99` is already lost", expected)
    if abs(plan.round.duration - forecast.round.short) > 1e-9:
        what = f"`round.duration` is {plan.round.duration:g}s, the forecast's round here {forecast.round.short:g}s"
        problem(("round", "duration"), what, "the same in both")
    if plan.round.release > inputs.pool_share.high + 1e-9:
        problem(("round", "release"), "`round.release` lasts longer than the forecast's pool_share", "at most its high")
    return out
