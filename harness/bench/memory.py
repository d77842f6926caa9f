"""Bench ``memory``: the generator's memory over a long run, 35,000/s for five minutes against a server that does
nothing; lower is better.

The anchor is what is promised, 300 MiB. One run is the whole sample. The server has a core of its own, the cannon the
other; a cannon that was late says so in ``valid``, its memory is the same.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from harness.bench import servers
from harness.bench.common import Report, Say, two_cores
from harness.engine.config import CannonConfig
from harness.engine.process import CannonProcess, CannonResult
from harness.errors import EnvironmentNotReady

PROMISE_MIB = 300.0
RATE_RPS, SECONDS = 35_000.0, 300.0
USERS, CONNECTIONS = 20_000, 1_000
LOOK_S, TOLD_S = 0.1, 15.0
ENDS_S = 120.0
BYTES_A_REQUEST = 120
"""Of tape and records on disk."""


def run(say: Say, *, seconds: float = SECONDS, rate_rps: float = RATE_RPS) -> Report:
    """Raises EnvironmentNotReady without two cores or room for the records, CannonError."""
    server_core, core = two_cores()
    with tempfile.TemporaryDirectory(prefix="xiu-memory-") as name:
        folder, port = Path(name), servers.free_port()
        needed = int(rate_rps * seconds) * BYTES_A_REQUEST
        if shutil.disk_usage(folder).free < needed:
            raise EnvironmentNotReady(f"{folder}: no room for {needed >> 20} MiB of records")
        config = CannonConfig(
            fronts=(f"127.0.0.1:{port}",),
            segments=({"kind": "constant", "rate_rps": rate_rps, "duration_s": seconds, "phase": 1},),
            tokens=str(servers.plain_tokens(folder / "tokens", USERS)),
            result=str(folder / "result.json"),
            history=str(folder / "history"),
            slots=CONNECTIONS,
            connections=CONNECTIONS,
            cpu=core,
            drain_s=3.0,
            ready_timeout_s=60.0,
        )
        with servers.child([sys.executable, "-m", "harness.engine.null_server", str(port)], port, server_core):
            looks, result, after_s = _watched(config, say, seconds)
    most = max(mib for _, _, mib in looks)
    extra = {
        "rate_rps": rate_rps,
        "seconds": seconds,
        "requests": result.load["sent"],
        "answered": sum(result.outcomes.values()) - result.outcomes["unknown"],
        "firing_mib": max((mib for _, event, mib in looks if event == "counts"), default=None),
        "after_s": after_s,
        "valid": result.valid,
    }
    return Report("memory", "MiB at most", "the promise of 300 MiB", ((most, PROMISE_MIB),), extra)


def _watched(
    config: CannonConfig, say: Say, seconds: float
) -> tuple[list[tuple[float, str, float]], CannonResult, float]:
    """Second, last message and MiB at most so far, again and again; the account; and the seconds from the plan's end to
    the cannon's.
    """
    looks: list[tuple[float, str, float]] = []
    heard: list[dict[str, Any]] = [{"event": "loading"}]
    with CannonProcess(config) as cannon:

        def listen() -> None:
            heard.extend(cannon.lines())

        listener = threading.Thread(target=listen, name="bench-memory", daemon=True)
        listener.start()
        began, told, deadline = time.monotonic(), 0.0, time.monotonic() + seconds + ENDS_S
        while listener.is_alive():
            now, event = time.monotonic() - began, str(heard[-1]["event"])
            if (mib := _most_mib(cannon.process.pid)) is not None:
                looks.append((now, event, mib))
                if now >= told:
                    told = now + TOLD_S
                    say(f"{now:.0f} s, {event}: {mib:.0f} MiB at most")
            if time.monotonic() > deadline:
                raise EnvironmentNotReady(f"the cannon did not end {ENDS_S:g} s after its plan")
            listener.join(LOOK_S)
        after_s = time.monotonic()
        result = cannon.result()
    return looks, result, round(after_s - result.data["start_ns"] / 1e9 - seconds, 2)


def _most_mib(pid: int) -> float | None:
    """Highest resident memory of a process so far; None once it has ended."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            found = [int(line.split()[1]) for line in file if line.startswith("VmHWM:")]
    except OSError:
        return None
    return found[0] / 1024 if found else None
