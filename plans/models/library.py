"""The kit's files by id: faults and drills, each with its file and lines. Refuses one id in two files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from plans.models.alerts import alerts
from plans.models.document import Document, read_model
from plans.models.drill import Drill
from plans.models.errors import PlanError, Problem, closest
from plans.models.fault import Fault
from plans.models.ids import beside, look_up, twins
from plans.models.load import HOME, Loaded, load_plan

M = TypeVar("M", Fault, Drill)


@dataclass(frozen=True, slots=True)
class Read(Generic[M]):
    """A model, and where it came from."""

    model: M
    file: Path
    document: Document


@dataclass(frozen=True, slots=True)
class LoadedDrill:
    """A drill with everything it names. `fault` and `load` are None for trials."""

    drill: Drill
    file: Path
    fault: Fault | None
    load: Loaded | None


def fault_files(home: Path = HOME) -> list[Path]:
    return sorted((home / "faults").glob("*.yaml"))


def drill_files(home: Path = HOME) -> list[Path]:
    return sorted((home / "drills").glob("*.yaml"))


def read_all(files: Iterable[Path], model: type[M]) -> dict[str, Read[M]]:
    """Every file by the id in it. Raises PlanError with every problem of all of them, ids that stand twice too."""
    problems: list[Problem] = []
    found: dict[str, Read[M]] = {}
    for file in files:
        try:
            value, document = read_model(file, model)
        except PlanError as exc:
            problems += exc.problems
            continue
        if value.id in found:
            line = document.line(("id",))
            what = f"`id`: {value.id} stands in {found[value.id].file} too"
            problems.append(Problem(str(file), line, what, "each id in one file"))
            continue
        found[value.id] = Read(value, file, document)
    if problems:
        raise PlanError(problems)
    return found


def load_faults(home: Path = HOME) -> dict[str, Fault]:
    """Every fault of the library by id. Raises PlanError."""
    return {name: read.model for name, read in read_all(fault_files(home), Fault).items()}


def load_drill(path: Path, faults: dict[str, Fault] | None) -> LoadedDrill:
    """A drill with its fault and its stress plan; `faults` None: they cannot be read, so nothing is said of them.

    Raises PlanError with every problem of the files.
    """
    drill, document = read_model(path, Drill)
    problems: list[Problem] = []

    def problem(loc: tuple[int | str, ...], what: str, expected: str, near: str = "") -> None:
        problems.append(Problem(document.file, document.line(loc), what, expected, near))

    problems += twins(document.file, document.line(("id",)), drill.kind, drill.id)
    load: Loaded | None = None
    if drill.plan is not None:
        file = beside(path, drill.plan)
        if file.is_file():
            try:
                load = load_plan(file)
            except PlanError as exc:
                problems += exc.problems
        else:
            near = closest(file.name, [each.name for each in file.parent.glob("*.y*ml")])
            problem(("plan",), f"`plan`: {file}: no such file", "a file relative to this one", near)
    fault: Fault | None = None
    if drill.fault is not None and faults is not None:
        fault = faults.get(drill.fault.id)
        if fault is None:
            near = closest(drill.fault.id, faults)
            problem(("fault", "id"), f"`fault.id`: no fault {drill.fault.id}", "one of " + ", ".join(faults), near)
        elif drill.fault.target not in fault.targets:
            near = closest(drill.fault.target, fault.targets)
            what = f"`fault.target`: {fault.id} is not aimed at {drill.fault.target}"
            problem(("fault", "target"), what, "one of " + ", ".join(fault.targets), near)
    if drill.fault and load and drill.fault.at + drill.fault.length > load.plan.warm_up.duration + load.plan.measured_s:
        problem(("fault", "at"), "`fault` ends after the load", "`at` + `for` within the plan's steps")
    if drill.fault and fault and drill.fault.length >= fault.expires:
        problem(("fault", "for"), f"`fault.for` is longer than {fault.id} may last", f"less than {fault.expires:g}s")
    if drill.expect.alert and drill.expect.alert.name not in (known := alerts().expressions):
        name = drill.expect.alert.name
        near = closest(name, known)
        problem(("expect", "alert", "name"), f"`expect.alert.name`: no alert {name}", "one of dashboards/rules", near)
    if problems:
        raise PlanError(problems)
    return LoadedDrill(drill, path, fault, load)


def find_drill(name: str, home: Path = HOME) -> Path:
    """A drill's file by path or by id. Raises PlanError with what there is."""
    return look_up(name, drill_files(home), "drill")
