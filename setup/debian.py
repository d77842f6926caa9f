"""Unpacks programs out of Debian packages into `.tools/`; installs nothing. Uses the standard library alone.

Reads apt's own lists where they exist; else fetches fresh ones into `.tools/`. Works without root, and as root changes
nothing outside the checkout.
"""

from __future__ import annotations

import getpass
import shutil
from pathlib import Path

from shell import BIN, TOOLS, StepFailed, run, step

PACKAGES: dict[str, tuple[str, ...]] = {
    "prometheus": ("prometheus",),
    "nginx": ("nginx",),
    "wrk": ("wrk", "libluajit-5.1-2"),
}
PROGRAMS: dict[str, tuple[str, ...]] = {
    "prometheus": ("usr/bin/prometheus", "usr/bin/promtool"),
    "nginx": ("usr/sbin/nginx",),
    "wrk": ("usr/bin/wrk",),
}
STARTS_WITH = {"prometheus": "--version", "nginx": "-v"}
WRAPPER = """#!/bin/sh
here=$(cd "$(dirname "$0")/.." && pwd)
export LD_LIBRARY_PATH="{libraries}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
exec "$here/{program}" "$@"
"""


def available() -> bool:
    """Are Debian's tools installed?"""
    return shutil.which("apt-get") is not None and shutil.which("dpkg") is not None


def _user() -> str:
    """The user that apt may switch to as root; none for a uid without a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "root"


def _options(own_lists: bool) -> list[str]:
    apt = TOOLS / "apt"
    for folder in (apt / "cache" / "archives" / "partial", apt / "state" / "lists" / "partial", TOOLS / "debian"):
        folder.mkdir(parents=True, exist_ok=True)
    settings = {"Dir::Cache": apt / "cache", "APT::Sandbox::User": _user(), "Debug::NoLocking": "1"}
    if own_lists:
        settings["Dir::State"] = apt / "state"
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def _download(packages: tuple[str, ...], into: Path) -> None:
    try:
        run(("apt-get", *_options(own_lists=False), "download", *packages), cwd=into)
    except StepFailed:
        # No lists on this machine, or lists of versions that are gone.
        options = _options(own_lists=True)
        run(("apt-get", *options, "update"), cwd=into)
        run(("apt-get", *options, "download", *packages), cwd=into)


def install(name: str) -> None:
    """Fetch and unpack a program with the libraries it brings. Raises StepFailed."""
    with step(f"{name}, from Debian's packages"):
        tree = TOOLS / "debian" / name
        shutil.rmtree(tree, ignore_errors=True)
        tree.mkdir(parents=True)
        _download(PACKAGES[name], tree)
        for package in sorted(tree.glob("*.deb")):
            run(("dpkg", "-x", package, tree))
            package.unlink()
        libraries = sorted({str(path.parent) for path in (tree / "usr" / "lib").rglob("*.so*")})
        for program in PROGRAMS[name]:
            _offer(tree / program, libraries)
        shutil.rmtree(TOOLS / "apt", ignore_errors=True)
        if name in STARTS_WITH:
            # Built for another release of Debian, it may not start here.
            run((BIN / name, STARTS_WITH[name]))


def _offer(program: Path, libraries: list[str]) -> None:
    """Puts a script into `.tools/bin` that starts the program with its libraries."""
    BIN.mkdir(parents=True, exist_ok=True)
    here = [f"$here/{Path(folder).relative_to(TOOLS)}" for folder in libraries]
    text = WRAPPER.format(libraries=":".join(here), program=program.relative_to(TOOLS))
    if not here:
        text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("export"))
    script = BIN / program.name
    script.write_text(text)
    script.chmod(0o755)
