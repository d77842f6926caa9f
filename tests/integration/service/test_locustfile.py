"""`xiu plan run` of somebody's own locustfile: an honest figure of what they have, and never a silent PASS."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.support import own_locustfile_examples as examples
from tests.support.command import INVALID, Xiu, valid_or_late
from tests.support.own_service import own_service

PLAN = """\
kind: stress
id: tasks
title: Tasks
target: {{locustfile: mine.py, host: "{host}", users: 20}}
rate: {rate}
warm_up: {{duration: 1s, share: 100%}}
steps: [{{kind: constant, share: 100%, duration: 3s}}]
stop: [{{signal: error_share, above: 99%, window: 60s}}]
drain: {{answers: 3s}}
objectives: {{response_p99: 2s}}
"""


@pytest.fixture
def xiu(tmp_path: Path) -> Xiu:
    return Xiu(tmp_path)


def written(folder: Path, tasks: str, host: str = "http://127.0.0.1:1", rate: str = "40/s") -> tuple[str, ...]:
    (folder / "mine.py").write_text(tasks)
    (folder / "tasks.yaml").write_text(PLAN.format(host=host, rate=rate))
    return ("plan", "run", "tasks.yaml", "--progress", "none")


def table_of(run: Path) -> dict[tuple[str, str], tuple[int, int]]:
    """Locust's own table: (type, name) → requests, failures."""
    with (run / "locust_stats.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {(row["Type"], row["Name"]): (int(row["Request Count"]), int(row["Failure Count"])) for row in rows}


def page_of(run: Path) -> dict[tuple[str, str], tuple[int, int]]:
    """What Locust's own page shows: as `table_of`."""
    text = (run / "locust.html").read_text(encoding="utf-8")
    told, _ = json.JSONDecoder().raw_decode(text.partition("window.templateArgs = ")[2])
    rows = told["requests_statistics"]
    return {(row["method"], row["name"]): (row["num_requests"], row["num_failures"]) for row in rows}


def test_tasks_on_an_open_schedule(xiu: Xiu, tmp_path: Path) -> None:
    with own_service() as shop:
        done = xiu.valid(*written(tmp_path, examples.SHOP, shop.url))
    assert xiu.runs(), done.stderr
    record = xiu.record()
    assert valid_or_late(record), done.stdout + done.stderr
    assert record["service"] == "locustfile"
    load, each = record["load"], {one["journey"]: one for one in record["traffic"]}
    assert load["scheduled"] == load["sent"] == load["outcomes"]["good"] == 160
    assert each.keys() == {"browse", "order"}
    assert record["latency_ms"]["response"]["p50"] >= record["latency_ms"]["service"]["p50"]
    table = table_of(xiu.runs()[-1])
    assert {name: table["TASK", name][0] for name in each} == {name: one["sent"] for name, one in each.items()}
    assert table["", "Aggregated"] == (160, 0)
    assert page_of(xiu.runs()[-1]) == table
    assert record["guard"]["requests"] == 160, "one for each task; a user's login is none"
    assert table["GET", "/hello"][0] == each["browse"]["sent"]
    assert shop.users.total() == each["order"]["sent"] * len(xiu.runs())
    assert set(record["money"].values()) == {None}


def test_a_file_that_cannot_be_imported_is_bad_input_at_its_line(xiu: Xiu, tmp_path: Path) -> None:
    done = xiu(*written(tmp_path, examples.IMPORTS_NOTHING))
    assert done.returncode == 2
    assert "mine.py:3: cannot be imported: ModuleNotFoundError: No module named 'no_such_thing'" in done.stderr


def test_a_listener_that_raises_is_a_warning_of_its_own(xiu: Xiu, tmp_path: Path) -> None:
    """Locust logs it and goes on. Whatever is raised, all that was to be sent is sent, counted, and told."""
    done = xiu.valid(*written(tmp_path, examples.LISTENERS))
    record = xiu.record()
    assert valid_or_late(record), done.stdout + done.stderr
    told = [reason["data"] for reason in record["reasons"] if reason["code"] == "listener_raised"]
    mine = tmp_path / "mine.py"
    assert {(one["event"], one["place"], one["what"], one["count"]) for one in told} == {
        ("request", f"{mine}:7", "ValueError: no such column", 160),
        ("test_start", f"{mine}:12", "SystemExit: 3", 1),
        ("spawning_complete", f"{mine}:17", "StopUser", 1),
        ("quitting", f"{mine}:22", "KeyboardInterrupt", 1),
    }
    assert record["verdict"] != "PASS"
    assert record["load"]["outcomes"]["good"] == 160
    assert table_of(xiu.runs()[-1])["GET", "calm"] == (160, 0)


def test_what_tasks_start_is_ended_and_a_copy_of_the_generator_is_none(xiu: Xiu, tmp_path: Path) -> None:
    """Copies that return, raise, sleep in a session of their own: each task is counted once, and nothing is left."""
    done = xiu.valid(*written(tmp_path, examples.FORKS, rate="10/s"))
    xiu.all_gone()
    record = xiu.record()
    assert valid_or_late(record), done.stdout + done.stderr
    assert {one["journey"] for one in record["traffic"]} == {"returns", "raises", "sleeps", "works", "spawns", "leaves"}
    assert record["load"]["sent"] == record["load"]["outcomes"]["good"] == 40
    told = (xiu.runs()[-1] / "progress-0.jsonl").read_text()
    assert told.count('"over"') == 1


def test_the_kill_switch_ends_it_and_the_counts_close(xiu: Xiu, tmp_path: Path) -> None:
    """Tasks that never end are broken off: they are not waited for as long as answers are."""
    words = written(tmp_path, examples.ENDLESS, rate="10/s")
    plan = tmp_path / "tasks.yaml"
    plan.write_text(plan.read_text().replace("duration: 3s", "duration: 120s").replace("answers: 3s", "answers: 100s"))
    running = xiu.start(*words)
    xiu.wait_for_event("phase", "measur")
    assert xiu("kill").returncode in (0, 5)
    assert running.wait(60) == 3, xiu.output()
    record = xiu.record()
    endless = next(one for one in record["traffic"] if one["journey"] == "endless")
    assert endless["outcomes"]["unknown"] == endless["sent"] > 0
    load = record["load"]
    assert load["scheduled"] == load["sent"] + load["dropped"] + load["unsent"]
    assert load["unsent"] > 0


def test_tasks_that_raise_or_block_or_send_elsewhere_are_never_green(xiu: Xiu, tmp_path: Path) -> None:
    """A hundred tasks of a tenth of a second each cannot begin in time: gevent is the limit."""
    done = xiu(*written(tmp_path, examples.BAD, rate="30/s"))
    assert done.returncode == INVALID, done.stdout + done.stderr
    record = xiu.record()
    assert "generator_limited" in {reason["code"] for reason in record["reasons"]}
    load = record["load"]
    assert load["scheduled"] == 120 == load["sent"] + load["dropped"] + load["unsent"]
    assert load["sent"] == sum(load["outcomes"].values())
    each = {one["journey"]: one for one in record["traffic"]}
    assert each["boom"]["outcomes"]["raised"] == each["boom"]["sent"] > 0
    assert each["away"]["outcomes"]["raised"] == each["away"]["sent"] > 0, "shop.example is not on the list"
