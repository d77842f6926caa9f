"""Copies of the files of `plans/`, to be spoilt."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from plans.models.home import HOME
from tests.support.plan_files import FORECAST, PLAN


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A copy of the gala's files, to be spoilt."""
    for source, folder in ((PLAN, "stress"), (FORECAST, "forecasts")):
        (tmp_path / folder).mkdir()
        shutil.copy(source, tmp_path / folder)
    return tmp_path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A copy of the kit's files, to be spoilt."""
    for folder in ("faults", "drills", "stress", "forecasts"):
        shutil.copytree(HOME / folder, tmp_path / folder)
    return tmp_path
