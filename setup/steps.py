"""The steps of the set-up, and which of them are needed. Quick and quiet when nothing is missing.

Uses the standard library alone.
"""

from __future__ import annotations

import fcntl
import shutil
from concurrent.futures import ThreadPoolExecutor

import debian
import golang
import hot_path
import packages
from shell import BIN, TOOLS, StepFailed, say

EXIT_NOT_READY = 5
OBSERVERS = ("prometheus", "promtool")
ANCHORS = ("nginx", "wrk")


def have(name: str) -> bool:
    """Is the program on PATH or in `.tools/bin`?"""
    return (BIN / name).is_file() or shutil.which(name) is not None


def prometheus() -> None:
    """Prometheus from PATH, else Debian's package, else built with Go. Without it the set-up says so and goes on."""
    if all(have(name) for name in OBSERVERS):
        return
    if debian.available():
        try:
            debian.install("prometheus")
            return
        except StepFailed as error:
            say(f"setup: {error}")
    try:
        golang.build_prometheus()
    except StepFailed as error:
        say(f"setup: {error}\nsetup: goes on without Prometheus: alert and playbook steps will be skipped")


def anchors() -> None:
    """nginx and wrk, with which benches compare. Raises StepFailed."""
    for name in ANCHORS:
        if have(name):
            continue
        if not debian.available():
            raise StepFailed(
                f"{name} is missing, and there is no apt here to fetch it with: install {name}, then repeat"
            )
        debian.install(name)


def _tools() -> None:
    try:
        golang.install()
        prometheus()
    finally:
        golang.clear()


def _python() -> None:
    if not packages.ready():
        packages.install()
    packages.early()
    hot_path.build()


def main(argv: list[str]) -> int:
    """`--bench` fetches nginx, wrk, vegeta and k6 too. Returns the exit code: 0, or 5 with the reason on stderr."""
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "lock").open("w") as lock:
        # A second `make` beside this one waits, and then finds everything there.
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            # At the same time, because pip waits for the network and Go for the processor.
            with ThreadPoolExecutor(2) as pool:
                for job in [pool.submit(_tools), pool.submit(_python)]:
                    job.result()
            if "--bench" in argv:
                anchors()
                golang.install_beside()
        except StepFailed as error:
            say(f"setup: {error}")
            return EXIT_NOT_READY
    return 0
