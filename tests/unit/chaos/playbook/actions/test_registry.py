"""Kinds of action: found by their name, each once; a file of an unknown one is refused with what was meant."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path

import pytest

from chaos.playbook import actions, library
from chaos.playbook.action import ActionKind
from chaos.playbook.actions import kinds, registered
from chaos.playbook.actions.set_switch import SetSwitch, SwitchAction
from plans.models.errors import PlanError
from plans.models.playbook import ActionSpec, playbook_files
from tests.support.playbook_world import ALERTS, text
from xiu.cli import dispatch


class Again(SwitchAction):
    """Another class of a kind that is there."""


class Nameless(SwitchAction):
    """Says a kind that its file's model does not know."""

    kind = "nameless"


class Misfit(SwitchAction):
    """Its Spec is no model."""

    kind = "misfit"
    Spec = dict  # type: ignore[assignment]


class Bare(ActionKind[ActionSpec]):
    """Lacks both."""


def test_every_kind_is_found_by_its_name_and_has_words_for_people() -> None:
    assert {"set_switch", "wait"} <= kinds().keys()
    for name, kind in kinds().items():
        assert kind.kind == name
        assert kind.Spec.__doc__, "the schema tells what it does"
        assert Path(inspect.getsourcefile(type(kind)) or "").stem == name, "one file each, called like it"


@pytest.mark.parametrize(
    ("classes", "at", "says"),
    [
        pytest.param((SwitchAction, Again), Again, "action kind set_switch stands in ", id="a kind twice"),
        pytest.param((Nameless,), Nameless, "its Spec's `kind` is set_switch", id="another name in its Spec"),
        pytest.param((Misfit,), Misfit, "Misfit has no `kind` or no `Spec`", id="a Spec of another sort"),
        pytest.param((Bare,), Bare, "Bare has no `kind` or no `Spec`", id="neither"),
    ],
)
def test_a_kind_that_is_none_is_one_sentence_with_its_line(
    classes: tuple[type[ActionKind[SetSwitch]], ...], at: type[object], says: str
) -> None:
    with pytest.raises(PlanError) as told:
        registered(classes)
    (problem,) = told.value.problems
    assert (problem.file, problem.line) == (__file__, inspect.getsourcelines(at)[1])
    assert says in problem.what


def test_a_file_without_an_action_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "idle.py").write_text('"""Nothing."""\n')
    monkeypatch.setattr(actions, "__path__", [*actions.__path__, str(tmp_path)])
    kinds.cache_clear()
    with pytest.raises(PlanError, match=rf"{tmp_path}/idle.py:1: no action is in it; expected a class of ActionKind"):
        kinds()
    kinds.cache_clear()
    sys.modules.pop("chaos.playbook.actions.idle")


WAITS = """\
  - id: settle
    kind: wait
    read_back: 5s
    until: {what: age, query: age, op: "<", value: 1}
"""


@pytest.mark.parametrize(
    ("old", "new", "at", "says"),
    [
        pytest.param("kind: wait", "kind: wiat", "id: settle", "did you mean wait?", id="a kind that was meant"),
        pytest.param("kind: wait", "kind: [wait]", "id: settle", "expected one of", id="a kind that is a list"),
        pytest.param("until:", "untill:", "untill", "did you mean until?", id="an unknown key"),
        pytest.param("    kind: wait\n", "", "id: settle", "`actions[3].set` is missing", id="no kind sets a switch"),
        pytest.param("    kind: wait\n", "    kind: wait\n    undo: none\n", "undo: none", "unknown key",
                     id="an undo of what changes nothing"),
        pytest.param("read_back: 5s", "read_back: 11m", "read_back: 11m", "600", id="waiting too long"),
        pytest.param('"<", value: 1', '"<", of_baseline: 1', "of_baseline: 1", "has no baseline", id="no baseline"),
        pytest.param("query: age", "query: 'age{x=\"$lain\"}'", "$lain", "$lain stands for nothing", id="a word"),
        pytest.param("id: settle", "id: shed", "id: shed", "action shed stands twice", id="an id twice"),
    ],
)  # fmt: skip
def test_a_broken_action_of_another_kind_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, at: str, says: str
) -> None:
    whole, last = text(), "verify:"
    broken = whole.replace(last, WAITS.replace(old, new, 1) + last, 1)
    file = tmp_path / "p.yaml"
    file.write_text(broken, encoding="utf-8")
    lines = [number for number, row in enumerate(broken.splitlines(), 1) if at in row]
    with pytest.raises(PlanError) as told:
        library.load([file], ALERTS)
    found = [str(problem) for problem in told.value.problems]
    assert any(one.startswith(f"{file}:{lines[-1]}: ") and says in one for one in found), found


def test_files_of_before_there_were_kinds_are_read_as_they_stand() -> None:
    for file in playbook_files():
        assert "kind: set_switch" not in file.read_text(encoding="utf-8")
    entries = library.load()
    assert {action.kind for entry in entries.values() for action in entry.playbook.actions} == {"set_switch"}


def test_the_schema_shows_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch(["schema", "playbook"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["additionalProperties"] is False
    shown = {part["properties"]["kind"]["const"] for part in schema["$defs"].values() if "kind" in part["properties"]}
    assert shown == set(kinds())
    assert all(part["additionalProperties"] is False for part in schema["$defs"].values())
