"""Each rule of docs/money.md, removed: what the page says breaks, breaks.

With it, in the same scenario, nothing breaks in any state: `acceptance/test_model.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chaos.model.explore import replay
from chaos.model.invariants import broken, hangs
from chaos.model.rules import BY_NAME, NAMES, TABLE, TRIPWIRES, Rule, Rules, UnknownRule
from chaos.model.scenarios import ALSO_WITHOUT, WITHOUT
from chaos.model.state import config
from chaos.model.table import lines, without

DOCS = Path(__file__).parents[4] / "docs"
EVERY = [pytest.param(rule, id=rule.name) for rule in TABLE]


@pytest.mark.parametrize("rule", EVERY)
def test_without_the_rule_what_the_page_says_breaks(rule: Rule) -> None:
    row = without(rule)
    assert row.first, f"nothing of {rule.breaks} is broken in {row.states} states; broken: {row.also}"
    (line,) = list(lines([row], histories=False))[2:]
    assert line in (DOCS / "model.md").read_text(encoding="utf-8"), "print the table of docs/model.md anew"
    # The history is no accident of the search: replayed, it ends in that very state.
    removed = (rule.name, *ALSO_WITHOUT.get(rule.name, ()))
    scenario = WITHOUT[rule.name]
    end = replay(scenario.machine(removed), row.history)
    c = config(scenario.users, scenario.packets, Rules(removed), scenario.lease, scenario.fine)
    assert set(row.first) <= broken(end, c) | hangs(end)


def test_the_rules_are_the_pages() -> None:
    whole = (DOCS / "money.md").read_text(encoding="utf-8")
    text = whole.split("## What breaks without each rule")[1].split("\n## ")[0]
    rows = [re.split(r" \| ", line.strip("| \n")) for line in text.splitlines() if line.startswith("| ")]
    said = {phrase: breaks for phrases, breaks in rows[1:] for phrase in phrases.split("; ")}
    assert {rule.phrase for rule in TABLE} == said.keys()
    for rule in TABLE:
        page = {name.rstrip("s") for name in re.findall(r"\bS\d+\b|\bhangs?\b", said[rule.phrase])}
        assert page == set(rule.breaks), rule.name
    wires = text.split("These are tripwires:")[1]
    assert ("ids without gaps" in wires, "the bitmap" in wires, "closed round refuses" in wires) == (True, True, True)


def test_an_unknown_rule_is_refused_by_name() -> None:
    with pytest.raises(UnknownRule, match="no rule 'fences'"):
        Rules(("fences",))


def test_the_printed_table_has_a_row_and_a_history_for_each_rule() -> None:
    printed = list(lines([without(BY_NAME["reservation"]), without(BY_NAME["number_once"])]))
    assert printed[2].startswith("| reservation before the append | S3 | S3 |")
    assert printed[3].startswith("| a lease number accepted once | S12 | S12 |")
    assert "  1. front 1 awards packet 0 to user 0" in printed


def test_each_rule_has_its_scenario() -> None:
    assert WITHOUT.keys() == BY_NAME.keys()
    assert set(NAMES) == BY_NAME.keys() | set(TRIPWIRES)
