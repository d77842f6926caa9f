"""`python -m system.play` as a process of a test's own, on a ledger that is migrated already."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from tests.support.children import END_S
from tests.support.play import ADMIN, SECRET
from tests.support.stores import LOOPBACK, free_port, wait_until

READY_S = 60.0


def started_play(folder: Path, dsn: str, port: int, **env: str) -> subprocess.Popen[bytes]:
    """A play of the caller's, who ends it; not ready yet. Its log is `play.log`."""
    folder.mkdir(exist_ok=True)
    (folder / "key").write_text(SECRET.hex())
    (folder / "admin").write_text(ADMIN)
    given = {
        "XIU_LISTEN": f"{LOOPBACK}:{port}",
        "XIU_POSTGRES_URL": dsn,
        "XIU_SECRET_FILE": str(folder / "key"),
        "XIU_ADMIN_TOKEN_FILE": str(folder / "admin"),
    }
    with (folder / "play.log").open("ab") as log:
        command = [sys.executable, "-m", "system.play"]
        return subprocess.Popen(command, env=os.environ | given | env, stdout=log, stderr=log)


@contextmanager
def play_process(folder: Path, dsn: str, port: int = 0, **env: str) -> Iterator[str]:
    """Its address, ready. `port`: 0 for any. `env`: further settings. Raises AssertionError if it died within the
    block.
    """
    port = port or free_port()
    process = started_play(folder, dsn, port, **env)
    try:
        wait_until(lambda: process.poll() is not None or _ready(port), READY_S, "play ready")
        assert process.poll() is None, (folder / "play.log").read_text()
        yield f"http://{LOOPBACK}:{port}"
        assert process.poll() is None, (folder / "play.log").read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_S)
        finally:
            process.kill()
            process.wait(END_S)


def _ready(port: int) -> bool:
    connection = HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
