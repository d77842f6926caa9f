"""A worker that joins where no master is: told in one sentence, also where something else answers."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from harness.children import for_children
from harness.journeys.joining import VARIABLE
from tests.house import ROOT
from tests.support.stores import free_port

JOIN = """
import sys
import locust.runners
locust.runners.CONNECT_TIMEOUT, locust.runners.CONNECT_RETRY_COUNT = 0.1, 2
from locust.main import main
sys.argv = ["locust", "-f", "{file}", "--worker", "--master-host", "127.0.0.1", "--master-port", "{port}"]
main()
"""


@contextmanager
def nobody() -> Iterator[int]:
    yield free_port()


@contextmanager
def somebody_else() -> Iterator[int]:
    """Takes connections and says what no master says."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("there", [nobody, somebody_else])
def test_who_joins_where_no_master_is_is_told(there: Callable[[], AbstractContextManager[int]], tmp_path: Path) -> None:
    with there() as port:
        code = JOIN.format(file=ROOT / "harness" / "locustfile.py", port=port)
        env = for_children({"PYTHONPATH": str(ROOT), VARIABLE: "sixteen characters"})
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 5, done.stderr
    assert f"no master of a run answers at 127.0.0.1:{port}; expected `xiu plan run" in done.stderr
    assert "Traceback" not in done.stderr
