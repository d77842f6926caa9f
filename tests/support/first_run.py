"""The first run of a checkout: pytest rewrites each test file and keeps what it compiled in `__pycache__`.

Workers that begin together would all rewrite all of them. So each imports its share first, and finds the others' done.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest


def files_of(args: Iterable[str], at: Path) -> list[Path]:
    """The test files that arguments of pytest name; those of `FILE::TEST` are few, and left out."""
    found: list[Path] = []
    for path in (at / arg for arg in args if "::" not in arg):
        found += sorted(path.rglob("test_*.py")) if path.is_dir() else [path]
    return found


def is_compiled(file: Path) -> bool:
    """Whether pytest has kept what it made of the file, for whichever Python; a stale one is made anew anyway."""
    return any(file.parent.glob(f"__pycache__/{file.stem}.*-pytest-*.pyc"))


def has_none(marks: str, file: Path) -> bool:
    """Whether a file has no test for `-m serial`: few have one, and those beside need not be imported."""
    return marks == "serial" and file.name.startswith("test_") and "mark.serial" not in file.read_text(encoding="utf-8")


def share(files: Sequence[Path], worker: str, workers: int) -> Sequence[Path]:
    """What one of the workers begins with. `worker`: as xdist calls it, `gw0` on."""
    return files[int(worker.removeprefix("gw")) % workers :: workers]


def import_share(config: pytest.Config) -> None:
    """In a worker: imports its share of what is not compiled yet. A file that cannot be imported is reported later,
    where it is collected.
    """
    worker = getattr(config, "workerinput", None)
    if worker is None:
        return
    missing = [file for file in files_of(config.args, config.invocation_params.dir) if not is_compiled(file)]
    for file in share(missing, worker["workerid"], worker["workercount"]):
        name = ".".join(file.relative_to(config.rootpath).with_suffix("").parts)
        with suppress(Exception, pytest.skip.Exception):
            importlib.import_module(name)
