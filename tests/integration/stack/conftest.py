"""Stacks of real stores with small children in place of the red-packet system."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.stack import Stack, new_folder

Make = Callable[..., Stack]


@pytest.fixture
def var(tmp_path: Path) -> Path:
    """A place for stacks."""
    return tmp_path / "var"


@pytest.fixture
def make(var: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes stacks, not started, each in a new folder of `var`; whatever was started is stopped at the end."""
    for name in ("VALKEY", "POSTGRES", "TOXIPROXY", "PROMETHEUS", "ALERTMANAGER"):
        monkeypatch.delenv(f"XIU_{name}_URL", raising=False)
    made: list[Stack] = []

    def stack(folder: Path | None = None, **options: object) -> Stack:
        made.append(Stack(folder or new_folder(var), **options))  # type: ignore[arg-type]
        return made[-1]

    yield stack
    for each in reversed(made):
        each.stop()
