"""What a run says of itself: one sentence in two languages, and no sentence that is only English."""

from __future__ import annotations

import ast
import copy
import json
import re
import string
from functools import cache
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.phrases import PART_EVENTS_ZH, PHRASES, PLAYBOOK_STATES_ZH, Sentence, chinese, of_error, sentence
from harness.runs.record import Event
from harness.verdict import Reason

ROOT = Path(__file__).parents[3]
FOREIGN = {
    "detail",
    "kind",
    "state",
    "title_en",
    "title_zh",
    "state_zh",
    "kind_zh",
    "key",
    "to",
    "part",
    "seen",
    "much",
    "samples",
}
"""Data that stands in one of the two languages alone, or says the same."""
PAIR = re.compile(r"[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}")


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("says", PHRASES)
def test_both_languages_have_the_same_figures(says: str):
    en, zh = PHRASES[says]
    assert fields(en) - FOREIGN == fields(zh) - FOREIGN, says
    assert not PAIR.search(re.sub(r"\{[^}]*\}|xiu audit --run", "", zh)), "no English sentence inside the Chinese one"
    assert not re.search(r"[\u4e00-\u9fff]", en)


def test_a_sentence_keeps_its_id_and_data_through_event_reason_and_disk():
    text = sentence("late", what=sentence("the_backlog"), within_s=30.0)
    assert text == "the empty backlog did not come within 30 s"
    for kept in (Event(t_s=1, kind="late", text=text), Reason(code="late", text=text)):
        assert type(kept.text) is str
        again = type(kept).model_validate_json(json.dumps(kept.model_dump(mode="json")))
        assert again == kept
        assert chinese(again.says, again.data) == "30 秒内没有等到：积压清空"
    assert copy.deepcopy(text).says == "late"


def test_what_has_no_chinese_is_none_and_never_an_error():
    for says, data in (("", {}), ("gone by now", {}), ("late", {}), ("late", {"what": 1, "within_s": "x"})):
        assert chinese(says, data) is None
    plain = Event(t_s=0, kind="x", text="only text")
    assert (plain.says, plain.data) == ("", {})


def test_an_error_says_what_it_was_given_or_its_first_line():
    assert of_error(HarnessError(sentence("no_tap"))).says == "no_tap"
    told = of_error(HarnessError("first\nsecond"))
    assert (told, told.says, told.data) == ("first", "failed", {"detail": "first", "kind": "HarnessError"})
    assert of_error(ValueError()) == ""


def test_a_figure_that_json_has_no_word_for_is_text():
    assert json.loads(json.dumps(sentence("alert_fires", alert="A", after_s=float("nan")).data, allow_nan=False))


def test_every_state_and_event_has_a_word():
    from chaos.playbook.journal import State
    from harness.stack.keeper import Kind

    assert set(State.__args__) <= PLAYBOOK_STATES_ZH.keys()
    assert set(Kind.__args__) <= PART_EVENTS_ZH.keys()


@cache
def calls() -> list[tuple[str, str, ast.expr]]:
    """(place, what, text) of each event and each reason that is made in the runs' and the faults' code."""
    found = []
    folders = (ROOT / "harness" / "orchestrate", ROOT / "harness" / "guard")
    chaos = [ROOT / "chaos" / f"{name}.py" for name in ("nemesis", "disturbance", "contingency", "probing")]
    chaos += (ROOT / "chaos" / "probes").glob("*.py")
    files = [*(file for folder in folders for file in folder.glob("*.py")), ROOT / "harness" / "verdict.py", *chaos]
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = f"{file.name}:{node.lineno}"
            if name == "Reason":
                found += [(place, name, word.value) for word in node.keywords if word.arg == "text"]
            elif name in ("tell", "_tell", "_told", "_halt", "told") and len(node.args) == 2:
                found.append((place, name, node.args[1]))
    return found


def test_no_event_and_no_reason_is_made_of_english_alone():
    """Reasons of indicators and invariants (`harness.verdict`) are worded from the record itself."""
    plain = [
        place
        for place, _, text in calls()
        if isinstance(text, ast.Constant | ast.JoinedStr) and not place.startswith("verdict.py")
    ]
    assert len(calls()) > 25
    assert plain == [], "say it through harness.phrases.sentence"


def test_every_phrase_is_said_somewhere():
    files = [file for folder in ("harness", "chaos") for file in (ROOT / folder).rglob("*.py")]
    source = "\n".join(file.read_text(encoding="utf-8") for file in files if file.name != "phrases.py") + '"failed"'
    unsaid = [says for says in PHRASES if f'"{says}"' not in source and not says.startswith("phase_")]
    assert unsaid == []


COUNTED = re.compile(
    r"\{(?:count|windows|workers|users|taps|orders|logins|calls|seconds|streams|tables)(?::,)?\} \w+s\b"
)


@pytest.mark.parametrize("says", PHRASES)
def test_number_and_noun_agree(says: str):
    """A count with its noun behind it is written `{count:,|window}`."""
    assert not COUNTED.search(PHRASES[says][0]), says


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 logins"), (1, "1 login"), (1_200, "1,200 logins")], ids=["none", "one", "many"]
)
def test_a_count_is_told_with_its_noun(count: int, text: str):
    assert sentence("logged_in", count=count) == f"{text}, before the load and not measured"


def test_a_verb_goes_with_its_count():
    assert "1 order beside the draw was not done" in sentence(
        "season_incomplete", count=1, operation="claim", outcome="x"
    )


def test_only_a_known_phrase_can_be_said():
    with pytest.raises(KeyError):
        sentence("no such phrase")
    with pytest.raises(KeyError):
        sentence("late")
    assert isinstance(sentence("no_tap"), Sentence)
