"""The alerts there are, for files that name one: their expressions, and which a promtool test expects to fire.

Refuses to know what is done about an alert.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plans.models.load import HOME
from plans.models.scalars import load

RULES = HOME.parent / "dashboards" / "rules"
RULE_TESTS = HOME.parent / "tests" / "rules"


@dataclass(frozen=True, slots=True)
class Alerts:
    """The alerts of the rules: expression by name, and which of them a promtool test expects to fire."""

    expressions: Mapping[str, str]
    tested: frozenset[str]


def alerts(rules: Path = RULES, tests: Path | None = RULE_TESTS) -> Alerts:
    """Reads the rules and their tests; where the tests are not installed, every alert counts as tested."""
    found = {
        rule["alert"]: str(rule["expr"])
        for file in sorted(rules.glob("*.yml"))
        for group in load(file.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    if tests is None or not tests.is_dir():
        return Alerts(found, frozenset(found))
    fired = {
        case["alertname"]
        for file in sorted(tests.glob("*.test.yml"))
        for test in load(file.read_text(encoding="utf-8"))["tests"]
        for case in test.get("alert_rule_test", ())
        if case["exp_alerts"]
    }
    return Alerts(found, frozenset(fired))
