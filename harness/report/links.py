"""Where a report's reader finds the runbooks: the configured address, else the docs of this checkout. Loads nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

from harness.stack.people import RUNBOOKS
from harness.stack.tools import ROOT

SCHEMES = ("http", "https", "file")
ALERT = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def runbooks(folder: Path, environment: Mapping[str, str]) -> str:
    """What stands before `alerts.md#…` in a page of that folder. Whatever the variable holds, the page is drawn."""
    base = environment.get(RUNBOOKS, "").strip()
    try:
        parts = urlsplit(base)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme in SCHEMES and "@" not in parts.netloc:
        return base.rstrip("/") + "/"
    return quote(os.path.relpath(ROOT / "docs", folder.resolve())) + "/"


def page_of(alert: object) -> str:
    """The runbook's page and heading of an alert; of a playbook that a person began, the page of all playbooks."""
    if isinstance(alert, str) and ALERT.fullmatch(alert):
        return f"alerts.md#{alert.lower()}"
    return "playbooks.md"
