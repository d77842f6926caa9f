"""The gala's files, to be copied and spoilt, and where in them something stands."""

from __future__ import annotations

import shutil
from pathlib import Path

from plans.models.home import HOME

PLAN = HOME / "stress" / "gala-share.yaml"
FORECAST = HOME / "forecasts" / "gala-share.yaml"


def spoil(file: Path, *changes: tuple[str, str]) -> None:
    text = file.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, f"the file has no {old!r} to be spoilt"
        text = text.replace(old, new, 1)
    file.write_text(text, encoding="utf-8")


def line_of(file: Path, words: str) -> int:
    lines = file.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if words in line)


CLIMB = "{kind: climb, shares: [1%, 50%, 120%], window: 3s, hold: 2, patience: 1}"


def as_climb(folder: Path) -> Path:
    """The gala's plan with a climb instead of its curve."""
    return with_step(folder, CLIMB)


def with_step(folder: Path, step: str) -> Path:
    """The gala's plan with this step instead of its curve, and its forecast, in the sub-folders that they have."""
    (folder / "forecasts").mkdir()
    (folder / "stress").mkdir()
    shutil.copy(FORECAST, folder / "forecasts")
    head, rest = PLAN.read_text(encoding="utf-8").split("steps:\n")
    file = folder / "stress" / "own.yaml"
    file.write_text(f"{head}steps:\n  - {step}\n\n{rest[rest.index('probes:') :]}", encoding="utf-8")
    return file


N15, CUT = "n15-link-cut.yaml", "credit-cut.yaml"
