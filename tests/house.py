"""The rules of the house as data, and what the code says of itself: `python -m tests.house` prints the arrows.

An arrow is an import. Arrows between packages run one way (`MAY_IMPORT`), no module stands in a circle, no room is
crowded, and the rooms of `OWN_ROOMS` are not loose beside their neighbours.
"""

from __future__ import annotations

import ast
import gc
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("system", "plans", "harness", "chaos", "dashboards", "xiu")

TOP_LEVEL = {
    *PACKAGES,
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Makefile",
    "README.md",
    "docs",
    "pyproject.toml",
    "requirements.lock",
    "setup",
    "tests",
}
TESTS = {"unit", "contract", "integration", "acceptance", "browser", "oracle", "plans", "rules", "support"}
NEVER_TRACKED = {".venv", ".tools", "runs", "var"}

MAY_IMPORT: dict[str, set[str]] = {
    "system": {"system"},
    "plans": {"system", "plans"},
    "harness": {"system", "plans", "harness"},
    "chaos": {"system", "plans", "harness", "chaos"},
    "dashboards": {"system", "plans", "dashboards"},
    "xiu": {*PACKAGES},
}
# What other packages may know of the system.
SHOWN_BY_SYSTEM = {"contract", "lottery"}
# Inside `system`: who stands on whom. Those of the last row never import each other.
SYSTEM_STOREYS = (
    {"contract", "settings", "clock", "money"},
    {"lottery"},
    {"winlog", "outside"},
    {"ledger"},
    {"front", "credit", "play", "control", "audit"},
    {"benching"},
)
# Rooms with a folder of their own: (folder, what a module beside that folder must not be called).
OWN_ROOMS = (
    ("harness/runs", re.compile(r"^harness/(run_\w+|durable)\.py$")),
    ("harness/watch", re.compile(r"^harness/(live|\w*exporter|saved_queries|prom)\.py$")),
    ("chaos/trials", re.compile(r"^chaos/trials?\w*\.py$")),
    ("system/benching", re.compile(r"^system/(?!benching/).*(bare|made|bench)\w*\.py$")),
    ("xiu", re.compile(r"^harness/(cli|commands/.*)\.py$|^harness/commands/")),
)
LOCUST_LIVES_IN = re.compile(r"^harness/(locustfile\.py|journeys/|bench/)")
MODULE_LINES_MAX, FUNCTION_LINES_MAX = 400, 70
VERB_FORMS = {
    "asked",
    "came",
    "done",
    "found",
    "given",
    "gone",
    "heard",
    "held",
    "kept",
    "left",
    "said",
    "seen",
    "shown",
    "taken",
    "told",
}
"""No class is one of these alone: a type is a noun of the field (event, report, reading, finding)."""
KINDS_BY_THEIR_WORD = {"chaos/probes/part.py:Gone"}
"""Specs that bear the word a file writes (`kind: gone`)."""


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return [name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


FILES = tracked()
SOURCES = [name for name in FILES if name.endswith(".py") and name.split("/")[0] in (*PACKAGES, "setup")]
TEST_SOURCES = [name for name in FILES if name.endswith(".py") and name.startswith("tests/")]


@cache
def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@contextmanager
def uncollected() -> Iterator[None]:
    """The garbage collector stands aside: else it looks through all trees again and again while the next one grows,
    which takes two thirds of the time.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@cache
def tree(name: str) -> ast.Module:
    with uncollected():
        return ast.parse(text(name))


@cache
def nodes(name: str) -> tuple[ast.AST, ...]:
    """Every node of a file: walked once, whoever asks. Most rules look first whether the text has their word at all."""
    with uncollected():
        return tuple(ast.walk(tree(name)))


@cache
def statements(name: str) -> tuple[ast.stmt | ast.ExceptHandler, ...]:
    """Every statement and every `except` of a file, wherever it stands, without expressions, the bulk of a tree."""
    found: list[ast.stmt | ast.ExceptHandler] = [*tree(name).body]
    for node in found:  # grows as it goes
        for room in ("body", "orelse", "finalbody", "handlers"):
            found += getattr(node, room, ())
        if isinstance(node, ast.Match):
            found += (inner for case in node.cases for inner in case.body)
    return tuple(found)


@cache
def imports(name: str) -> tuple[tuple[str, int], ...]:
    """(dotted name, line) of everything a file imports; `from a import b` counts as `a.b`."""
    return tuple(_imports(name))


def _imports(name: str) -> Iterator[tuple[str, int]]:
    for node in statements(name):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def storey(room: str) -> int | None:
    return next((k for k, rooms in enumerate(SYSTEM_STOREYS) if room in rooms), None)


def wrong_import(name: str, module: str) -> str | None:
    """Why a file may not import a module; None if it may."""
    top, *_ = name.split("/")
    root, *rest = module.split(".")
    room = rest[0] if rest else ""
    if root in ("locust", "gevent") and not LOCUST_LIVES_IN.match(name):
        return f"{root} lives in a process of its own: {LOCUST_LIVES_IN.pattern}"
    if root not in PACKAGES or top not in MAY_IMPORT:
        return None
    if root not in MAY_IMPORT[top]:
        return f"{top} may import {sorted(MAY_IMPORT[top])}"
    if top != "system" and root == "system" and room not in SHOWN_BY_SYSTEM:
        return f"other packages know {sorted(SHOWN_BY_SYSTEM)} of the system alone"
    if top == "system" and root == "system":
        mine = Path(name).parts[1].removesuffix(".py")
        here, there = storey(mine), storey(room)
        if here is not None and there is not None and mine != room and (there > here or here == there == 4):
            return f"system.{mine} stands below or beside system.{room}"
    return None


def functions(name: str) -> Iterator[tuple[str, int]]:
    """(where, lines) of every function in a file."""
    for node in statements(name):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{name}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


@cache
def modules() -> dict[str, str]:
    """Dotted name → file, of every module of the packages."""
    files = [name for name in SOURCES if name.split("/")[0] in PACKAGES]
    return {name.removesuffix(".py").replace("/", ".").removesuffix(".__init__"): name for name in files}


@cache
def arrows() -> dict[str, frozenset[str]]:
    """Module → the modules of ours that its file imports, wherever in the file."""
    known = modules()
    found = {}
    for module, name in known.items():
        names = (dotted if dotted in known else dotted.rpartition(".")[0] for dotted, _ in imports(name))
        found[module] = frozenset(names) & known.keys() - {module}
    return found


def between_packages() -> Counter[tuple[str, str]]:
    """(package, imported package) → number of imports."""
    pairs = ((module.split(".")[0], other.split(".")[0]) for module, others in arrows().items() for other in others)
    return Counter((a, b) for a, b in pairs if a != b)


def circle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """One circle of a graph, first and last the same; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as exc:
        return [str(node) for node in exc.args[1]]
    return []


def package_graph() -> dict[str, set[str]]:
    """Package → packages it imports."""
    pairs = between_packages()
    return {package: {b for a, b in pairs if a == package} for package in PACKAGES}


def loose() -> list[str]:
    """Modules that belong into a room of their own and stand outside."""
    return [name for name in FILES for _, wrong in OWN_ROOMS if wrong.search(name)]


def crowded() -> dict[str, int]:
    """Module → lines, of those that are too long."""
    lines = {name: text(name).count("\n") + 1 for name in SOURCES}
    return {name: count for name, count in lines.items() if count > MODULE_LINES_MAX}


def classes(names: Iterable[str]) -> Iterator[tuple[str, str, int]]:
    """(class, file, line) of every class at the top of a file."""
    for name in names:
        yield from ((node.name, name, node.lineno) for node in tree(name).body if isinstance(node, ast.ClassDef))


def defined_twice() -> dict[str, list[str]]:
    """Class name → the files of the packages that define it, of those that more than one does."""
    places: dict[str, list[str]] = {}
    for name, file, _ in classes(SOURCES):
        places.setdefault(name, []).append(file)
    return {name: files for name, files in places.items() if len(files) > 1}


def verbs() -> list[str]:
    """Classes that are named by a verb form alone, those of tests too."""
    return [
        f"{file}:{line}: class {name}"
        for name, file, line in classes([*SOURCES, *TEST_SOURCES])
        if name.strip("_").lower() in VERB_FORMS and f"{file}:{name}" not in KINDS_BY_THEIR_WORD
    ]


def findings() -> list[str]:
    """What breaks a rule of this page, a line each."""
    found = [
        f"{name}:{line}: {module}: {why}"
        for name in SOURCES
        for module, line in imports(name)
        if (why := wrong_import(name, module))
    ]
    found += [f"circle: {' → '.join(round_)}" for round_ in (circle(arrows()), circle(package_graph())) if round_]
    found += [f"{name}: {lines} lines, at most {MODULE_LINES_MAX}" for name, lines in crowded().items()]
    found += [f"{name}: stands beside the room that is its own" for name in loose()]
    found += [f"class {name} is defined in {', '.join(files)}" for name, files in defined_twice().items()]
    return found + [f"{where}: named by a verb form; a noun was expected" for where in verbs()]


def main() -> int:
    """Prints the arrows between packages, then what breaks a rule. Exit code 1 where something does."""
    order = [*TopologicalSorter(package_graph()).static_order()] if not circle(package_graph()) else [*PACKAGES]
    for package in reversed(order):
        count = sum(module.split(".")[0] == package for module in modules())
        below = ", ".join(f"{b} ({n})" for (a, b), n in sorted(between_packages().items()) if a == package)
        print(f"{package:<11}{count:>4} modules → {below or 'nothing of ours'}")
    found = findings()
    print("\n".join(found) or "one way, no circle, no crowded room, nothing beside its room, one class a name")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
