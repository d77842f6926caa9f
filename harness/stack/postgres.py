"""How PostgreSQL is prepared and called on this machine. The keeper runs it."""

from __future__ import annotations

from pathlib import Path

from harness.stack import ordinary

SUPERUSER = "xiu"
DATABASE = "xiu"


def as_ordinary_user(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The command line as this machine can run it: PostgreSQL refuses root, and wants a name for its user.

    Raises EnvironmentNotReady.
    """
    return (*ordinary.prefix(), *argv)


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
