"""Bench ``workers``: the highest valid rate of two workers ÷ that of one, each on a core with a do-nothing server of
its own.

A worker and its server (nginx, which answers at once) share one core, with one worker as with two: so the second worker
brings a core and a server like the first one's, and whatever the ratio lacks to 2 is what two workers lose to each
other. The two divide one schedule, as the workers of a run do, and their accounts are merged as a run's are.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from harness.bench import servers
from harness.bench.common import Report, Say, alternate, two_cores
from harness.bench.engine import CONNECTIONS, RESPONSE_P99_MS_MAX, WARMUP_S, highest, sustained
from harness.engine.config import CannonConfig
from harness.engine.process import CannonResult, run_cannon
from harness.errors import EnvironmentNotReady, HarnessError
from harness.orchestrate.merge import side_by_side
from harness.waits import joined

SECONDS = 4.0
FIRST_RPS = 20_000.0
LOADING_S = 3.0
CLOSE = 0.05


def fired(
    targets: Sequence[servers.BenchTarget], cores: Sequence[int], rate_rps: float, seconds: float
) -> CannonResult:
    """As many workers as targets, worker k on core k, all of them over all targets. Raises CannonError."""
    count = len(targets)
    accounts: dict[int, dict[str, Any]] = {}
    failed: list[HarnessError] = []
    with tempfile.TemporaryDirectory(prefix="xiu-workers-") as folder:
        start_ns = time.monotonic_ns() + int(LOADING_S * 1e9)

        def play(worker: int) -> None:
            config = CannonConfig(
                fronts=tuple(target.address for target in targets),
                segments=(
                    {"kind": "constant", "rate_rps": rate_rps, "duration_s": WARMUP_S, "phase": 0},
                    {"kind": "constant", "rate_rps": rate_rps, "duration_s": seconds, "phase": 1},
                ),
                tokens=str(targets[0].tokens), result=str(Path(folder) / f"{worker}.json"), t0_ns=start_ns,
                slots=CONNECTIONS * count, connections=CONNECTIONS * count, round=targets[0].round, cpu=cores[worker],
                objective_ms=RESPONSE_P99_MS_MAX, drain_s=3.0, worker=worker, workers=count,
            )  # fmt: skip
            try:
                accounts[worker] = run_cannon(config).data
            except HarnessError as exc:
                failed.append(exc)

        playing = [threading.Thread(target=play, args=(worker,), daemon=True) for worker in range(count)]
        for one in playing:
            one.start()
        for one in playing:
            joined(one, LOADING_S + seconds + 60)
    if failed:
        raise failed[0]
    return CannonResult(side_by_side([accounts[worker] for worker in sorted(accounts)]))


def run(say: Say, *, seconds: float = SECONDS) -> Report:
    """Raises EnvironmentNotReady without nginx or two cores, or where other work leaves no valid rate."""
    cores = two_cores()
    last = {1: FIRST_RPS, 2: 2 * FIRST_RPS}
    with ExitStack() as stack:
        targets = [stack.enter_context(servers.nginx(core)) for core in cores]

        def most(count: int) -> float:
            def tried(rate_rps: float) -> bool:
                result = fired(targets[:count], cores, rate_rps, seconds)
                good = sustained(result)
                why = (
                    "holds" if good else "does not hold: " + ("; ".join(result.generator["reasons"]) or "server limit")
                )
                say(f"{count} of them, {rate_rps:,.0f}/s {why}")
                return good

            found = highest(lambda rate_rps: any(tried(rate_rps) for _ in range(2)), last[count], CLOSE)
            if not found:
                raise EnvironmentNotReady(f"INVALID: {count} of them keep no rate here: something else uses the cores")
            last[count] = found
            return found

        samples = alternate(lambda: most(2), lambda: most(1), say)
    return Report("workers", "requests/s", "one worker", samples, {"connections_each": CONNECTIONS})
