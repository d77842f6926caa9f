"""Clients that benches measure with: the cannon, wrk, and Locust's FastHttpUser; each alone on a core."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.bench.servers import BenchTarget
from harness.children import for_children
from harness.engine.config import CannonConfig
from harness.engine.process import CannonResult, run_cannon
from harness.errors import EnvironmentNotReady
from harness.stack import tools
from harness.stack.spawn import die_with_parent
from system.contract.routing import tap_path

# Each wrk thread takes the tokens in turn; requests are built once, as ours are.
WRK_SCRIPT = """
local requests, at = {}, 0
for token in io.lines(os.getenv("XIU_TOKENS")) do
  requests[#requests + 1] = "POST " .. os.getenv("XIU_PATH") .. " HTTP/1.1\\r\\nHost: " ..
    os.getenv("XIU_HOST") .. "\\r\\nContent-Length: 0\\r\\nAuthorization: Bearer " .. token .. "\\r\\n\\r\\n"
end
function request()
  at = at % #requests + 1
  return requests[at]
end
"""


@dataclass(frozen=True, slots=True)
class WrkResult:
    """``ok_share``: answers that were 2xx or 3xx."""

    rps: float
    ok_share: float


def wrk(target: BenchTarget, core: int, connections: int, seconds: float) -> WrkResult:
    """Closed loop with wrk, one thread, cycling through the target's tokens."""
    program = tools.need("wrk")
    with tempfile.TemporaryDirectory(prefix="xiu-wrk-") as folder:
        script = Path(folder) / "taps.lua"
        script.write_text(WRK_SCRIPT)
        argv = [str(program), "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", str(script)]
        env = {"XIU_TOKENS": str(target.tokens), "XIU_HOST": target.address, "XIU_PATH": tap_path(target.round)}
        text = pinned([*argv, f"http://{target.address}/"], core, seconds + 30, env)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    whole = re.search(r"(\d+) requests in", text)
    if rate is None or whole is None:
        raise EnvironmentNotReady(f"wrk said: {text.strip()[-500:]}")
    bad = re.search(r"Non-2xx or 3xx responses:\s+(\d+)", text)
    total = max(int(whole[1]), 1)
    return WrkResult(float(rate[1]), 1 - (int(bad[1]) if bad else 0) / total)


def fast_http_user(target: BenchTarget, core: int, users: int, seconds: int) -> float:
    """Requests a second of stock Locust FastHttpUsers without waiting time."""
    argv = [sys.executable, "-m", "harness.bench.fasthttp", f"http://{target.address}", str(users), str(seconds)]
    text = pinned(argv, core, seconds + 60, {"XIU_PATH": tap_path(target.round)})
    return float(json.loads(text.strip().splitlines()[-1])["rps"])


def cannon(
    target: BenchTarget,
    core: int,
    rate_rps: float,
    connections: int,
    seconds: float,
    warmup_s: float = 1.0,
    *,
    realtime: bool = False,
) -> CannonResult:
    """Open loop: a constant rate, warm-up cut off. ``connections`` users tap at once, one a connection.

    ``realtime``: in the real-time class where that is allowed, so that no daemon of the machine delays the pacer.
    """
    with tempfile.TemporaryDirectory(prefix="xiu-bench-") as folder:
        config = CannonConfig(
            fronts=(target.address,),
            segments=(
                {"kind": "constant", "rate_rps": rate_rps, "duration_s": warmup_s, "phase": 0},
                {"kind": "constant", "rate_rps": rate_rps, "duration_s": seconds, "phase": 1},
            ),
            tokens=str(target.tokens),
            result=str(Path(folder) / "result.json"),
            slots=connections,
            connections=connections,
            round=target.round,
            cpu=core,
            drain_s=3.0,
            realtime=realtime,
        )
        return run_cannon(config)


def pinned(argv: list[str], core: int, timeout_s: float, env: dict[str, str], realtime: bool = False) -> str:
    """Standard output of a program on a core; `realtime`: in the real-time class where that is allowed. Raises
    EnvironmentNotReady if it fails.
    """
    done = subprocess.run(
        [sys.executable, "-c", (_REALTIME if realtime else "") + _PIN, str(core), *argv],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=timeout_s,
        check=False,
        env=for_children(env),
        preexec_fn=die_with_parent,
    )
    if done.returncode != 0:
        raise EnvironmentNotReady(f"{Path(argv[0]).name} failed: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout


_REALTIME = """
import os
try:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
except PermissionError:
    pass
"""
_PIN = "import os,sys;os.sched_setaffinity(0,{int(sys.argv[1])});os.execv(sys.argv[2],sys.argv[2:])"
"""Pins itself, then becomes the program: nothing runs on the wrong core, and no code runs between fork and exec."""
