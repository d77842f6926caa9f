"""A Prometheus of a test's own, with the test's configuration."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.support.stores import wait_until

DEADLINE_S = 60.0


@contextmanager
def prometheus_at(
    binary: Path, folder: Path, address: str, *, data: Path, options: tuple[str, ...] = ()
) -> Iterator[str]:
    """Serves `folder/prometheus.yml` at `address`; yields the URL once it is ready. Its log is `folder/log`."""
    url = f"http://{address}"
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(
            [
                str(binary), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={data}",
                f"--web.listen-address={address}", *options,
            ],
            stdout=log, stderr=log,
        )  # fmt: skip
        try:
            wait_until(lambda: _ready(url), DEADLINE_S, f"Prometheus is ready; see {folder}/log")
            yield url
        finally:
            child.terminate()
            child.wait(DEADLINE_S)


def _ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/-/ready", timeout=1).ok
    except requests.RequestException:
        return False
