"""How PostgreSQL is made ready and called on this machine. Refuses to run it: that is the keeper's."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from harness.errors import EnvironmentNotReady

SUPERUSER = "xiu"
DATABASE = "xiu"


def as_ordinary_user(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The command line, for root wrapped so that the program sees an ordinary user: PostgreSQL refuses root.

    In a user namespace root's own files stay root's own: nothing is chowned, nobody else's account is borrowed.
    """
    if os.geteuid() != 0:
        return argv
    unshare = shutil.which("unshare")
    if unshare is None:
        raise EnvironmentNotReady(
            "PostgreSQL refuses root, and unshare is missing; run as an ordinary user, or: apt-get install util-linux"
        )
    return (unshare, "--user", "--map-user=1000", "--map-group=1000", *argv)


def init_commands(initdb: Path, postgres: Path, data: Path, password_file: Path) -> list[tuple[tuple[str, ...], bytes]]:
    """Command lines with their standard input that turn an empty place into a cluster with the database, in order."""
    cluster = (str(initdb), "-D", str(data), "-U", SUPERUSER, f"--pwfile={password_file}", "-A", "scram-sha-256")
    locale = (
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--no-instructions",
    )
    single = (str(postgres), "--single", "-D", str(data), "postgres")
    return [
        (as_ordinary_user((*cluster, *locale)), b""),
        (as_ordinary_user(single), f"CREATE DATABASE {DATABASE}\n".encode()),
    ]


def url(port: int, password: str) -> str:
    """The superuser's address."""
    return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{port}/{DATABASE}"
