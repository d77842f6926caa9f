"""Which build of the hot path is chosen. That it answers as its source does: `acceptance/test_compiled.py`."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from harness.children import for_children
from system.contract import compiled
from system.contract.compiled import MODULES, Build, build, stands_on
from system.contract.errors import SettingsError

IMPORTS = (
    "import system.front.draw as d, sys; from system.contract import compiled as c; print(c.build().kind, d.__file__)"
)


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """`build` is asked anew, before and after."""
    build.cache_clear()
    monkeypatch.undo()
    yield monkeypatch
    monkeypatch.undo()
    build.cache_clear()


needs_a_build = pytest.mark.skipif(not compiled.folder().is_dir(), reason="no compiled hot path here: no C compiler")


@needs_a_build
@pytest.mark.parametrize(("said", "ran"), [("", "compiled .so"), ("1", "compiled .so"), ("0", "plain .py")])
def test_a_process_runs_the_build_it_says(said: str, ran: str) -> None:
    env = for_children({compiled.VARIABLE: said})
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], env=env, capture_output=True, encoding="utf-8", timeout=60, check=True
    )
    kind, file = done.stdout.split()
    assert f"{kind} {Path(file).suffix}" == ran


def test_every_source_that_is_compiled_in_is_part_of_the_key() -> None:
    assert {*MODULES, "system.front.answers", "system.tokens", "system.contract.errors"} <= {*stands_on()}
    assert not [module for module in stands_on() if module.startswith(("system.credit", "system.ledger"))]


def test_another_mypy_is_another_build(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {compiled.key.__wrapped__()}
    for version in ("9.9.9", None):

        def told(_: str, version: str | None = version) -> str:
            if version is None:
                raise metadata.PackageNotFoundError
            return version

        monkeypatch.setattr(metadata, "version", told)
        keys.add(compiled.key.__wrapped__())
    assert len(keys) == 3


def test_a_build_of_another_source_is_never_run(chosen: pytest.MonkeyPatch, tmp_path: Path) -> None:
    chosen.delenv(compiled.VARIABLE, raising=False)
    chosen.setattr(compiled, "BUILDS", tmp_path)
    (tmp_path / "0123456789abcdef").mkdir()
    assert build() == Build("plain", "the build is of another source: make setup")


def test_without_a_build_the_source_runs(chosen: pytest.MonkeyPatch, tmp_path: Path) -> None:
    chosen.delenv(compiled.VARIABLE, raising=False)
    chosen.setattr(compiled, "BUILDS", tmp_path / "none")
    assert build().kind == "plain"


@pytest.mark.parametrize(("said", "names"), [("yes", "XIU_COMPILED=yes"), ("1", "not built here")])
def test_a_wish_that_cannot_be_met_is_refused(
    said: str, names: str, chosen: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chosen.setenv(compiled.VARIABLE, said)
    chosen.setattr(compiled, "BUILDS", tmp_path / "none")
    with pytest.raises(SettingsError, match=names):
        build()
