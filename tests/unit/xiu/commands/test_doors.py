"""`--workers-at`, `--locust-page`, `xiu plan join`: handed over, or refused in words before anything is started."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from harness.journeys.joining import FILE_VARIABLE, VARIABLE
from harness.runs.doors import Door, LocustDoors
from harness.service.order import ServiceOrder
from tests.support.sample_run import record
from tests.support.service_plans import SMALL

SECRET = "sixteen characters at least"
TASKS = """\
kind: stress
id: tasks
title: Tasks
target: {locustfile: mine.py, host: "http://127.0.0.1:8080", users: 5}
rate: 100/s
steps: [{kind: constant, share: 100%, duration: 5s}]
objectives: {response_p99: 100ms}
"""


@pytest.fixture(autouse=True)
def no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (FILE_VARIABLE, VARIABLE):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def mine(tmp_path: Path) -> str:
    file = tmp_path / "mine.yaml"
    file.write_text(SMALL)
    return str(file)


@pytest.mark.usefixtures("no_look")
def test_the_doors_are_handed_over(xiu: Any, mine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    orders: list[ServiceOrder] = []

    def run_service(order: ServiceOrder) -> object:
        orders.append(order)
        return record()

    monkeypatch.setenv(VARIABLE, SECRET)
    monkeypatch.setattr("harness.service.conduct.run_service", run_service)
    assert xiu("plan", "run", mine, "--workers-at", "10.0.0.5:5557", "--locust-page", "8089")[0] == 0
    assert orders[0].doors == LocustDoors(Door("10.0.0.5", 5557), Door("127.0.0.1", 8089))


@pytest.mark.usefixtures("no_look")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(("--workers-at", "10.0.0.5:5557"), "--workers-at without a secret", id="no secret"),
        pytest.param(("--locust-page", "page"), "--locust-page 'page' is no address", id="no port"),
        pytest.param(("--dry-run", "--locust-page", "8089"), "with --dry-run: nothing is started", id="nothing starts"),
    ],
)
def test_what_cannot_be_is_refused(words: tuple[str, ...], says: str, xiu: Any, mine: str) -> None:
    code, _, err = xiu("plan", "run", mine, *words)
    assert code == 2
    assert says in err


@pytest.mark.usefixtures("no_look")
def test_a_locustfile_of_ones_own_has_neither(xiu: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("")
    (tmp_path / "tasks.yaml").write_text(TASKS)
    code, _, err = xiu("plan", "run", str(tmp_path / "tasks.yaml"), "--locust-page", "8089")
    assert code == 2
    assert "with a locustfile of one's own; expected neither" in err


@pytest.mark.usefixtures("no_look")
def test_workers_join_for_one_round(xiu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, SECRET)
    code, _, err = xiu("plan", "run", "evening-compressed", "--workers-at", "10.0.0.5:5557")
    assert code == 2
    assert "a plan of one round: a worker joins for one" in err
    code, _, err = xiu("plan", "run", "all", "--short", "--workers-at", "10.0.0.5:5557")
    assert code == 2
    assert "--workers-at with run all: they are of one run" in err


def test_who_joins_becomes_a_worker_of_that_master(xiu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[tuple[list[str], dict[str, str]]] = []

    def become(_: str, argv: list[str], environment: dict[str, str]) -> None:
        became.append((argv, environment))
        raise SystemExit(0)

    monkeypatch.setenv(VARIABLE, SECRET)
    monkeypatch.setenv("LOCUST_USERS", "5")
    monkeypatch.setattr(os, "execve", become)
    assert xiu("plan", "join", "10.0.0.5:5557")[0] == 0
    ((argv, environment),) = became
    assert argv[-5:] == ["--worker", "--master-host", "10.0.0.5", "--master-port", "5557"]
    assert environment[VARIABLE] == SECRET
    assert "LOCUST_USERS" not in environment


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(("10.0.0.5:5557",), "join without a secret", id="no secret"),
        pytest.param(("5557",), "join '5557' is no address; expected HOST:PORT", id="no host"),
    ],
)
def test_who_cannot_join_is_told_why(words: tuple[str, ...], says: str, xiu: Any) -> None:
    code, _, err = xiu("plan", "join", *words)
    assert code == 2
    assert says in err
