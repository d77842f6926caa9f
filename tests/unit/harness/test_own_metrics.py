"""A process's own figures never disturb it: no port, a full disk, slow scrapers, no thread."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import own_metrics
from harness.own_metrics import SCRAPERS_MOST, OwnMetrics
from harness.stack.ports import Ports
from harness.watch.prom import PromError, read_metrics
from tests.support.stores import wait_until


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[OwnMetrics]:
    metrics = OwnMetrics("watchdog", tmp_path)
    yield metrics
    metrics.stop()


def read(metrics: OwnMetrics) -> set[str]:
    url = metrics.url(30)
    assert url is not None
    return {name for name, _ in read_metrics(url, 20.0)}


def test_figures_are_served_until_the_end_and_the_target_goes_with_them(mine: OwnMetrics, tmp_path: Path) -> None:
    assert {"drill_build_info", "process_open_fds"} <= read(mine.begin())
    target = tmp_path / "watchdog.json"
    wait_until(target.exists, 20, "the target")
    assert json.loads(target.read_text()) == [{"targets": [f"127.0.0.1:{mine.port}"], "labels": {"part": "watchdog"}}]
    mine.stop()
    assert os.listdir(tmp_path) == []
    with pytest.raises(PromError):
        read(mine)


def test_what_a_killed_holder_left_goes_when_the_next_one_begins(mine: OwnMetrics, tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(20)
    gone = [f"cannon-{ended.pid}.json", f"watchdog-{ended.pid}.json", f"cannon-{ended.pid}.new{ended.pid}"]
    gone += [f"run-{ended.pid}-9104.json", f"run-{ended.pid}-9104.new"]
    kept = [
        f"run-{os.getpid()}-9104.json",
        f"cannon-{os.getpid()}.json",
        "supervisor.json",
        f"node-{ended.pid}.json",
        "cannon-1x.json",
    ]
    for name in (*gone, *kept):
        (tmp_path / name).write_text("[]")
    read(mine.begin())
    wait_until((tmp_path / "watchdog.json").exists, 20, "the target")
    assert sorted(os.listdir(tmp_path)) == sorted([*kept, "watchdog.json"])


def test_a_port_that_is_held_for_a_part_or_taken_is_left_alone(
    mine: OwnMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ports(["part"]) as ports, socket.create_server(("127.0.0.1", 0)) as taken:
        hindered = [ports.by_name["part"], taken.getsockname()[1]]
        tries, any_port = iter(hindered), random.randrange
        monkeypatch.setattr(random, "randrange", lambda *bounds: next(tries, None) or any_port(*bounds))
        read(mine.begin())
        assert next(tries, None) is None, "both were tried"
        assert mine.port not in hindered


def test_without_any_port_there_are_no_figures_and_nothing_else_happens(
    mine: OwnMetrics, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with Ports(["part"]) as ports:
        monkeypatch.setattr(own_metrics, "TRIES", 3)
        monkeypatch.setattr(random, "randrange", lambda *_: ports.by_name["part"])
        mine.begin()
        wait_until(lambda: bool(caplog.records), 20, "it is said")
        assert mine.url(0) is None
        assert "no free port" in caplog.text
        mine.stop()


def test_a_full_disk_costs_the_target_until_there_is_space(
    mine: OwnMetrics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = threading.Event()

    def refuse(*_: object, **__: object) -> int:
        full.set()
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", refuse)
        assert read(mine.begin())
        assert full.wait(20)
        assert os.listdir(tmp_path) == []
    wait_until((tmp_path / "watchdog.json").exists, 20, "space again")


def test_scrapers_that_say_nothing_hold_few_places_and_not_for_long(
    mine: OwnMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_metrics._Handler, "timeout", 0.5)
    mine.begin()
    assert mine.url(10)
    address = ("127.0.0.1", mine.port or 0)
    silent = [socket.create_connection(address, 5) for _ in range(SCRAPERS_MOST + 20)]
    try:
        before = threading.active_count()
        assert before < 20 + SCRAPERS_MOST, "no thread for each of them"

        def answers() -> bool:
            try:
                return bool(read(mine))
            except PromError:
                return False

        wait_until(answers, 30, "places are free again")
    finally:
        for each in silent:
            each.close()


def test_a_process_that_gets_no_thread_goes_on(mine: OwnMetrics, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(own_metrics, "END_S", 60.0)
    began = time.monotonic()
    assert mine.begin().url(0) is None
    mine.stop()
    assert time.monotonic() - began < 30, "nobody is waited for who never began"


def test_its_end_waits_for_no_pause(mine: OwnMetrics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_metrics._Server, "timeout", 3600.0)
    monkeypatch.setattr(own_metrics, "END_S", 30.0)
    read(mine.begin())
    mine.stop()
    assert not mine._thread.is_alive()
