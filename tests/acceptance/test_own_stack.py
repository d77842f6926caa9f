"""Two rounds one after the other, each fired by two Locust workers, on a stack of the run's own whose two fronts are
uneven: every round's books close, and the sum of both. When all is stopped, every panel of the dashboards has a value,
as run.json has it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.stack import tools
from tests.support.command import Xiu, plan_with
from tests.support.panels import agrees_with

pytestmark = pytest.mark.serial


def test_two_rounds_of_two_workers_close_and_their_panels_are_green(xiu: Xiu) -> None:
    plan = Path(plan_with(xiu.folder, ("id: slice\n", "id: two-rounds\n")))
    plan.write_text(plan.read_text() + "rounds: 2\nworkers: 2\nlast_front: 25%\n")
    done = xiu.valid("plan", "run", str(plan), "--scale", "1", "--json")
    record = json.loads(done.stdout)
    assert done.returncode == 0, record["reasons"]
    both_close(xiu, record)
    uneven(record)
    if tools.find("prometheus") is None:
        pytest.skip("prometheus is not here; `xiu doctor` names the command that brings it")
    panels_agree(xiu, record)


def both_close(xiu: Xiu, record: dict[str, Any]) -> None:
    first, second = record["rounds"]
    assert second["round"] != first["round"]
    assert second["begins_s"] % 1 == pytest.approx(0, abs=0.05) or second["begins_s"] % 1 > 0.95
    for one in (first, second):
        assert one["closed"]
        assert one["money"]["residue_fen"] == one["wins"]["residue"] == 0
        assert one["load"]["scheduled"] == one["load"]["sent"] + one["load"]["dropped"] + one["load"]["unsent"]
        assert {row["state"] for row in one["forecast"]} <= {"PASS", "WARN"}
        assert one["latency_ms"]["response"]["p50"] > 0
    for name in ("scheduled", "sent"):
        assert record["load"][name] == first["load"][name] + second["load"][name]
    assert record["wins"]["posted"] == first["wins"]["posted"] + second["wins"]["posted"]
    assert record["money"]["budget_fen"] == 2 * first["money"]["budget_fen"]
    folder = xiu.runs()[-1]
    assert len(list(folder.glob("cannon-*.json"))) == 4
    assert json.loads((folder / "history" / "manifest.json").read_text())["count"] >= record["load"]["sent"]
    assert [row["round"] for row in record["traffic"]] == [1, 2]


def uneven(record: dict[str, Any]) -> None:
    """A quarter of the users, and of their taps, belongs to the last front; the run says what each of both saw."""
    busy, other = record["fronts"]
    assert (busy["front"], other["front"]) == (0, 1)
    taps, users = busy["sent"] + other["sent"], busy["users"] + other["users"]
    assert other["users"] / users == pytest.approx(0.25, abs=0.05)
    assert other["sent"] / taps == pytest.approx(0.25, abs=0.05)
    assert busy["wins"] + other["wins"] <= record["wins"]["seen"]
    assert min(busy["wins"], other["wins"]) > 0
    assert busy["response_ms"]["p50"] > 0 < other["response_ms"]["p50"]


def panels_agree(xiu: Xiu, record: dict[str, Any]) -> None:
    """A run's own stack has no playbook engine."""
    over = xiu("dash", "check", "--json")
    assert over.returncode == 0, over.stdout + over.stderr
    panels = json.loads(over.stdout)["panels"]
    agrees_with(record, panels)
    without = {row["panel"]: row["why"] for row in panels if "engine" in row["why"]}
    assert set(without) == {"Playbooks", "Playbook runs ended"}
