"""The dashboards of a run on a stack of its own, when all is stopped: every panel has a value, as run.json has it."""

from __future__ import annotations

import json

import pytest

from harness.stack import tools
from tests.support.command import SLICE, Xiu
from tests.support.panels import agrees_with

pytestmark = pytest.mark.serial


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
