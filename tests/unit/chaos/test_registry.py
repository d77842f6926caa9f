"""Kinds are found by what stands in a folder; one that stands twice is one sentence with file and line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import get_args

import pytest

from chaos.faults import fits_nothing, kinds, term
from chaos.kinds import FaultKind
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
    assert f"{folder / 'broken.py'}:1: cannot be imported: ModuleNotFoundError" in text
    for module in [each for each in sys.modules if each.startswith(name)]:
        del sys.modules[module]


TERM = Path(term.__file__).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        pytest.param("    Spec = Term\n", "", 20, "TermKind has no `Spec`", id="no Spec"),
        pytest.param(
            'kind = "term"', 'kind = "end"', 20, "Term, the Spec of kind `end`, does not say `kind: Literal['end']`",
            id="another name in its Spec",
        ),
        pytest.param("    FITS:", "    FIT:", 20, "Term, the Spec of kind `term`, lacks FITS", id="no heal"),
        pytest.param('{"term": ', '{"end": ', 20, "Term.FITS has no row 'term'", id="a heal of another"),
        pytest.param("Fits((", "((", 20, "Term.FITS['term'] is no Fits(heals, effects", id="a plain tuple"),
        pytest.param('Fits(("restart",), ', 'Fits("restart", ', 20, "Term.FITS['term'] is no", id="a text"),
        pytest.param("    FITS:", "    on = 'parts'\n    FITS:", 21, "Term.on is 'parts', and none", id="on what"),
        pytest.param('    kind = "term"\n', "", 1, "no kind is in it: no class of FaultKind", id="no kind"),
        pytest.param("def signal(", "def _signal(", 20, "TermKind lacks signal", id="a method is missing"),
        pytest.param("import Flag", "import Flags", 9, "cannot be imported: ImportError: ", id="an import of nothing"),
        pytest.param('kind = "term"', "kind = (", 23, "no Python: ", id="no Python"),
    ],
)  # fmt: skip
def test_a_kind_that_lacks_a_piece_is_told_at_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, line: int, says: str
) -> None:
    name = f"lacks_{tmp_path.name.replace('-', '_')}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    file = tmp_path / name / "one.py"
    assert old in TERM
    file.write_text(TERM.replace(old, new), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    found = survey(FaultKind, name, wrong=fits_nothing)  # type: ignore[type-abstract]
    assert not found.kinds
    (problem,) = found.problems
    assert str(problem).startswith(f"{file}:{line}: {says}")
    for module in [each for each in sys.modules if each.startswith(name)]:
        del sys.modules[module]
