"""How root runs a program that refuses root, and how a user without a name runs one that wants a name.

Tries each way once, before anything is started. Otherwise an error names the cause and the ways out.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess

from harness import who
from harness.children import for_children
from harness.errors import EnvironmentNotReady

TRY_S = 20.0
OUT = (
    "run as an ordinary user with a name (docker run --user NAME), or allow user namespaces (docker run "
    "--security-opt seccomp=unconfined; sysctl user.max_user_namespaces), or name a PostgreSQL in XIU_POSTGRES_URL"
)


@functools.cache
def prefix() -> tuple[str, ...]:
    """What stands before the program's command line; empty for an ordinary user with a name.

    Raises EnvironmentNotReady. A user namespace first: in it root's own files stay its own, nothing is chowned. Where
    that is forbidden, as in Docker by default, root becomes an ordinary user for good, and keeps the right to reach
    its own folders.
    """
    uid = os.geteuid()
    if uid != 0 and who.name_of(uid):
        return ()
    cause = "PostgreSQL refuses root" if uid == 0 else f"PostgreSQL wants its user named, and uid {uid} has no name"
    lines: list[str] = []
    for way in _ways(uid):
        why = _tried(way)
        if why is None:
            return way
        lines.append(why)
    raise EnvironmentNotReady(f"{cause}, and {'; '.join(lines) or 'this machine knows no other user'}; {OUT}")


def _ways(uid: int) -> list[tuple[str, ...]]:
    known = who.accounts()
    if not known:
        return []
    ways: list[tuple[str, ...]] = [("unshare", "--user", f"--map-user={known[0]}", f"--map-group={known[0]}")]
    if uid == 0:
        to = str(known[-1])
        caps = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
        # Another user's child would outlive the supervisor otherwise: the kernel forgets the signal with the user.
        ways.append(("setpriv", f"--reuid={to}", f"--regid={to}", "--clear-groups", *caps, "--pdeathsig=keep", "--"))
    return ways


def _tried(way: tuple[str, ...]) -> str | None:
    """None where it works, else why not."""
    if shutil.which(way[0]) is None:
        return f"{way[0]} is missing (apt-get install util-linux)"
    try:
        done = subprocess.run(
            [*way, "true"], env=for_children(), stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8",
            errors="replace", timeout=TRY_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as exc:
        return f"{way[0]}: {exc}"
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or [f"{way[0]} failed"])[0]
