"""Each rule of docs/season.md, removed: what the page says breaks, breaks. With all of them, nothing does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chaos.model.explore import exhaust, replay
from chaos.model.rules import Rule, UnknownRule
from chaos.model.season.__main__ import lines, main, without
from chaos.model.season.rules import TABLE, RulesInForce
from chaos.model.season.scenarios import EXHAUSTED, WITHOUT, Make

DOCS = Path(__file__).parents[5] / "docs"
REACHED = {
    "spend twice at once, beside another; a fen comes; a COMMIT is lost": "client N's COMMIT lands",
    "another request under the same key": "client N is answered",
    "reversed under two keys": "client N's COMMIT is undone",
    "owner, one user twice, another; a sweep; a COMMIT is lost": "client N finds its claim",
    "one user twice, another; two sweeps; a COMMIT is lost": "sweep N looks",
    "a share, a funding, three orders of an operator; two return, killed anywhere": "return N dies, locked",
    "one ticket under two keys, two more, two cards; two are undone": "client N finds its card",
    "two gifts, two combine, the season ends": "the end commits its list",
    "two payers, killed twice anywhere": "payer N dies, read",
}


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in EXHAUSTED.items()])
def test_nothing_breaks_in_any_state(make: Make, request: pytest.FixtureRequest) -> None:
    found = exhaust(make(RulesInForce()), 1_000_000)
    assert found.complete
    assert found.broken == {}
    # Not vacuous: what the instance is about has happened in it.
    name = request.node.callspec.id
    assert found.taken[REACHED[name]] > 0, found.taken


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.name) for rule in TABLE])
def test_without_the_rule_what_the_page_says_breaks(rule: Rule) -> None:
    found = without(rule)
    said = [name for name in rule.breaks if name in found.broken]
    assert said, f"nothing of {rule.breaks} is broken in {found.states} states; broken: {sorted(found.broken)}"
    # The history is no accident of the search: replayed, it ends in a state that is broken, or from which nothing goes.
    machine = WITHOUT[rule.name](RulesInForce((rule.name,)))
    end = replay(machine, found.broken[said[0]])
    assert said[0] in machine.broken(end) | machine.hangs(end)


def test_the_table_is_the_pages() -> None:
    text = (DOCS / "season.md").read_text(encoding="utf-8")
    for line, as_said in lines():
        assert as_said, line
        assert line in text, "print the table of docs/season.md anew: python -m chaos.model.season --table"
    rows = re.findall(r"^\| .* \| \w+ \| \d+ \|$", text.split("| Without |")[1], re.M)
    assert len(rows) == len(TABLE)


def test_an_unknown_rule_is_refused_by_name() -> None:
    with pytest.raises(UnknownRule, match="no rule 'luck'"):
        RulesInForce(("luck",))


def test_the_command_says_what_it_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--table"]) == 0
    assert "| never the owner | S13 | 3 |" in capsys.readouterr().out
