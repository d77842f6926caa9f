"""The rules of the season are files found by being there; what looked at nothing of its kind is not evaluated."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from system.audit import season
from system.audit.judging import Judge
from system.audit.season import SeasonRule, table
from system.audit.snapshot import SnapshotRows, TableMissing
from system.contract.audit import INVARIANTS, OF_PLAYS
from system.contract.errors import SettingsError
from system.contract.found import Piece


def piece(**names: Any) -> Piece:
    module = ModuleType("rule")
    vars(module).update(names)
    return Piece(Path("system/audit/season/rule.py"), module)


async def looks(judges: Mapping[str, Judge], rows: SnapshotRows) -> None:
    for one in judges.values():
        one.look(len(await rows("some")))


def test_what_moved_is_judged() -> None:
    assert "S18" in {code for rule in season.RULES for code in rule.codes}


@pytest.mark.parametrize(
    ("names", "says"),
    [
        pytest.param([{}], "rule.py:1: no rule; expected CODES = ", id="nothing"),
        pytest.param([{"CODES": ("S13",)}], "no rule; expected CODES = ", id="no judge"),
        pytest.param([{"CODES": (), "judge": looks}], "no rule; expected CODES = ", id="no code"),
        pytest.param([{"CODES": ("S1",), "judge": looks}], "no rule 'S1'; expected one of S13, ", id="of the draw"),
        pytest.param([{"CODES": ("S13",), "judge": looks}] * 2, "S13 stands in .* as well", id="twice"),
    ],
)
def test_what_is_no_rule_is_refused(names: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        table(piece(**each) for each in names)


def judged(found: list[tuple[Any, ...]] | None, rule: Any = looks) -> dict[str, Any]:
    """Each code's verdict after one rule for S13 looked at these rows; None: its table is missing."""

    async def rows(name: str, /, **params: Any) -> list[tuple[Any, ...]]:
        if found is None:
            raise TableMissing(name)
        return found

    judges = {code: Judge(code) for code in INVARIANTS}
    asyncio.run(season.judge(judges, rows, [SeasonRule(("S13",), rule)]))
    return {code: judge.finding().valid for code, judge in judges.items()}


def test_a_rule_that_had_something_to_look_at_holds_and_the_others_are_not_evaluated() -> None:
    assert {code: valid for code, valid in judged([(1,)]).items() if code in OF_PLAYS} == {
        **dict.fromkeys(OF_PLAYS), "S13": True,
    }  # fmt: skip


def test_a_lane_where_nobody_played_is_not_evaluated_while_a_draw_without_data_is_unknown() -> None:
    found = judged([])
    assert (found["S13"], found["S1"]) == (None, "unknown")


def test_a_ledger_older_than_the_play_is_not_evaluated_unless_something_is_broken_already() -> None:
    async def breaks(judges: Mapping[str, Judge], rows: SnapshotRows) -> None:
        judges["S13"].broken("share 1-1")
        await rows("some")

    async def looked(judges: Mapping[str, Judge], rows: SnapshotRows) -> None:
        judges["S13"].look(5)
        await rows("some")

    assert judged(None)["S13"] is None
    assert judged(None, looked)["S13"] is None
    assert judged(None, breaks)["S13"] is False
