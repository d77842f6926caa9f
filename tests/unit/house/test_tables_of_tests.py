"""docs/money.md, hardening.md and plans.md have tables: each row has tests, and each test named there exists. So does a
file that a test's docstring names.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house import FILES, TEST_SOURCES, text

ROOT = Path(__file__).parents[3]
MONEY = (ROOT / "docs" / "money.md").read_text(encoding="utf-8")
HARDENING = (ROOT / "docs" / "hardening.md").read_text(encoding="utf-8")
TITLE = "## Each sentence, and the test that fails without it"
SENTENCES = [line for line in MONEY.split(TITLE)[1].splitlines() if line.startswith("| ")][1:]
KINDS = [line for line in HARDENING.splitlines() if line.startswith("| ") and not line.startswith("| Kind ")]
PLANS = (
    (ROOT / "docs" / "plans.md")
    .read_text(encoding="utf-8")
    .split("## The stress lane, hop by hop")[1]
    .split("\n## ")[0]
)
HOPS = [line for line in PLANS.splitlines() if line.startswith("| ")][1:]
NAMED = re.compile(r"`((?:unit|integration|acceptance|rules|contract|browser)/[\w/]+\.py)(?:::(\w+))?`")


IN_WORDS = re.compile(r"(?<![\w/])(?:unit|integration|acceptance|rules|contract|browser|support|oracle)/[\w/]+\.py\b")


def first_cell(row: str) -> str:
    return row.split("|")[1].strip()[:60]


def check(cells: str) -> None:
    named = NAMED.findall(cells)
    assert named, "no test"
    for file, name in named:
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert not name or f"def {name}(" in text, f"tests/{file} has no {name}"


def test_the_page_ends_in_the_table() -> None:
    assert MONEY.rstrip().splitlines()[-1] == SENTENCES[-1]
    assert len(SENTENCES) >= 40


@pytest.mark.parametrize("row", SENTENCES, ids=map(first_cell, SENTENCES))
def test_each_sentence_has_a_test_that_exists(row: str) -> None:
    check(row.split("|", 2)[2])


@pytest.mark.parametrize("row", KINDS, ids=map(first_cell, KINDS))
def test_each_kind_of_fault_has_a_test_that_exists(row: str) -> None:
    assert row.count(" | ") == 3, "kind, cause, places, test"
    check(row.rsplit(" | ", 1)[1])


@pytest.mark.parametrize("row", HOPS, ids=map(first_cell, HOPS))
def test_each_hop_of_the_stress_lane_has_a_test_that_exists(row: str) -> None:
    assert row.count(" | ") == 3, "hop, what carries the lane, what a mix-up meets, test"
    check(row.rsplit(" | ", 1)[1])


def test_each_mutation_is_named() -> None:
    mutations = (ROOT / "tests/integration/mutations/test_mutations.py").read_text(encoding="utf-8")
    tests = set(re.findall(r"@with_and_without\ndef (test_\w+)", mutations))
    assert len(tests) >= 5
    assert {name for name in tests if not any("*mutation*" in row and name in row for row in SENTENCES)} == set()


def test_each_file_of_tests_that_a_test_names_exists() -> None:
    named = [(name, file) for name in TEST_SOURCES for file in IN_WORDS.findall(text(name))]
    assert named
    assert [f"{name} names {file}" for name, file in named if f"tests/{file}" not in FILES] == []
