"""A system that is ready for a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.guard.precheck import StartRequest, local_ports
from tests.support.start_request import PartServer, parts, ready


@pytest.fixture(scope="session")
def served() -> Iterator[PartServer]:
    with parts() as server:
        yield server


@pytest.fixture
def server(served: PartServer) -> PartServer:
    served.alerts = []
    return served


@pytest.fixture
def whole(server: PartServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StartRequest:
    (tmp_path / "ports").write_text(f"1\t{1 << 41}\n")
    monkeypatch.setattr(local_ports, "PORT_RANGE", tmp_path / "ports")
    return ready(server.url, tmp_path)
