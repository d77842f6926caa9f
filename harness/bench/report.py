"""Bench ``report``: how long after the last answer of a run of ten million requests its page stands; lower is better.

The anchor is what is promised, 30 s. The requests are made up, everything behind them is the run's own code, one step
after the other as in a run: the cannon's account and records from a tape that was written off, then what the conductor
reads of the records, the joins of its audit, the record, the files and the page. No store is asked: what it would
answer does not grow with the requests.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from harness.bench.common import Report, Say
from harness.bench.recorder import EPOCH_NS, OBJECTIVE_MS, RATE_RPS, SEED, USERS
from harness.children import for_children
from harness.engine import recorder, shots
from harness.engine.answers import code_of
from harness.engine.results import JourneyAccount, result
from harness.engine.shots.tap import SHOT as TAP
from harness.engine.spool import BLOCK_TAPS, TapeSpool
from harness.engine.tape import NEVER, Tape
from harness.environment import environment
from harness.errors import HarnessError
from harness.forecast import lock, share_of
from harness.forecast.lock import Lock
from harness.orchestrate import figures, outcome
from harness.orchestrate.account import RoundAccount, RunAccount
from harness.orchestrate.chosen import Chosen
from harness.orchestrate.phases.celebrate import seen_wins
from harness.orchestrate.scribe import Scribe
from harness.orchestrate.settle import open_users
from harness.orchestrate.silence import fell_silent_s
from harness.phrases import sentence
from harness.runs.folder import REPORT_FILE, new_run
from harness.runs.order import RunOrder, order_of
from harness.runs.record import Timeline
from harness.runs.state import RunState
from harness.stack.spawn import die_with_parent
from plans.models import find, load_plan
from system.contract.api import RoundPublic
from system.contract.history import Kind, Outcome, Phase
from system.contract.routing import Topology

PROMISE_S = 30.0
PAGE_PROMISE_BYTES = 2_000_000
REQUESTS = 10_000_000
FRONTS = Topology(("127.0.0.1:7001", "127.0.0.1:7002"), (0, 0))
WRITTEN_S, POLL_S = 120.0, 0.001
OK = 200


def run(say: Say, *, requests: int = REQUESTS) -> Report:
    """Needs disk for the records, which are removed."""
    steps, cpu = dict[str, float](), _cpu_s()
    with tempfile.TemporaryDirectory(prefix="xiu-report-") as name:
        runs = Path(name)
        order, sealed = _order(runs)
        folder = new_run(runs, order.loaded.plan.id)
        with played_off(requests, folder) as tape:
            account = _cannons(tape, folder, steps, say)
        _conductors(order, sealed, folder, account, steps, say)
        page = (folder / REPORT_FILE).stat().st_size
    took = sum(steps.values())
    extra = {
        "requests": requests,
        "steps_s": {name: round(value, 2) for name, value in steps.items()},
        "cpu_s": round(_cpu_s() - cpu, 2),
        "page_bytes": page,
        "page_promise_bytes": PAGE_PROMISE_BYTES,
        "rss_mib": round(
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << (20 if sys.platform == "darwin" else 10))
        ),
    }
    return Report("report", "s after the last answer", "the promise of 30 s", ((took, PROMISE_S),), extra)


@contextmanager
def played_off(requests: int, folder: Path) -> Iterator[Tape]:
    """A tape as a long run leaves it, written off: evenly spaced taps of users in turn, each answered between 0.2 and
    4 ms later.
    """
    tape, random = Tape.blank(requests, requests), np.random.default_rng(SEED)
    spool = TapeSpool(tape, folder, BLOCK_TAPS)
    columns = {name: np.frombuffer(getattr(tape, name), np.int64) for name in ("intended", "reached", "sent", "done")}
    users, codes = np.frombuffer(tape.user, np.int32), np.frombuffer(tape.code, np.uint32)
    tape.kinds[:], tape.phases[:] = Kind.TAP, Phase.MEASURED
    try:
        for first in range(0, requests, BLOCK_TAPS):
            taps = np.arange(first, min(first + BLOCK_TAPS, requests))
            intended = EPOCH_NS + taps * (1_000_000_000 // RATE_RPS)
            took = random.integers(200_000, 4_000_000, len(taps))
            after: dict[str, Any] = {"intended": 0, "reached": 20_000, "sent": 20_000, "done": 20_000 + took}
            for name, cells in columns.items():
                cells[taps] = intended + after[name]
            users[taps], codes[taps] = taps % USERS, code_of(Outcome.LOSE, OK)
            spool.came(taps)
            _behind(spool, tape, first)
        tape.intended[requests] = NEVER
        spool.settle()
        yield tape
    finally:
        spool.close()


def _behind(spool: TapeSpool, tape: Tape, reached: int) -> None:
    """Until all but the last two blocks are written off. Raises HarnessError where the disk does not keep up."""
    until = time.monotonic() + WRITTEN_S
    while True:
        spool.turn(reached + BLOCK_TAPS)
        if tape.freed >= reached - BLOCK_TAPS:
            return
        if time.monotonic() > until:
            raise HarnessError(f"no block of the tape written within {WRITTEN_S:g} s")
        time.sleep(POLL_S)


def _cannons(tape: Tape, folder: Path, steps: dict[str, float], say: Say) -> dict[str, Any]:
    """What the generator does after the last answer. Returns its account."""
    with _timed(steps, "account", say):
        account = result(
            tape, start_ns=EPOCH_NS, plan_ns=int(tape.intended[len(tape) - 1]) + 1 - EPOCH_NS, stopped_ns=None,
            journeys=[JourneyAccount("tap", TAP, len(tape), 100)], cpu=[], objective_ms=OBJECTIVE_MS,
        )  # fmt: skip
    with _timed(steps, "records", say):
        people = np.arange(USERS, dtype=np.uint64)
        recorder.write_history(folder / "history", recorder.pages(tape, people, 1, 0), folder.name, SEED, 0)
    with _timed(steps, "handed over", say):
        rest = {"awards": 0, "tickets": [], "stop": None, "resources": None, "rate_versions": []}
        (folder / "cannon.json").write_text(json.dumps(account | rest))
        return dict(json.loads((folder / "cannon.json").read_text()))


def _order(runs: Path) -> tuple[RunOrder, Lock]:
    loaded = load_plan(find("gala-share", "stress"), shots.files())
    return order_of(loaded, runs), lock(loaded, share_of(loaded.forecast, loaded.plan, loaded.forecast.scale))


def _conductors(
    order: RunOrder, sealed: Lock, folder: Path, account: dict[str, Any], steps: dict[str, float], say: Say
) -> None:
    """What the conductor does with account and records, to the page."""
    loaded, started, history = order.loaded, datetime.now(UTC), folder / "history"
    share = share_of(loaded.forecast, loaded.plan, loaded.forecast.scale)
    chosen = Chosen(share, sentence("share_told"), False, {})
    state = RunState(
        run_id=folder.name, plan=loaded.plan.id, lane=order.lane, scale=sealed.scale, forecast_sha256=sealed.sha256,
        duration_s=sealed.duration_s, targets=sealed.targets,
    )  # fmt: skip
    played = RoundPublic(
        round=1, lane=order.lane, state="closed", packets=share.packets, budget_fen=share.packets * 100, start_us=0,
        end_us=1, release_ms=1, sponsors=(), commitment="",
    )  # fmt: skip
    got = RunAccount(rounds=[RoundAccount(fired=account, round=played)], topology=FRONTS)
    with _timed(steps, "open users", say):
        open_users(history, 1)
    with _timed(steps, "wins", say):
        seen_wins(history, 1)
    with _timed(steps, "audit", say):
        _audited(history)
    with _timed(steps, "silence", say):
        fell_silent_s([], history, started.timestamp())
    with _timed(steps, "record", say):
        record = outcome.record(order, chosen, sealed, state, got, folder, started, environment(sealed.scale, {}))
    with _timed(steps, "page", say):
        scribe = Scribe(folder)
        scribe.seal(record, Timeline(per_second=figures.timeline_of(got), events=()), ())
        if scribe.failed:
            raise HarnessError(str(scribe.failed))


def _audited(history: Path) -> None:
    """The audit's reading of the records, and its joins with a round's books; a process of its own, as in a run."""
    argv = [sys.executable, "-m", "system.benching.bare_audit", str(history)]
    done = subprocess.run(
        argv,
        env=for_children(),
        capture_output=True,
        encoding="utf-8",
        timeout=WRITTEN_S,
        check=False,
        preexec_fn=die_with_parent,
    )
    if done.returncode != 0:
        raise HarnessError(f"the audit's joins failed: {done.stderr.strip()[-500:]}")


def _cpu_s() -> float:
    """Of this process and the children that ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


@contextmanager
def _timed(steps: dict[str, float], name: str, say: Say) -> Iterator[None]:
    before = time.monotonic()
    yield
    steps[name] = time.monotonic() - before
    say(f"{name}: {steps[name]:.2f} s")
