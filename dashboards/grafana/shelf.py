"""The dashboards: every file of `boards/`, found by being there. A file that is no dashboard is refused.

Everything that names dashboards asks here: rendering, linting, checking, the official linter's list, pushing.
"""

from __future__ import annotations

import ast
import functools
import importlib
import re
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from dashboards.grafana import boards as room
from dashboards.grafana.board import Board, LintExcuse
from dashboards.grafana.errors import BoardError

FOLDER = Path(room.__file__).parent
ROOT = FOLDER.parents[2]
UID_MAX = 40
WHY_MIN = 10
"""A shorter text is not accepted as a reason."""


@functools.cache
def boards() -> tuple[Board, ...]:
    """Every dashboard, in the order in which lists show them. Raises BoardError: file and line, one sentence."""
    names = sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))
    return checked(loaded(f"{room.__name__}.{name}", FOLDER / f"{name}.py") for name in names)


def by_uid() -> dict[str, Board]:
    """The same, by uid."""
    return {board.uid: board for board in boards()}


def loaded(module: str, file: Path) -> Board:
    """The dashboard of a file. Raises BoardError where there is none."""
    with board_errors(file):
        found = getattr(importlib.import_module(module), "BOARD", None)
    if not isinstance(found, Board):
        raise BoardError(f"{shown(file)}:1: no BOARD; expected BOARD = Board(uid=…, title=…, …)")
    return replace(found, file=file)


@contextmanager
def board_errors(file: Path) -> Iterator[None]:
    """An error in a dashboard's file becomes one sentence, with the line. Raises BoardError."""
    try:
        yield
    except SyntaxError as exc:
        raise BoardError(f"{shown(file)}:{exc.lineno}: no Python: {exc.msg}") from exc
    except Exception as exc:
        mine = [frame.lineno for frame in traceback.extract_tb(exc.__traceback__) if Path(frame.filename) == file]
        text = " ".join(str(exc).split())
        raise BoardError(f"{shown(file)}:{mine[-1] if mine else 1}: {type(exc).__name__}: {text}") from exc


def checked(found: Iterable[Board]) -> tuple[Board, ...]:
    """Those dashboards in order. Raises BoardError where two have one uid or title, or an excuse has no reason."""
    ordered = tuple(sorted(found, key=lambda board: (board.rank, board.file.name)))
    for k, board in enumerate(ordered):
        for problem in _wrong(board, ordered[:k]):
            raise BoardError(problem)
    return ordered


def _wrong(board: Board, before: Iterable[Board]) -> Iterator[str]:
    here = where(board, "BOARD")
    if not 0 < len(board.uid) <= UID_MAX:
        yield f"{here}: uid {board.uid!r}; expected 1 to {UID_MAX} characters"
    if not re.fullmatch(r"[a-zA-Z0-9_-]+", board.uid):
        yield f"{here}: uid {board.uid!r}; expected letters, digits, - and _: it is part of an address"
    if not board.title.strip():
        yield f"{here}: no title; expected the words above the dashboard"
    for other in before:
        for what, mine, theirs in (("uid", board.uid, other.uid), ("title", board.title, other.title)):
            if mine == theirs:
                yield f"{where(board, mine)}: {what} {mine!r} is that of {shown(other.file)}; expected one of its own"
    for one in board.excuses:
        panels = one.panels if isinstance(one, LintExcuse) else (one.panel,)
        if len(one.why.strip()) < WHY_MIN or not panels:
            panel = panels[0] if panels else ""
            yield f"{where(board, panel)}: the excuse of {panel!r} has no reason, or no panel; expected both"


def where(board: Board, text: str) -> str:
    """`file:line` of a text written in the dashboard's file, else of its `BOARD`."""
    try:
        tree = ast.parse(board.file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError):
        return f"{shown(board.file)}:1"
    nodes = list(ast.walk(tree))
    lines = [node.lineno for node in nodes if isinstance(node, ast.Constant) and node.value == text]
    lines += [node.lineno for node in nodes if isinstance(node, ast.Name) and node.id == "BOARD"]
    return f"{shown(board.file)}:{lines[0] if lines else 1}"


def shown(file: Path) -> str:
    """A file as messages name it: from the checkout."""
    return str(file.relative_to(ROOT)) if file.is_relative_to(ROOT) else str(file)
