"""Folders of one's own, read beside the project's: `--faults DIR`, `--drills DIR`, `--playbooks DIR`."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.errors import BadInput


def add(parser: argparse.ArgumentParser, *what: str) -> None:
    """Adds an option for each of `what` (`faults`, say); each may be given several times."""
    for each in what:
        help_ = f"{each} of one's own, beside those of the project"
        parser.add_argument(f"--{each}", type=Path, action="append", default=[], metavar="DIR", help=help_)


def given(args: argparse.Namespace, what: str) -> list[Path]:
    """The folders given. Raises BadInput for one that is not there."""
    folders: list[Path] = getattr(args, what)
    for folder in folders:
        if not folder.is_dir():
            raise BadInput(f"--{what} {folder}", expected="a folder with .yaml files")
    return folders


def playbooks(args: argparse.Namespace) -> list[Path]:
    """The folders of `--playbooks`, read together with the project's playbooks. Raises PlanError for every problem of
    a file, and for playbooks that conflict.
    """
    own = given(args, "playbooks")
    if own:
        from chaos.playbook import library
        from plans.models.playbook import playbook_files

        library.load([*playbook_files(), *library.files_of(own)])
    return own
