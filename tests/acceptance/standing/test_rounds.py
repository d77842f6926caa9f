"""Two rounds one after the other, each fired by two Locust workers: every round's books close, and the sum of both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import Xiu, plan_with

pytestmark = pytest.mark.serial


def test_two_rounds_of_two_workers_close(xiu: Xiu) -> None:
    plan = Path(plan_with(xiu.folder, ("id: slice\n", "id: two-rounds\n")))
    plan.write_text(plan.read_text() + "rounds: 2\nworkers: 2\n")
    done = xiu.valid("plan", "run", str(plan), "--scale", "1", "--json")
    record = json.loads(done.stdout)
    assert done.returncode == 0, record["reasons"]
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
