"""Every process tells of itself: its build and what it uses of the machine, as the catalogues say, once each."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric as Family

from chaos.playbook.meters import PlaybookMeters
from harness.watch.exporter import Exporter
from harness.watch.prom import read_metrics
from plans.metrics import METRICS as DRILL
from system import web as shared
from system.contract.itself import UNKNOWN, commit, tell_of_itself, version
from system.contract.metrics import ITSELF, METRICS
from system.front.metrics import FrontMetrics
from tests.support.run_in_progress import begun

LINUX = sys.platform == "linux"


def aiohttp_process() -> list[Family]:
    registry = CollectorRegistry()
    shared.add_health(web.Application(), registry, str)
    return list(registry.collect())


def playbook_engine() -> list[Family]:
    registry = CollectorRegistry()
    PlaybookMeters(registry)
    return list(registry.collect())


def front() -> list[Family]:
    return list(FrontMetrics().registry.collect())


@pytest.mark.parametrize(
    ("process", "build"),
    [
        pytest.param(aiohttp_process, "hongbao_build_info", id="control, credit, play"),
        pytest.param(front, "hongbao_build_info", id="front"),
        pytest.param(playbook_engine, "drill_build_info", id="playbook engine"),
    ],
)
def test_a_process_tells_its_build_and_what_it_uses(process: Callable[[], list[Family]], build: str) -> None:
    found = process()
    by_name = {family.name: family for family in found}
    assert len(by_name) == len(found), "each family once"
    (sample,) = by_name[build].samples
    assert sample.value == 1
    assert sample.labels == {"version": version(), "commit": commit(), "python": platform.python_version()}
    for metric in ITSELF if LINUX else ITSELF[:1]:
        family = by_name[metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.kind, metric.help)
    if LINUX:
        assert by_name["process_resident_memory_bytes"].samples[0].value > 1 << 20
        assert by_name["process_open_fds"].samples[0].value >= 3


def test_the_exporter_of_a_run_tells_of_its_process() -> None:
    exporter = Exporter(begun())
    try:
        found = {name for name, _ in read_metrics(exporter.url)}
    finally:
        exporter.stop()
    assert "drill_build_info" in found
    assert "process_cpu_seconds_total" in found or not LINUX


def test_the_build_of_the_catalogues_is_the_one_that_is_told() -> None:
    registry = CollectorRegistry()
    tell_of_itself(registry)
    tell_of_itself(registry, "drill")
    told = {family.name: family for family in registry.collect()}
    for metric in (*METRICS, *DRILL):
        if metric.name.endswith("_build_info"):
            assert told[metric.name].documentation == metric.help
            assert set(told[metric.name].samples[0].labels) == set(metric.labels)


def git(folder: Path, *words: str) -> str:
    names = ("-c", "user.name=x", "-c", "user.email=x@x")
    done = subprocess.run(["git", *names, *words], cwd=folder, check=True, capture_output=True, text=True, timeout=20)
    return done.stdout.strip()


def test_the_commit_is_what_git_says(tmp_path: Path) -> None:
    root, tree = tmp_path / "root", tmp_path / "tree"
    root.mkdir()
    assert commit(root) == UNKNOWN, "no checkout"
    git(root, "init", "-q", "-b", "main")
    git(root, "commit", "-q", "--allow-empty", "-m", "one")
    head = git(root, "rev-parse", "HEAD")
    git(root, "worktree", "add", "-q", "-b", "beside", str(tree))
    commit.cache_clear()
    assert commit(root) == head[:12]
    assert commit(tree) == head[:12], "a worktree"
    git(root, "pack-refs", "--all")
    git(tree, "checkout", "-q", "--detach")
    commit.cache_clear()
    assert commit(root) == commit(tree) == head[:12], "packed, and a detached head"
    (root / ".git" / "HEAD").write_text("nonsense")
    commit.cache_clear()
    assert commit(root) == UNKNOWN
    commit.cache_clear()
