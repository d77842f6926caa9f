"""The glossary says each word once, in both languages, and as the report says it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.report import vocabulary
from harness.report.vocabulary import Both

TEXT = (Path(__file__).parents[4] / "docs" / "glossary.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith("| English")
]
TABLES = [table for name, table in vars(vocabulary).items() if name.isupper() and isinstance(table, dict)]
SAID = [one for table in TABLES for one in table.values() if isinstance(one, Both)]


def test_every_word_has_both_languages_and_one_sentence() -> None:
    assert len(ROWS) > 60
    for english, chinese, sentence in ROWS:
        assert re.search(r"[\u4e00-\u9fff]", chinese), english
        assert sentence.endswith("."), english
        assert sentence.count(". ") == 0, f"{english}: more than one sentence"
    assert len({row[0] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_what_the_report_calls_otherwise_is_none_of_its_words(row: list[str]) -> None:
    english, chinese, _ = row
    said = {one.zh for one in SAID if one.en == english}
    assert not said or any(chinese in one for one in said), f"{english}: the report says {said}"


def test_the_words_of_the_report_that_a_reader_meets_first_are_explained() -> None:
    mine = {row[0] for row in ROWS}
    parts = [vocabulary.PARTS[name] for name in ("front", "credit", "control", "play", "valkey", "postgres")]
    outcomes = [one for name, one in vocabulary.OUTCOMES.items() if name not in ("dropped", "unsent")]
    assert {one.en for one in (*parts, *vocabulary.LANES.values(), *outcomes)} <= mine
    assert len([one for one in SAID if one.en in mine]) >= 20
