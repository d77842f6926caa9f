"""Supervisor, watchdogs and cannons tell of themselves, and the stack's Prometheus reads it; nothing waits for it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chaos.watchdog import Watchdog
from harness.engine.config import CannonConfig
from harness.engine.process import CannonProcess
from harness.stack import Stack, new_folder
from harness.watch.prom import PromError, Prometheus, read_metrics
from system.contract.itself import commit
from tests.support.stores import wait_until


def told(target: Path, pid: int) -> bool:
    """Does what stands in a target's file tell of the process `pid`?"""
    if not target.exists():
        return False
    (row,) = json.loads(target.read_text())
    try:
        samples = read_metrics(f"http://{row['targets'][0]}/metrics")
    except PromError:  # it answers late
        return False
    found = {name: value for (name, _), value in samples.items()}
    builds = [labels for name, labels in samples if "build" in name]
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        began_ticks = float(stat.read().split(")")[-1].split()[19])
    assert [dict(each)["commit"] for each in builds] == [commit()]
    assert found["process_resident_memory_bytes"] > 1 << 20
    return bool(abs(found["process_start_time_seconds"] - boot_s() - began_ticks / 100) < 0.1)


def scraped(prometheus: Prometheus) -> set[str]:
    rows = prometheus.vector('process_cpu_seconds_total{job="harness"}', time.time())
    return {row["metric"]["part"] for row in rows}


def boot_s() -> float:
    lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("btime"))


def cannon(folder: Path) -> CannonConfig:
    (folder / "tokens").write_text("1.2.3\n")
    segment = {"kind": "constant", "rate_rps": 10.0, "duration_s": 1.0}
    return CannonConfig(
        fronts=("127.0.0.1:9",), segments=(segment,), tokens=str(folder / "tokens"), slots=1, connections=1,
        result=str(folder / "result.json"), wait_for_start=True,
    )  # fmt: skip


def test_each_own_process_of_a_stack_is_scraped_for_as_long_as_it_lives(tmp_path: Path) -> None:
    with Stack(new_folder(tmp_path / "var")) as stack:
        targets, state = stack.folder.targets, stack.state()
        parts = {"supervisor": int(state["supervisor_pid"]), "watchdog": int(state["pids"]["watchdog"])}
        for part, pid in parts.items():
            wait_until(lambda part=part, pid=pid: told(targets / f"{part}.json", pid), 20, part)  # type: ignore[misc]
        # Of a run and its cannon that were killed: nothing else begins here, and still nobody scrapes them for long.
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait(20)
        dead = [targets / f"cannon-{ended.pid}.json", targets / f"run-{ended.pid}-9104.json"]
        for path in dead:
            path.write_text("[]")
        wait_until(lambda: not any(path.exists() for path in dead), 20, "what killed processes left is taken away")
        watchdog = Watchdog(stack.folder.path)
        with CannonProcess(cannon(tmp_path), targets=targets) as held:
            mine = [targets / f"cannon-{held.process.pid}.json", targets / f"watchdog-{watchdog.pid}.json"]
            wait_until(lambda: told(mine[0], held.process.pid), 20, "the cannon")
            wait_until(lambda: told(mine[1], watchdog.pid), 20, "the drill's watchdog")
            url = stack.addresses.prometheus_url
            if url is not None:
                prometheus = Prometheus(url)
                wait_until(lambda: scraped(prometheus) >= {*parts, "cannon"}, 20, "all are scraped")
        watchdog.end()
        assert not any(path.exists() for path in mine)


def test_a_cannon_without_a_stack_is_read_at_a_port_of_its_own_until_it_is_let_go(tmp_path: Path) -> None:
    with CannonProcess(cannon(tmp_path)) as held:
        url = held.metrics.url(10)
        assert url is not None
        assert ("process_cpu_seconds_total", frozenset()) in read_metrics(url, 20.0)
        began = time.monotonic()
    assert time.monotonic() - began < 5, "told to stop, it waits no longer for fronts that do not answer"
    with pytest.raises(PromError):
        read_metrics(url)
