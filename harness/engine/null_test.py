"""Null test: how much can this generator send to a server that does nothing? Run before a plan, never during one.

A ramp is sent and cut into windows of intended time; the ceiling is the rate up to which the generator kept its
schedule and the answers came back. One run of a few seconds finds it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.children import for_children
from harness.engine.config import CannonConfig
from harness.engine.process import CannonError, run_cannon
from harness.engine.recorder import Records, read_history
from harness.stack.spawn import die_with_parent
from harness.waits import killed

NS = 1_000_000_000
WINDOW_NS = 100_000_000
LAG_P99_MS = 1.0
RESPONSE_P99_MS = 10.0
CPU_SHARE = 0.90  # where the schedule breaks, the core is full; a run is INVALID from 90 % of it on
PATIENCE = 3  # windows in a row that must fail before the ramp counts as over: a single one may be due to other work
READY_S = 10.0


@dataclass(frozen=True, slots=True)
class NullTest:
    """``ceiling_rps``: 0.9 of the highest rate kept; ``floor_ms``: median response in calm; ``top_rps``: ramp's end."""

    ceiling_rps: float
    floor_ms: float | None
    top_rps: float


def null_test(
    *,
    server_core: int | None = 0,
    core: int | None = 1,
    connections: int = 1_000,
    top_rps: float = 120_000.0,
    seconds: float = 5.0,
) -> NullTest:
    """Sends a ramp from 1,000/s to ``top_rps``. Raises CannonError if server or cannon do not come up."""
    with tempfile.TemporaryDirectory(prefix="xiu-null-") as folder:
        port = _free_port()
        server = _serve(port, server_core)
        try:
            tokens = Path(folder) / "tokens"
            tokens.write_text("".join(f"{uid}.0.{'0' * 32}\n" for uid in range(1, connections + 1)))
            config = CannonConfig(
                fronts=(f"127.0.0.1:{port}",),
                segments=(
                    {"kind": "constant", "rate_rps": 1_000.0, "duration_s": 0.5},
                    {"kind": "ramp", "from_rps": 1_000.0, "to_rps": top_rps, "duration_s": seconds, "phase": 1},
                ),
                tokens=str(tokens),
                result=str(Path(folder) / "result.json"),
                history=str(Path(folder) / "history"),
                slots=connections,
                connections=connections,
                cpu=core,
                drain_s=2.0,
            )
            run_cannon(config)
        finally:
            killed(server)
        records = read_history(Path(folder) / "history", check=False)
    return judge_ramp(records[records["phase"] == 1], top_rps)


def judge_ramp(records: Records, top_rps: float) -> NullTest:
    """The ceiling, from a finished ramp. Pure."""
    intended, reached, done = (records[name] for name in ("intended_ns", "reached_ns", "done_ns"))
    if not len(intended):
        return NullTest(0.0, None, top_rps)
    window = (intended - intended[0]) // WINDOW_NS
    edges = np.searchsorted(window, np.arange(int(window[-1]) + 2))
    ceiling, failed, kept = 0.0, 0, 0
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = slice(low, high)
        if high - low < 20:
            continue
        lag_ms = _p99(reached[part] - intended[part])
        response_ms = _p99(np.where(done[part] > 0, done[part] - intended[part], NS * 60))
        if lag_ms <= LAG_P99_MS and response_ms <= RESPONSE_P99_MS:
            ceiling, failed, kept = CPU_SHARE * (high - low) * NS / WINDOW_NS, 0, high
        else:
            failed += 1
            if failed >= PATIENCE:
                break
    calm = slice(0, kept // 4)
    floor = float(np.median(done[calm] - intended[calm])) / 1e6 if kept >= 40 else None
    return NullTest(ceiling, floor, top_rps)


def _p99(values_ns: npt.NDArray[np.int64]) -> float:
    return float(np.partition(values_ns, int(len(values_ns) * 0.99))[int(len(values_ns) * 0.99)]) / 1e6


def _free_port() -> int:
    with socket.socket() as probe:
        for port in range(20_000 + os.getpid() % 10_000, 32_000):
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise CannonError("no free port below 32000")


def _serve(port: int, core: int | None) -> subprocess.Popen[bytes]:
    server = subprocess.Popen(
        [sys.executable, "-m", "harness.engine.null_server", str(port)],
        env=for_children(),
        preexec_fn=die_with_parent,
    )
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(server.pid, {core})
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server
        time.sleep(0.02)
    killed(server)
    raise CannonError(f"the do-nothing server does not answer on port {port}")
