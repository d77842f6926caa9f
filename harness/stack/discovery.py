"""Finds stacks under a folder: those that run, and the stores of one that has ended."""

from __future__ import annotations

import json
from pathlib import Path

from harness.errors import EnvironmentNotReady
from harness.stack import external, owner, stores
from harness.stack import folder as folders
from harness.stack.folder import Folder
from harness.stack.stack import Stack


def find_running(var: Path) -> list[Path]:
    """Folders of the stacks that run under `var`, oldest first, private ones too."""
    return list(folders.running(var))


def find_shared(var: Path) -> list[Path]:
    """Running stacks for everybody: left by `xiu up`, or by a run with `--keep` that has ended."""
    return [folder for folder in folders.running(var) if owner.owner_of(folder) is None]


def last_stores(var: Path, *, detach: bool = False, private: bool = False) -> Stack:
    """PostgreSQL and Valkey alone, on the data of the last stack, not started yet.

    Raises EnvironmentNotReady if there is none, or it runs.
    """
    last = folders.last_folder(var)
    if last is None:
        raise EnvironmentNotReady(f"no stack has run under {var}; start one with: xiu up")
    if Folder(last).locked:
        raise EnvironmentNotReady(f"the last stack still runs in {last}; stop it with: xiu down, or use it")
    return stores_of(last, detach=detach, private=private)


def stores_of(folder: Path, *, detach: bool = False, private: bool = False) -> Stack:
    """PostgreSQL and Valkey alone of a stack that has ended, not started yet: on its data, or where they were
    somebody's, at the addresses that stack used, whatever the environment says now.

    Raises EnvironmentNotReady if no stack has run there.
    """
    try:
        plan = json.loads(Folder(Path(folder)).plan.read_text(encoding="utf-8"))
    except OSError as exc:
        raise EnvironmentNotReady(f"no stack has run in {folder}; expected a stack's folder, as under var/") from exc
    theirs = {external.variable(part): url for part, url in plan["externals"].items()}
    theirs[stores.ACCEPTED] = "accepted"  # decided when that stack was made; what is in them is only looked at now
    cells = int(plan.get("cells", 1))
    return Stack(folder, fronts=cells, cells=cells, parts="stores", detach=detach, private=private, environment=theirs)
