"""Scalars are read as they look, and a character that looks like another is named at its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.library import load_faults
from plans.models import Forecast, PlanError, StressPlan, load_plan
from plans.models.document import Document, read_partly
from plans.models.scalars import load
from tests.support.plan_files import FORECAST, N15, PLAN, line_of, spoil


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0755", 755),
        ("08", 8),
        ("-010", -10),
        ("10:00", "10:00"),
        ("1:30:00", "1:30:00"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("0b101", "0b101"),
        ("1_000", "1_000"),
        ("35_000", "35_000"),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("Off", "Off"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("2026-02-16", "2026-02-16"),
        ("2026-02-16 20:00:00", "2026-02-16 20:00:00"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1e3", "1e3"),
        ("0.25", 0.25),
        ("1.5e-3", 0.0015),
        ("~", None),
        ("", None),
        ("=", "="),
        ("'0755'", "0755"),
        ("!!int 0755", 755),
        ("!!str 0755", "0755"),
        ("１２", "１２"),
    ],
)
def test_a_scalar_is_what_it_looks_like(text: str, value: object) -> None:
    assert load(f"a: {text}\n") == {"a": value}
    document = Document("f", f"a: {text}\n")
    assert (document.data, document.problems) == ({"a": value}, [])


@pytest.mark.parametrize("text", ["!!int 0x10", "!!int 10:00", "!!bool yes", "!!float .inf", "!!timestamp 2026-02-16"])
def test_a_tag_brings_no_other_reading_back(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a plain|not read"):
        load(f"a: {text}\n")
    assert len(Document("f", f"b: 1\na: {text}\n").problems) == 1


@given(st.integers(min_value=-(10**30), max_value=10**30), st.integers(min_value=0, max_value=5))
def test_digits_are_a_decimal_number(number: int, zeros: int) -> None:
    sign, digits = ("-" if number < 0 else ""), str(abs(number))
    assert load(f"a: {sign}{'0' * zeros}{digits}") == {"a": number}


def test_a_plan_s_numbers_are_those_typed(files: Path) -> None:
    plan = files / "stress" / PLAN.name
    spoil(plan, ("seed: 20160207", "seed: 0755"), ("forged: 1_200", "forged: 010"))
    value, _, problems = read_partly(plan, StressPlan)
    assert value is not None
    assert (value.seed, value.probes.forged, problems) == (755, 10, [])
    spoil(plan, ("forged: 010", "forged: 10:00"))
    with pytest.raises(PlanError, match="'10:00' is not a count"):
        load_plan(plan)


def test_a_fault_s_figures_are_those_typed(home: Path) -> None:
    file = next(f for f in sorted((home / "faults").glob("*.yaml")) if "latency: 50," in f.read_text(encoding="utf-8"))
    spoil(file, ("latency: 50,", "latency: 0500,"))
    faults = load_faults(home)
    assert any("'latency': 500," in str(fault.inject.model_dump()) for fault in faults.values())


@pytest.mark.parametrize("word", ["yes", "on", "1", "'true'"])
def test_a_flag_is_true_or_false(home: Path, word: str) -> None:
    spoil(home / "faults" / N15, ("alone: true", f"alone: {word}"))
    with pytest.raises(PlanError, match="alone"):
        load_faults(home)


@pytest.mark.parametrize("bound", [".inf", "inf", "nan", "-inf", "1.0e999"])
def test_no_figure_is_endless(files: Path, bound: str) -> None:
    forecast = files / "forecasts" / FORECAST.name
    line = next(line for line in forecast.read_text(encoding="utf-8").splitlines() if "peak_factor" in line)
    text = forecast.read_text(encoding="utf-8")
    at = text.index(line)
    old = next(part for part in text[at:].replace("}", "\n").replace(",", "\n").splitlines() if "high:" in part)
    forecast.write_text(text[:at] + text[at:].replace(old.strip(), f"high: {bound}", 1), encoding="utf-8")
    assert read_partly(forecast, Forecast)[2]


@pytest.mark.parametrize(
    ("old", "new", "at", "says"),
    [
        ("lane: stress", "lane：stress", "lane：", "U+FF1A FULLWIDTH COLON"),
        ("  - {kind: constant", "\u00a0\u00a0- {kind: constant", "constant", "U+00A0 NO-BREAK SPACE"),
        ("  - {kind: constant", "\u3000- {kind: constant", "constant", "U+3000 IDEOGRAPHIC SPACE"),
        ("  - {kind: constant", "  － {kind: constant", "constant", "U+FF0D FULLWIDTH HYPHEN-MINUS"),
        ("credits: 60s", "credits：60s", "credits：", "U+FF1A FULLWIDTH COLON"),
        ("answers: 5s, credits", "answers: 5s， credits", "answers", "U+FF0C FULLWIDTH COMMA"),
        ("answers: 5s, credits", "“answers”: 5s, credits", "answers", "U+201C LEFT DOUBLE QUOTATION MARK"),
        ("credits: 60s", "credits: 60\u200bs", "credits:", "U+200B ZERO WIDTH SPACE"),
        ("credits: 60s", "credits: \ufeff60s", "credits:", "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("credits: 60s", "credits: 60\u2028s", "credits:", "U+2028 LINE SEPARATOR"),
        ("credits: 60s", "credits: 60\u202es", "credits:", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("credits: 60s", "credits: ６０s", "credits:", "U+FF16 FULLWIDTH DIGIT SIX"),
        ("lane: stress", "lаne: stress", "lаne:", "U+0430 CYRILLIC SMALL LETTER A"),
        ("lane: stress", "lane: strеss", "lane:", "U+0435 CYRILLIC SMALL LETTER IE"),
        ("lane: stress", "lane:\u3000stress", "lane:", "U+3000 IDEOGRAPHIC SPACE"),
        ("seed: ", "seed:１", "seed:", "U+FF11 FULLWIDTH DIGIT ONE"),
        ("lane: stress", "lane: 'stress\u2019", "lane:", "U+2019 RIGHT SINGLE QUOTATION MARK"),
        ("answers: 5s, credits", "answers: 5s、credits", "answers", "U+3001 IDEOGRAPHIC COMMA"),
        ("{kind: constant", "{kind：constant", "constant", "U+FF1A FULLWIDTH COLON"),
        ("share: 30%", "share: 30％", "share: 30％", "U+FF05 FULLWIDTH PERCENT SIGN"),
    ],
)
def test_a_character_that_is_not_the_one_it_looks_like_is_named_at_its_line(
    files: Path, old: str, new: str, at: str, says: str
) -> None:
    plan = files / "stress" / PLAN.name
    spoil(plan, (old, new))
    lines = plan.read_text(encoding="utf-8").split("\n")
    number = next(number for number, line in enumerate(lines, 1) if at in line)
    with pytest.raises(PlanError) as refused:
        load_plan(plan)
    told = [str(problem) for problem in refused.value.problems]
    assert any(one.startswith(f"{plan}:{number}: ") and says in one for one in told), told


def test_people_s_own_words_keep_their_language(files: Path) -> None:
    plan = files / "stress" / PLAN.name
    text = plan.read_text(encoding="utf-8")
    plan.write_text(f"\ufeff# 注意：全角％，\u00a0ok\n{text}", encoding="utf-8")
    assert load_plan(plan).plan.title.zh
    assert line_of(plan, "注意：") == 1


@pytest.mark.parametrize("text", ["a: 1\nseed:5\nb: 2\n", "a: 1\nname: 'open\nb: 2\n", 'a: 1\nname: "open\nb: 2\n'])
def test_what_never_ends_is_wrong_where_it_begins(text: str) -> None:
    with pytest.raises(PlanError) as refused:
        Document("f.yaml", text)
    assert str(refused.value).startswith("f.yaml:2: ")
