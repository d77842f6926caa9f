"""Every way to silence a cannon at full fire: how long until nothing arrives any more, and do its counts close?"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.engine.process import CannonProcess
from tests.support.firing_range import arrivals, orders, steady, target

pytestmark = pytest.mark.serial

RATE_RPS = 5_000


def _kill_file(cannon: CannonProcess) -> None:
    Path(str(cannon.config.kill_file)).touch()


def _term(cannon: CannonProcess) -> None:
    os.kill(cannon.process.pid, signal.SIGTERM)


def _parent_gone(cannon: CannonProcess) -> None:
    assert cannon.process.stdin is not None
    cannon.process.stdin.close()


def _no_lease(cannon: CannonProcess) -> None:
    return None


@pytest.mark.parametrize(
    ("halt", "within_s", "why"),
    [
        pytest.param(CannonProcess.stop, 1.0, "ordered", id="a line"),
        pytest.param(_term, 1.0, "SIGTERM", id="a signal"),
        pytest.param(_kill_file, 1.0, "kill file", id="the kill file"),
        pytest.param(_parent_gone, 1.0, "parent gone", id="end of its parent"),
        pytest.param(_no_lease, 5.0, "lease lost", id="no lease for five seconds"),
    ],
)
def test_fire_ceases(tmp_path: Path, halt: Callable[[CannonProcess], None], within_s: float, why: str) -> None:
    with target(tmp_path, "delay") as server:
        config = orders(
            server, tmp_path, steady(RATE_RPS, 30), slots=200, kill_file=str(tmp_path / "kill"), lease_s=5.0
        )
        with CannonProcess(config) as cannon:
            halted_ns = 0
            for message in cannon.lines():
                if message["event"] == "counts" and message["sent"] > RATE_RPS / 4 and not halted_ns:
                    cannon.lease()
                    halt(cannon)
                    halted_ns = time.monotonic_ns()
            result = cannon.result()
    assert halted_ns
    assert (max(arrivals(tmp_path)) - halted_ns) / 1e9 <= within_s + 0.2
    assert result.data["stop"] == why
    load = result.load
    assert not any(load["residues"].values())
    assert load["scheduled"] == RATE_RPS * 30 == load["sent"] + load["dropped"] + load["unsent"]
    assert load["sent"] == len(arrivals(tmp_path))
    assert load["unsent"] > 0
