"""Prometheus's own tools judge the rules: grammar, lint, and unit tests of every alert."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from plans.metrics import METRICS as DRILL_METRICS
from system.contract.metrics import METRICS
from tests.support.promtool import promtool

ROOT = Path(__file__).resolve().parents[2]
RULES = sorted((ROOT / "dashboards" / "rules").glob("*.yml"))
TESTS = sorted(Path(__file__).parent.glob("*.test.yml"))


def test_rules_pass_the_linter() -> None:
    done = subprocess.run(
        [promtool(), "check", "rules", "--lint=all", "--lint-fatal", *map(str, RULES)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_alerts_fire_and_stay_silent(path: Path) -> None:
    done = subprocess.run([promtool(), "test", "rules", str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_unit_test() -> None:
    alerts = {rule["alert"] for path in RULES for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"] if "alert" in rule}  # fmt: skip
    tested = {
        entry["alertname"]
        for path in TESTS
        for test in yaml.safe_load(path.read_text())["tests"]
        for entry in test.get("alert_rule_test", [])
        if entry["exp_alerts"]
    }
    assert alerts == tested


def test_rules_name_metrics_that_exist() -> None:
    known = {metric.name for metric in (*METRICS, *DRILL_METRICS)}
    used = {name for path in RULES for name in re.findall(r"(?<![\w:])(?:hongbao|drill)_[a-z0-9_]+", path.read_text())}
    bare = {re.sub(r"_(bucket|count|sum)$", "", name) if name not in known else name for name in used}
    assert bare <= known, f"unknown metrics: {sorted(bare - known)}"
