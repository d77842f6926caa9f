"""Every command in the README's boxes works as written; `make` alone is left to its own targets."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.support.command import Xiu

README = Path(__file__).resolve().parents[2] / "README.md"
ROOT = README.parent


def commands() -> list[str]:
    """Lines of the README's shell boxes, without comments."""
    boxes = re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL)
    lines = [line.split("#")[0].strip() for box in boxes for line in box.splitlines()]
    return [line for line in lines if line]


def test_the_readme_names_real_make_targets() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {line.split()[1] for line in commands() if line.startswith("make ")}
    assert named
    assert named <= targets


@pytest.mark.parametrize("line", [line for line in commands() if not line.startswith("make ")])
def test_readme_commands(line: str, xiu: Xiu) -> None:
    word, *rest = shlex.split(line)
    assert word == "xiu"
    done = xiu(*rest)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_readme_links_to_what_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README.read_text())
    missing = [link for link in links if not (ROOT / link).exists()]
    assert missing == []
