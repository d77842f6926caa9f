"""Kinds are found by what stands in a folder; one that stands twice is one sentence with file and line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import get_args

import pytest

from chaos.faults import kinds
from chaos.probes import probes
from chaos.registry import survey
from plans.models.errors import PlanError

SHIPPED = {"toxics", "refuse", "signal", "flush", "bandwidth", "term", "cpu_hog", "disk_full", "terminate_backend"}
BASE = "class Kind:\n    pass\n"
ONE = "from {name}.base import Kind\n\n\nclass One(Kind):\n    kind = 'one'\n"


def test_every_kind_of_the_kit_is_found_and_is_what_its_spec_says() -> None:
    assert set(kinds()) >= SHIPPED
    for each in (kinds(), probes()):
        for name, kind in each.items():
            assert get_args(kind.Spec.model_fields["kind"].annotation) == (name,)


def test_each_fault_kind_names_probes_that_there_are() -> None:
    for kind in kinds().values():
        for fits in kind.Spec.FITS.values():
            assert {*fits.effects, *fits.healed} <= probes().keys()
            assert fits.heals


def test_a_kind_that_stands_twice_is_told_with_both_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"kinds_{tmp_path.name.replace('-', '_')}"
    folder = tmp_path / name
    folder.mkdir()
    for file, text in (("__init__", ""), ("base", BASE), ("a", ONE), ("b", ONE), ("broken", "import nothing_there\n")):
        (folder / f"{file}.py").write_text(text.format(name=name))
    monkeypatch.syspath_prepend(tmp_path)
    base = __import__(f"{name}.base", fromlist=["Kind"]).Kind
    found = survey(base, name)
    assert list(found.kinds) == ["one"], "what can be used is there for whoever must act"
    with pytest.raises(PlanError) as refused:
        found.checked()
    text = str(refused.value)
    assert f"{folder / 'b.py'}:4: kind `one` stands in {folder / 'a.py'}:4 too; expected each kind in one file" in text
    assert f"{name}.broken: cannot be imported: ModuleNotFoundError" in text
    for module in [each for each in sys.modules if each.startswith(name)]:
        del sys.modules[module]
