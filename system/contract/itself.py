"""What every process of the project exports about itself: its build, its CPU, memory and open files.

One call for each registry; the registry is passed in. Figures are read at each scrape, never in between. Where there is
no /proc (macOS) only the build and the platform are exported.
"""

from __future__ import annotations

import functools
import importlib.metadata
import platform
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, PlatformCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from system.contract.metrics import BUILD_HELP, BUILD_LABELS
from system.contract.process_figures import ProcessFigures

ROOT = Path(__file__).resolve().parents[2]
UNKNOWN = "unknown"
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


class _Build(Collector):
    """Always 1; its labels say what runs."""

    def __init__(self, name: str) -> None:
        self._name = name

    def describe(self) -> Iterator[Metric]:
        """Nothing at registration: figures are read at a scrape."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """One sample."""
        family = GaugeMetricFamily(self._name, BUILD_HELP, labels=BUILD_LABELS)
        family.add_metric((version(), commit(), platform.python_version()), 1)
        yield family


def tell_of_itself(registry: CollectorRegistry, prefix: str = "hongbao", pid: int | None = None) -> None:
    """Adds `{prefix}_build_info`, `python_info` and `process_*` to a registry: of the calling process, or of the
    process `pid`, which must be of the same build and has no registry of its own.
    """
    registry.register(_Build(f"{prefix}_build_info"))
    PlatformCollector(registry=registry)
    whose: Callable[[], int | str] = (lambda: "self") if pid is None else lambda: pid
    registry.register(ProcessFigures(whose))


@functools.cache
def version() -> str:
    """The project's version."""
    try:
        return importlib.metadata.version("xiu")
    except importlib.metadata.PackageNotFoundError:
        return UNKNOWN


@functools.cache
def commit(root: Path = ROOT) -> str:
    """Twelve digits of the commit that is checked out; `unknown` outside of a checkout. Read from git's files."""
    try:
        git = _git_folder(root)
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        name = head.removeprefix("ref: ")
        found = head if name == head else _ref(git, name)
    except (OSError, UnicodeError):
        return UNKNOWN
    return found[:12] if _COMMIT.fullmatch(found) else UNKNOWN


def _git_folder(root: Path) -> Path:
    """`.git`, or where a worktree's file of that name points."""
    git = root / ".git"
    if git.is_file():
        return root / git.read_text(encoding="utf-8").strip().removeprefix("gitdir: ")
    return git


def _ref(git: Path, name: str) -> str:
    common = git
    if (git / "commondir").is_file():
        common = git / (git / "commondir").read_text(encoding="utf-8").strip()
    for folder in (git, common):
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8").strip()
    for line in (common / "packed-refs").read_text(encoding="utf-8").splitlines():
        found, _, ref = line.partition(" ")
        if ref == name:
            return found
    return ""
