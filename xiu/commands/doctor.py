"""Each need: found, version, or missing with the exact command."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from harness.errors import EnvironmentNotReady
from harness.stack import tools
from harness.stack.external import VARIABLES, externals
from xiu.commands._machine import Need, machine

EXAMPLE = "xiu doctor --json"
PYTHON_LEAST = (3, 11)
EXTERNAL_OF = {
    "valkey-server": "valkey",
    "postgres": "postgres",
    "initdb": "postgres",
    "toxiproxy-server": "toxiproxy",
    "prometheus": "prometheus",
    "alertmanager": "alertmanager",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """No options."""


def _python() -> list[Need]:
    here = ".".join(str(n) for n in sys.version_info[:3])
    good = sys.version_info >= PYTHON_LEAST
    needs = [
        Need("python", "everything", True, good, here, sys.executable, "" if good else "make PYTHON=python3.11 setup")
    ]
    lock = tools.ROOT / "requirements.lock"
    wrong = []
    for row in lock.read_text(encoding="utf-8").splitlines() if lock.is_file() else ():
        name, _, version = row.partition("==")
        if not version:
            continue
        try:
            have = metadata.version(name).removeprefix("v")  # v1.2 is 1.2
            if have != version:
                wrong.append(f"{name} {have}, locked {version}")
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} missing")
    detail = "as locked" if not wrong else "; ".join(wrong[:3]) + (f"; {len(wrong) - 3} more" if len(wrong) > 3 else "")
    return [*needs, Need("packages", "everything", True, not wrong, detail, "", "make setup" if wrong else "")]


def _tools() -> list[Need]:
    theirs = externals(os.environ)
    needs = []
    for name, tool in tools.KNOWN.items():
        part = EXTERNAL_OF.get(name, "")
        if part in theirs:
            needs.append(Need(name, tool.what_for, tool.needed, True, "external", VARIABLES[part]))
            continue
        path = tools.find(name)
        if path is None:
            needs.append(Need(name, tool.what_for, tool.needed, False, remedy=tool.remedy))
        else:
            needs.append(Need(name, tool.what_for, tool.needed, True, tools.version(name, path), str(path)))
    return needs


def run(args: argparse.Namespace) -> int:
    """Checks everything. Returns 0, or 5 if something needed is missing."""
    needs = [*_python(), *_tools(), *machine(Path(args.runs), os.environ)]
    ready = all(need.found for need in needs if need.needed)
    if args.json:
        print(json.dumps({"ready": ready, "needs": [asdict(need) for need in needs]}, indent=1))
    else:
        for need in needs:
            mark = "ok     " if need.found else "MISSING" if need.needed else "without"
            tail = f"{need.version} {need.where}".strip() if need.found else f"{need.version} → {need.remedy}".strip()
            print(f"{mark} {need.name:<17} {tail}" + (f"  ({need.what_for})" if not need.found else ""))
        print("ready" if ready else "not ready")
    return 0 if ready else EnvironmentNotReady.exit_code
