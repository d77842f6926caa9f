"""The alerts that exist, for files that name one: their expressions, and which of them a promtool test expects to fire.

Does not know what is done about an alert.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from plans.models import scalars
from plans.models.errors import PlanError, Problem
from plans.models.home import HOME

RULES = HOME.parent / "dashboards" / "rules"
RULE_TESTS = HOME.parent / "tests" / "rules"


@dataclass(frozen=True, slots=True)
class Alerts:
    """The alerts of the rules: expression by name, and which of them a promtool test expects to fire."""

    expressions: Mapping[str, str]
    tested: frozenset[str]


def alerts(rules: Path = RULES, tests: Path | None = RULE_TESTS) -> Alerts:
    """Reads the rules and their tests. Where the tests are not installed, every alert counts as tested.

    Raises PlanError for a file that is not Prometheus's.
    """
    found = {rule["alert"]: str(rule["expr"]) for rule in rules_of(rules) if "alert" in rule}
    if tests is None or not tests.is_dir():
        return Alerts(found, frozenset(found))
    fired = {
        case["alertname"]
        for test in _items(tests, "*.test.yml", "tests")
        for case in test.get("alert_rule_test", ())
        if case["exp_alerts"]
    }
    return Alerts(found, frozenset(fired))


def rules_of(rules: Path = RULES) -> Iterator[dict[str, Any]]:
    """Every rule as it stands in its file, with its group's `interval`. Raises PlanError."""
    for group in _items(rules, "*.yml", "groups"):
        for rule in group["rules"]:
            yield {"interval": group.get("interval"), **rule}


def _items(folder: Path, pattern: str, key: str) -> Iterator[dict[str, Any]]:
    for file in sorted(folder.glob(pattern)):
        try:
            yield from scalars.load(file.read_text(encoding="utf-8"))[key]
        except yaml.MarkedYAMLError as exc:
            line = exc.problem_mark.line + 1 if exc.problem_mark else 1
            raise PlanError([Problem(str(file), line, f"not YAML: {exc.problem or exc}")]) from exc
        except (OSError, yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as exc:
            what = f"cannot be read: {type(exc).__name__} {exc}"
            raise PlanError([Problem(str(file), 0, what, f"`{key}` as Prometheus has them")]) from exc
