"""Bench ``cards``: combinations/s of five cards into a blessing ÷ the same statements through bare psycopg.

The play's own code on a real PostgreSQL with the stack's own settings, in ``python -m system.benching.bare_cards``;
four sessions each, every combination another user's and a transaction of its own. HTTP is not part of it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from harness.bench.common import Report, Say, alternate
from harness.bench.credit import played
from harness.stack import Stack, new_folder

USERS = 4_000
SESSIONS = 4


def run(say: Say, *, users: int = USERS) -> Report:
    """Raises EnvironmentNotReady if PostgreSQL does not come up, or a combination of a sample is missing."""
    with tempfile.TemporaryDirectory(prefix="xiu-cards-") as name:
        folder = Path(name)
        with Stack(new_folder(folder), parts="stores", environment={}) as stack:
            argv = ["system.benching.bare_cards", "--postgres", stack.addresses.postgres_url, "--users", str(users)]
            with played(argv, folder / "bare.log") as child:
                child.measure("combine")
                samples = alternate(lambda: child.measure("combine"), lambda: child.measure("bare"), say)
    extra = {"combinations": users, "sessions": SESSIONS, "fsync": "on", "http": "not part of it"}
    return Report("cards", "combinations/s", "the same statements through psycopg, as many sessions", samples, extra)
