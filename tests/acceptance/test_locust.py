"""Locust as its users know it: headless, distributed; its totals are the recorder's; the plan sets users and rate."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.command import PLANS, SLICE, Xiu, wait
from tests.support.stores import free_port

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
    done = locust(xiu, *spread, "--csv", str(xiu.folder / "x"), "-t", "12s", "--xiu-plan", SLICE)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = xiu.runs()[-1]
    recorded = json.loads((folder / "history" / "manifest.json").read_text())["count"]
    accounts = [json.loads(path.read_text())["load"] for path in sorted(folder.glob("cannon-*.json"))]
    assert len(accounts) == workers
    assert sum(account["sent"] for account in accounts) == recorded > 0
    assert aggregated(xiu.folder / "x_stats.csv") == (recorded, sum(a["outcomes"]["unknown"] for a in accounts))
    assert list(folder.glob("tokens-*")) == []
    xiu.all_gone()


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


def started(xiu: Xiu, log: Path, *options: str, **more: str) -> subprocess.Popen[bytes]:
    """Locust in the background, in the test's folder; what it says goes to `log`."""
    argv = [sys.executable, "-m", "locust", "-f", LOCUSTFILE, "--headless", *options]
    with log.open("wb") as out:
        process = subprocess.Popen(argv, cwd=xiu.folder, env=xiu.env() | more, stdout=out, stderr=out)
    xiu.started.append(process)
    return process


def test_a_stranger_is_told_nothing_and_a_worker_lost_in_mid_fire_is_missed(xiu: Xiu) -> None:
    """A master and two workers that know the secret, and a third that does not; one of the two is killed."""
    secret = xiu.folder / "secret"
    secret.write_text("the secret of this very run")
    secret.chmod(0o600)
    knows = {"XIU_LOCUST_SECRET_FILE": str(secret)}
    port = str(free_port())
    here = ("--master-host", "127.0.0.1", "--master-port", port)
    master = started(
        xiu, xiu.folder / "master.txt", "--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port,
        "--expect-workers", "3", "--xiu-plan", SLICE, **knows,
    )  # fmt: skip
    one, two = (started(xiu, xiu.folder / f"w{k}.txt", "--worker", *here, **knows) for k in (1, 2))
    stranger = started(xiu, xiu.folder / "stranger.txt", "--worker", *here)

    def said() -> str:
        return "".join((xiu.folder / f"{name}.txt").read_text() for name in ("master", "w1", "w2", "stranger"))

    def cannons() -> list[psutil.Process]:
        return [child for child in psutil.Process(one.pid).children() if "harness.engine.cannon" in child.cmdline()]

    def firing() -> bool:
        told = [path.read_text() for path in xiu.folder.glob("runs/2*/progress-*.jsonl")]
        return len(told) == 2 and all('"sent":0' not in text.splitlines()[-1] for text in told if text) and all(told)

    wait(firing, 90, said)
    folder = xiu.runs()[-1]
    assert list(folder.glob("tokens-*")) == [], "loaded, and gone: a worker killed from now on leaves none"
    (cannon,) = cannons()
    one.kill()
    master.wait(90)
    assert master.returncode == 10, said()
    text = (xiu.folder / "master.txt").read_text()
    assert "does not know the run's secret: it is told nothing" in text
    assert re.search(r"worker \d was lost: it told no account.*taps of 1 of 2 workers are accounted for", text), text
    psutil.wait_procs([cannon], timeout=30)
    assert not cannon.is_running(), "the lost worker's cannon ceased fire"
    for process in (two, stranger):
        process.wait(60)
    tokens = [path for path in folder.rglob("*") if path.is_file() and b"tokens" in path.name.encode()]
    assert tokens == []
    assert not list(folder.glob("fire-order.json"))
