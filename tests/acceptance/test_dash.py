"""The dashboards on a run as it was: every panel has a value, the figures are run.json's, also of a stack's second run
and when all is stopped.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from dashboards.grafana.words import STATES, VERDICTS
from harness.stack import tools
from tests.support.command import INVALID, SLICE, Xiu
from tests.support.grafana_stub import TOKEN, serving

pytestmark = pytest.mark.serial


def test_every_panel_answers_for_a_run_kept_and_for_one_that_is_over(xiu: Xiu, monkeypatch: pytest.MonkeyPatch) -> None:
    if tools.find("prometheus") is None:
        pytest.skip("prometheus is not here; `xiu doctor` names the command that brings it")
    for _ in range(3):  # not `valid`: each of these leaves a stack running
        ran = xiu("demo", "--plan", SLICE, "--scale", "1", "--keep", "--json")
        if ran.returncode != INVALID:
            break
        xiu("down")
    record = json.loads(ran.stdout)
    assert ran.returncode == 0, record["reasons"]

    kept = xiu("dash", "check", "--json")
    assert kept.returncode == 0, kept.stdout + kept.stderr
    told = json.loads(kept.stdout)
    assert told["run"] == record["run_id"]
    agrees_with(record, told["panels"])

    with serving() as grafana:
        monkeypatch.setenv("XIU_GRAFANA_URL", grafana.url)
        monkeypatch.setenv("XIU_GRAFANA_TOKEN", TOKEN)
        pushed = xiu("dash", "push")
        assert pushed.returncode == 0, pushed.stderr
        assert f"var-run={record['run_id']}" in pushed.stdout
        state = json.loads(xiu("status", "--json").stdout)
        assert grafana.datasources["xiu-prometheus"]["url"] == state["addresses"]["prometheus_url"]

    again = json.loads(xiu.valid("plan", "run", SLICE, "--scale", "1/2", "--json").stdout)
    assert again["run_id"] != record["run_id"]
    assert again["stack"] == record["stack"], "the second run of the same stack"
    assert again["exit_code"] == 0, again["reasons"]
    second = json.loads(xiu("dash", "check", "--json").stdout)
    assert second["run"] == again["run_id"]
    agrees_with(again, second["panels"])
    first = json.loads(xiu("dash", "check", "--run", record["run_id"], "--json").stdout)
    agrees_with(record, first["panels"])

    assert xiu("down").returncode == 0
    over = xiu("dash", "check", "--run", "last", "--json")
    assert over.returncode == 0, over.stdout + over.stderr
    agrees_with(again, json.loads(over.stdout)["panels"])
    assert xiu.processes() == []


def test_a_runs_own_stack_has_no_playbook_engine_and_its_dashboards_are_green(xiu: Xiu) -> None:
    if tools.find("prometheus") is None:
        pytest.skip("prometheus is not here; `xiu doctor` names the command that brings it")
    ran = xiu.valid("plan", "run", SLICE, "--scale", "1", "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    over = xiu("dash", "check", "--json")
    assert over.returncode == 0, over.stdout + over.stderr
    panels = json.loads(over.stdout)["panels"]
    agrees_with(json.loads(ran.stdout), panels)
    without = {row["panel"]: row["why"] for row in panels if "engine" in row["why"]}
    assert set(without) == {"Playbooks", "Playbook runs ended"}


def agrees_with(record: dict[str, Any], panels: list[dict[str, Any]]) -> None:
    """What the panels show of money, wins and people is what the run found out."""
    assert {row["state"] for row in panels} <= {"value", "excused"}
    value = {(row["panel"].split(" · ")[-1], row["ref"]): row["value"] for row in panels}
    awarded, credited = record["money"]["awarded_fen"] / 100, record["money"]["credited_fen"] / 100
    assert value["Money awarded and credited", "A"] == value["Money won and money in accounts", "A"] == awarded
    assert value["Money awarded and credited", "B"] == value["Money won and money in accounts", "B"] == credited
    budget = record["money"]["budget_fen"] / 100
    assert value["Money awarded and credited", "D"] == value["Money won and money in accounts", "C"] == budget
    assert value["Money on its way", "A"] == value["Money unaccounted for", "A"] == record["money"]["residue_fen"] == 0
    assert value["Packets won", "A"] == record["wins"]["posted"]
    assert value["Verdict", "A"] == VERDICTS[record["verdict"]][0]
    assert value["Invariants", "A"] == 1, "each one holds"
    assert value["Did the forecast hold?", "A"] == max(STATES[row["state"]][0] for row in record["forecast"])
    by_name = {row["indicator"]: row for row in record["forecast"]}
    assert value["Taps per second: forecast band and actual", "B"] == pytest.approx(by_name["offered_rps"]["expected"])
