"""`xiu plan upgrade`: plan files of an older format, written anew in their place, whole or not at all."""

from __future__ import annotations

import argparse
import codecs
import os
import shutil
from pathlib import Path

from harness.errors import BadInput
from plans.models.errors import PlanError, Problem
from plans.models.formats import FORMAT
from plans.models.ids import LARGEST
from plans.models.reading import bytes_of
from plans.models.upgrade import UpgradedText, upgraded
from xiu.commands._text import emit


def upgrade(args: argparse.Namespace) -> int:
    """Upgrades each file. Raises PlanError with the problems of all, and then no file is touched; BadInput."""
    fresh: list[tuple[Path, UpgradedText]] = []
    problems: list[Problem] = []
    for name in args.files:
        try:
            fresh.append((Path(name), upgraded(Path(name))))
        except PlanError as exc:
            problems += exc.problems
    if problems:
        raise PlanError(problems)
    for path, one in fresh:
        if one.is_new:
            _write(path, one.text)
    if args.json:
        emit({"files": [{"file": str(path), "was": one.was, "changes": list(one.told)} for path, one in fresh]})
        return 0
    for path, one in fresh:
        if not one.is_new:
            print(f"{path}: format {FORMAT} already")
            continue
        print(f"{path}: format {one.was} → {FORMAT}")
        for told in one.told:
            print(f"  {told}")
    return 0


def _write(path: Path, text: str) -> None:
    """In the file's place, with its rights and its byte-order mark; a link still leads to it. Raises BadInput."""
    real = path.resolve()
    draft = real.with_name(f".{real.name}.new")
    try:
        mark = codecs.BOM_UTF8 if bytes_of(real, LARGEST).startswith(codecs.BOM_UTF8) else b""
        try:
            draft.write_bytes(mark + text.encode())
            shutil.copymode(real, draft)
            os.replace(draft, real)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as exc:
        raise BadInput(f"{path} cannot be written: {exc.strerror or exc}", expected="a file of one's own") from exc
