"""Prometheus alone, on a copy of the data of a stopped stack, so that its history can be queried again.

The folder itself is only read. Nothing is scraped, no rule runs, no alert is sent.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.children import for_children
from harness.errors import EnvironmentNotReady
from harness.stack import tools
from harness.stack.folder import Folder
from harness.stack.ports import Ports
from harness.stack.spawn import die_with_parent

if TYPE_CHECKING:
    from harness.loopback import LoopbackSession

READY_S, STOP_S, POLL_S = 20.0, 10.0, 0.05


@contextmanager
def past_prometheus(folder: Path) -> Iterator[str]:
    """Its address, until the end of the block. Raises EnvironmentNotReady if there is no history or no program."""
    data = Folder(folder).data("prometheus")
    if not data.is_dir():
        raise EnvironmentNotReady(f"{folder} holds no history of a Prometheus")
    binary = tools.need("prometheus")
    with tempfile.TemporaryDirectory(prefix="xiu-past-") as scratch, Ports(["prometheus"]) as ports:
        copy, config, log = (Path(scratch) / name for name in ("data", "prometheus.yml", "log"))
        shutil.copytree(data, copy, ignore=shutil.ignore_patterns("lock", "queries.active"))
        config.write_text("{}\n", encoding="utf-8")
        address = f"127.0.0.1:{ports.by_name['prometheus']}"
        flags = (f"--config.file={config}", f"--storage.tsdb.path={copy}", f"--web.listen-address={address}")
        # Kept, however old it is.
        argv = [str(binary), *flags, "--storage.tsdb.retention.time=100y", "--log.level=warn"]
        with log.open("wb") as out:
            child = subprocess.Popen(argv, env=for_children(), stdout=out, stderr=out, preexec_fn=die_with_parent)
        try:
            _wait(child, f"http://{address}", log)
            yield f"http://{address}"
        finally:
            child.terminate()
            try:
                child.wait(STOP_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait(STOP_S)


def _wait(child: subprocess.Popen[bytes], url: str, log: Path) -> None:
    from harness import loopback  # by the commands that read a history alone

    until_s = time.monotonic() + READY_S
    with loopback.session(timeout_s=1) as session:
        while not _ready(session, url):
            if child.poll() is not None or time.monotonic() > until_s:
                tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-1:]
                raise EnvironmentNotReady(f"Prometheus did not come up on the history: {''.join(tail)[:200]}")
            time.sleep(POLL_S)


def _ready(session: LoopbackSession, url: str) -> bool:
    import requests

    try:
        return session.get(f"{url}/-/ready").ok
    except requests.RequestException:
        return False
