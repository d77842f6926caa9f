"""Locust as its users know it: headless, distributed; its totals are the recorder's; the plan sets users and rate."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import PLANS, SLICE, Xiu

pytestmark = pytest.mark.serial

LOCUSTFILE = str(PLANS.parent.parent / "harness" / "locustfile.py")


def locust(xiu: Xiu, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs Locust headless in the test's folder."""
    argv = [sys.executable, "-m", "locust", "-f", LOCUSTFILE, "--headless", *options]
    return subprocess.run(argv, cwd=xiu.folder, env=xiu.env(), capture_output=True, text=True, timeout=180)


def aggregated(file: Path) -> tuple[int, int]:
    """(requests, failures) of Locust's total."""
    with file.open() as lines:
        row = next(row for row in csv.DictReader(lines) if row["Name"] == "Aggregated")
    return int(row["Request Count"]), int(row["Failure Count"])


@pytest.mark.parametrize("workers", [1, 2])
def test_totals_equal_the_recorders(workers: int, xiu: Xiu) -> None:
    spread = ["--processes", str(workers)] if workers > 1 else []
    done = locust(xiu, *spread, "--csv", str(xiu.folder / "x"), "-t", "20s", "--xiu-plan", SLICE)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = xiu.runs()[-1]
    recorded = json.loads((folder / "history" / "manifest.json").read_text())["count"]
    accounts = [json.loads(path.read_text())["load"] for path in sorted(folder.glob("cannon-*.json"))]
    assert len(accounts) == workers
    assert sum(account["sent"] for account in accounts) == recorded > 0
    assert aggregated(xiu.folder / "x_stats.csv") == (recorded, sum(a["outcomes"]["unknown"] for a in accounts))
    assert list(folder.glob("tokens-*")) == []
    assert xiu.processes() == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param(("-u", "10"), "the plan sets users and rate", id="users"),
        pytest.param(("-r", "10"), "the plan sets users and rate", id="spawn rate"),
        pytest.param(
            ("-H", "http://127.0.0.1:9"), "is no control or front of a stack that runs here", id="unknown host"
        ),
        pytest.param(("-t", "3s"), "leaves no time for a round", id="too short"),
        pytest.param(("--xiu-scale", "2/1"), "a part of the event", id="more than the event"),
        pytest.param(("--xiu-plan", "gala-shore"), "did you mean gala-share", id="no such plan"),
    ],
)
def test_what_cannot_be_is_refused_in_words(options: tuple[str, ...], says: str, xiu: Xiu) -> None:
    done = locust(xiu, *options)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
