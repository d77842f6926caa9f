"""Where an alert's runbook is, for links: the page that its rule names, behind the address in the dashboard's
variable.
"""

from __future__ import annotations

from pathlib import Path

from dashboards.grafana.pieces import DataLink
from plans.models import scalars

RULES = Path(__file__).resolve().parents[1] / "rules" / "alerts.yml"
PAGE = "docs/alerts.md"
AWAY = "${runbooks:raw}/alerts.md"
"""That page where it is served."""


def runbooks(rules: Path = RULES) -> dict[str, DataLink]:
    """Alert → its runbook. Raises KeyError for a rule without one."""
    groups = scalars.load(rules.read_text(encoding="utf-8"))["groups"]
    return {
        rule["alert"]: DataLink(
            f"Runbook of {rule['alert']}", AWAY + rule["annotations"]["runbook_url"].removeprefix(PAGE)
        )
        for group in groups
        for rule in group["rules"]
        if "alert" in rule
    }
