"""The fault files, read with the specs of all kinds and probes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from chaos.faults import kinds
from chaos.needs import NEEDS
from chaos.probes import probes
from plans.models import library
from plans.models.document import read_model
from plans.models.errors import PlanError, Problem
from plans.models.fault import Fault, fault_model
from plans.models.home import HOME
from plans.models.library import Read


@cache
def fault() -> type[Fault]:
    """A fault file, read with all kinds. Raises PlanError for a kind that stands twice."""
    specs = [kind.Spec for kind in kinds().values()]
    return fault_model(specs, [probe.Spec for probe in probes().values()], NEEDS)


def read_faults(files: Iterable[Path]) -> dict[str, Read[Fault]]:
    """These files by id. Raises PlanError with every problem of all of them."""
    return library.read_all(files, fault())


def load_faults(home: Path = HOME, more: Sequence[Path] = ()) -> dict[str, Fault]:
    """Every fault of the library, and of further folders, by id. Raises PlanError."""
    return {name: read.model for name, read in read_faults(library.fault_files(home, more)).items()}


def survey_faults(more: Sequence[Path] = ()) -> tuple[dict[str, Fault], dict[Path, tuple[Problem, ...]]]:
    """(the usable faults by id, what is wrong with each other file). Raises PlanError for a kind that stands twice."""
    found, refused = library.survey(library.fault_files(more=more), fault())
    return {name: read.model for name, read in found.items()}, refused


def fault_problems(files: Sequence[Path], more: Sequence[Path] = ()) -> list[Problem]:
    """What is wrong with these files, each as if it stood beside the library's and those of the folders `more`."""
    problems: list[Problem] = []
    taken = {name: read.file for name, read in read_faults(library.fault_files(more=more)).items()}
    for file in files:
        try:
            one, document = read_model(file, fault())
        except PlanError as exc:
            problems += exc.problems
            continue
        other = taken.setdefault(one.id, file)
        if other.resolve() != file.resolve():
            what = f"`id`: {one.id} stands in {other} too"
            problems.append(Problem(str(file), document.line(("id",)), what, "each id in one file"))
    return problems
