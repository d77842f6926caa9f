"""`xiu plan run` of a climb against somebody's own service whose knee is known: found within one step."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Xiu
from tests.support.firing_range import target

SERVICE_MS, KNEE_RPS = 10.0, 100.0
PLAN = """\
kind: stress
id: knee
title: Knee
target:
  url: http://{address}
  requests: [{{request: browse, path: /a, weight: 3}}, {{request: order, path: /b}}]
rate: 80/s
warm_up: {{duration: 0s, share: 50%}}
steps: [{{kind: climb, one_request: false, shares: [100%, 150%, 200%], window: 3s, hold: 1, patience: 2}}]
drain: {{answers: 3s}}
objectives: {{response_p99: 100ms}}
"""


@pytest.fixture(scope="module")
def climbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str, Path]:
    folder = tmp_path_factory.mktemp("knee")
    xiu = Xiu(folder)
    with target(folder, "knee", SERVICE_MS) as server:
        (folder / "knee.yaml").write_text(PLAN.format(address=server.address))
        done = xiu.valid("plan", "run", "knee.yaml", "--progress", "none")
    assert done.returncode == 0, done.stdout + done.stderr
    return xiu.record(), done.stdout, xiu.runs()[-1]


def test_the_knee_is_found_within_one_step(climbed: tuple[dict[str, Any], str, Path]) -> None:
    record, _, run = climbed
    found = record["capacity"]
    assert (found["held_rps"], found["red_rps"], found["peak_rps"]) == (80, 120, 80)
    assert found["held_rps"] <= KNEE_RPS < found["red_rps"]
    stairs = record["steps"]
    assert [(step["to_rps"], step["seen"], step["held"]) for step in stairs] == [
        (80, "green", True),
        (120, "red", False),
    ], "and no stair beyond it was tried"
    assert all(step["scheduled"] == step["sent"] == step["to_rps"] * step["duration_s"] for step in stairs)
    load = record["load"]
    assert load["scheduled"] == load["sent"] + load["dropped"] + load["unsent"]
    assert json.loads((run / "ledger.json").read_text())["closes"] is True


def test_its_answer_is_graded_and_tells_nothing_of_what_is_not_ours(
    climbed: tuple[dict[str, Any], str, Path],
) -> None:
    record, said, run = climbed
    answer = record["capacity"]["answer"]
    assert (answer["safe"]["value"], answer["safe"]["grade"]) == (80, "measured")
    knee = answer["knee"]
    assert (knee["low"], knee["high"], knee["grade"]) == (80, 120, "measured")
    assert knee["value"] == pytest.approx(KNEE_RPS, rel=0.05)
    assert answer["cells"] is None
    assert set(record["money"].values()) == set(record["wins"].values()) == {None}
    assert answer["suspect"]["text"].startswith("not known: it is not ours")
    assert (answer["parts"], answer["signs"]) == ([], [])
    assert "safe rate /s" in said
    assert "top suspect: not known: it is not ours" in said
    assert "cells" not in said
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "1 times the plan&#39;s rate" in page


def test_an_end_beyond_the_peak_is_a_remark(climbed: tuple[dict[str, Any], str, Path]) -> None:
    record, _, _ = climbed
    assert record["verdict"] == "WARN"
    assert "climb_stopped" in {reason["code"] for reason in record["reasons"]}
    assert {row["state"] for row in record["forecast"]} == {"NOT_EVALUATED"}


TASKS = """\
from locust import FastHttpUser, task


class Reader(FastHttpUser):
    @task
    def read(self):
        self.client.get("/")
"""


def test_tasks_of_a_locustfile_climb_too(tmp_path: Path) -> None:
    """gevent starts them: on a busy machine it is late, and then no knee is told. Such an attempt is repeated, and its
    counts close all the same; a valid one finds the knee.
    """
    xiu = Xiu(tmp_path)
    (tmp_path / "mine.py").write_text(TASKS)
    with target(tmp_path, "knee", 25.0) as server:
        text = PLAN.format(address=server.address).replace("rate: 80/s", "rate: 30/s")
        text = re.sub(r"target:\n.*\n.*\n", f'target: {{locustfile: mine.py, host: "http://{server.address}"}}\n', text)
        text = text.replace("[100%, 150%, 200%]", "[100%, 200%]").replace("100ms", "250ms")
        (tmp_path / "tasks.yaml").write_text(text)
        done = xiu.valid("plan", "run", "tasks.yaml", "--progress", "none")
    for run in xiu.runs():
        record = json.loads((run / "run.json").read_text())
        load, steps = record["load"], record["steps"]
        assert load["scheduled"] == load["sent"] + load["dropped"] + load["unsent"], run
        assert load["scheduled"] == sum(round(step["to_rps"] * step["duration_s"]) for step in steps), run
        valid = "generator_limited" not in {reason["code"] for reason in record["reasons"]}
        assert valid or record["verdict"] == "INVALID", run
    assert done.returncode == 0, done.stdout + done.stderr
    found = xiu.record()["capacity"]
    assert (found["held_rps"], found["red_rps"]) == (30, 60)
    assert found["held_rps"] <= 1000 / 25 < found["red_rps"]
    assert found["answer"]["knee"]["value"] == pytest.approx(1000 / 25, rel=0.05)
