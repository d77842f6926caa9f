"""The project's files by id: faults and drills, each with its file and lines. One id in two files is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from plans.models.alerts import alerts
from plans.models.document import Document, read_model
from plans.models.drill import Drill, When
from plans.models.errors import PlanError, Problem, closest
from plans.models.fault import Fault
from plans.models.home import HOME
from plans.models.ids import SUFFIXES, beside, look_up, twins
from plans.models.load import LoadedPlan, load_plan
from plans.models.partial import Loc

M = TypeVar("M", Fault, Drill)


@dataclass(frozen=True, slots=True)
class Read(Generic[M]):
    """A model, and the file it came from."""

    model: M
    file: Path
    document: Document


@dataclass(frozen=True, slots=True)
class LoadedDrill:
    """A drill with everything it names. `faults` is empty and `load` None for trials."""

    drill: Drill
    file: Path
    faults: tuple[Fault, ...]
    """In the order of `drill.whens`."""
    load: LoadedPlan | None

    @property
    def fault(self) -> Fault | None:
        """The first one."""
        return self.faults[0] if self.faults else None

    @property
    def timed(self) -> tuple[tuple[When, Fault], ...]:
        """Each fault, and when it is put to what."""
        return tuple(zip(self.drill.whens, self.faults, strict=True))


def fault_files(home: Path = HOME, more: Sequence[Path] = ()) -> list[Path]:
    """Folders of faults: the library's, and one's own."""
    return _files((home / "faults", *more))


def drill_files(home: Path = HOME, more: Sequence[Path] = ()) -> list[Path]:
    """Folders of drills: the library's, and one's own."""
    return _files((home / "drills", *more))


def _files(folders: Iterable[Path]) -> list[Path]:
    return [file for folder in folders for file in sorted(each for each in folder.glob("*") if each.suffix in SUFFIXES)]


def read_all(files: Iterable[Path], model: type[M]) -> dict[str, Read[M]]:
    """Every file by the id in it. Raises PlanError with every problem of all of them, ids that stand twice too."""
    found, refused = survey(files, model)
    if refused:
        raise PlanError([problem for problems in refused.values() for problem in problems])
    return found


def survey(files: Iterable[Path], model: type[M]) -> tuple[dict[str, Read[M]], dict[Path, tuple[Problem, ...]]]:
    """(the usable files by the id in them, what is wrong with each of the others). Of two with one id the later is
    refused.
    """
    refused: dict[Path, tuple[Problem, ...]] = {}
    found: dict[str, Read[M]] = {}
    for file in files:
        try:
            value, document = read_model(file, model)
        except PlanError as exc:
            refused[file] = exc.problems
            continue
        if value.id in found:
            line = document.line(("id",))
            what = f"`id`: {value.id} stands in {found[value.id].file} too"
            refused[file] = (Problem(str(file), line, what, "each id in one file"),)
            continue
        found[value.id] = Read(value, file, document)
    return found, refused


def load_drill(path: Path, faults: dict[str, Fault] | None) -> LoadedDrill:
    """A drill with its faults and its stress plan; `faults` None: they cannot be read, so they are not checked.

    Raises PlanError with every problem of the files.
    """
    drill, document = read_model(path, Drill)
    problems: list[Problem] = []

    def problem(loc: tuple[int | str, ...], what: str, expected: str, near: str = "") -> None:
        problems.append(Problem(document.file, document.line(loc), what, expected, near))

    problems += twins(document.file, document.line(("id",)), drill.kind, drill.id)
    load: LoadedPlan | None = None
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
    if load and load.plan.climb is not None:
        problem(("plan",), f"`plan`: {load.plan.id} is a climb", "a load that is the same in every arm")
    known = [_check_when(when, loc, faults, load, problem) for loc, when in _whens(drill)]
    if drill.expect.alert and drill.expect.alert.name not in (rules := alerts().expressions):
        name = drill.expect.alert.name
        near = closest(name, rules)
        problem(("expect", "alert", "name"), f"`expect.alert.name`: no alert {name}", "one of dashboards/rules", near)
    if problems:
        raise PlanError(problems)
    return LoadedDrill(drill, path, tuple(fault for fault in known if fault is not None), load)


def _whens(drill: Drill) -> list[tuple[Loc, When]]:
    """Each fault of a drill, and where in the file it stands."""
    if drill.fault is not None:
        return [(("fault",), drill.fault)]
    return [(("faults", number), when) for number, when in enumerate(drill.faults or ())]


def _check_when(
    when: When, loc: Loc, faults: dict[str, Fault] | None, load: LoadedPlan | None, problem: Callable[..., None]
) -> Fault | None:
    """The fault that is meant; problems are passed to `problem`."""
    key = "fault" if loc == ("fault",) else f"faults[{int(loc[-1]) + 1}]"
    if load and when.at + when.length > load.plan.warm_up.duration + load.plan.measured_s:
        problem((*loc, "at"), f"`{key}` ends after the load", "`at` + `for` within the plan's steps")
    fault = None if faults is None else faults.get(when.id)
    if fault is None:
        if faults is not None:
            known = ", ".join(faults)
            problem((*loc, "id"), f"`{key}.id`: no fault {when.id}", f"one of {known}", closest(when.id, faults))
        return None
    if when.target not in fault.targets:
        what, near = f"`{key}.target`: {fault.id} is not aimed at {when.target}", closest(when.target, fault.targets)
        problem((*loc, "target"), what, "one of " + ", ".join(fault.targets), near)
    if when.length >= fault.expires:
        what = f"`{key}.for` is longer than {fault.id} may last"
        problem((*loc, "for"), what, f"less than {fault.expires:g}s")
    return fault


def find_drill(name: str, home: Path = HOME, more: Sequence[Path] = ()) -> Path:
    """A drill's file by path or by id. Raises PlanError with the ids that exist."""
    return look_up(name, drill_files(home, more), "drill")
