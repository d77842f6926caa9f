"""docs/money.md ends in a table: each sentence has tests, and each test named there exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "money.md").read_text(encoding="utf-8")
TITLE = "## Each sentence, and the test that fails without it"
ROWS = [line for line in PAGE.split(TITLE)[1].splitlines() if line.startswith("| ")][1:]
NAMED = re.compile(r"`((?:unit|integration|acceptance)/[\w/]+\.py)(?:::(\w+))?`")


def test_the_page_ends_in_the_table() -> None:
    assert PAGE.rstrip().splitlines()[-1] == ROWS[-1]
    assert len(ROWS) >= 40


@pytest.mark.parametrize("row", ROWS, ids=[row.split("|")[1].strip()[:60] for row in ROWS])
def test_each_sentence_has_a_test_that_exists(row: str) -> None:
    named = NAMED.findall(row.split("|", 2)[2])
    assert named, "no test"
    for file, name in named:
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert not name or f"def {name}(" in text, f"tests/{file} has no {name}"


def test_each_mutation_is_named() -> None:
    text = (ROOT / "tests/integration/mutations/test_mutations.py").read_text(encoding="utf-8")
    tests = set(re.findall(r"@with_and_without\ndef (test_\w+)", text))
    assert len(tests) >= 5
    assert {name for name in tests if not any("*mutation*" in row and name in row for row in ROWS)} == set()
