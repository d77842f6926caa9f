"""Folders of one's own, beside the project's library: `--faults DIR`, `--drills DIR`, `--playbooks DIR`."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.errors import BadInput


def add(parser: argparse.ArgumentParser, *what: str) -> None:
    """An option for each of `what` (`faults`), to be given as often as wanted."""
    for each in what:
        help_ = f"{each} of one's own, beside those of the project"
        parser.add_argument(f"--{each}", type=Path, action="append", default=[], metavar="DIR", help=help_)


def given(args: argparse.Namespace, what: str) -> list[Path]:
    """The folders. Raises BadInput for one that is none."""
    folders: list[Path] = getattr(args, what)
    for folder in folders:
        if not folder.is_dir():
            raise BadInput(f"--{what} {folder}", expected="a folder with .yaml files")
    return folders
