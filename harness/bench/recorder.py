"""Bench ``recorder``: CPU for each request of a run's history, from the tape to sealed records on the disk; lower is
better.

The anchor is the least that keeping costs: the same bytes, hashed and written. A sample is a million requests with
made-up times. Then a tape of ten million is recorded, accounted for and read back, as behind a long run's last answer.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.bench.common import Report, Say, alternate
from harness.engine import recorder
from harness.engine.answers import code_of
from harness.engine.results import JourneyAccount, result
from harness.engine.shots.tap import SHOT as TAP
from harness.engine.tape import Tape
from system.contract.history import OP_DTYPE, Kind, Outcome, Phase

SAMPLE = 1_000_000
LONG_RUN = 10_000_000
USERS = 20_000
RATE_RPS = 35_000
OBJECTIVE_MS = 100.0
EPOCH_NS = 1_000_000_000
OK = 200
SEED = 1


def run(say: Say, *, requests: int = SAMPLE, long_run: int = LONG_RUN) -> Report:
    """Needs no second core and no server; disk for the long run's history, which is removed."""
    people = np.arange(USERS, dtype=np.uint64)
    tape = played(requests)

    def recorded() -> float:
        with _folder() as folder:
            return _cpu_s(lambda: _write(folder, tape, people)) / requests * 1e6

    def written() -> float:
        data = np.zeros(requests, OP_DTYPE).tobytes()
        with _folder() as folder:
            return _cpu_s(lambda: _keep(folder / "bytes", data)) / requests * 1e6

    samples = alternate(recorded, written, say)
    extra = {"requests": requests, "record_bytes": OP_DTYPE.itemsize, "long_run": _long_run(say, long_run, people)}
    return Report("recorder", "µs CPU a request", "the same bytes, sha256 and write", samples, extra)


def played(requests: int) -> Tape:
    """A tape as a run leaves it: evenly spaced taps of users in turn, each answered between 0.2 and 4 ms later."""
    intended = EPOCH_NS + (np.arange(requests, dtype=np.int64) * (1_000_000_000 // RATE_RPS))
    user = np.arange(requests, dtype=np.int32) % USERS
    kind, phase = np.full(requests, Kind.TAP, np.uint8), np.full(requests, Phase.MEASURED, np.uint8)
    tape = Tape.of(intended, user % 100, user, kind, phase)
    took = np.random.default_rng(SEED).integers(200_000, 4_000_000, requests)
    for cells, after in ((tape.reached, 20_000), (tape.sent, 40_000), (tape.done, 40_000 + took)):
        tape.times(cells)[:] = intended + after
    tape.codes()[:] = code_of(Outcome.LOSE, OK)
    return tape


def _long_run(say: Say, requests: int, people: npt.NDArray[np.uint64]) -> dict[str, float]:
    """Seconds of each step after the last answer of a long run."""
    tape = played(requests)
    plan_ns = int(tape.intended[requests - 1]) + 1 - EPOCH_NS
    account = [JourneyAccount("tap", TAP, requests, 100)]
    steps: dict[str, float] = {"requests": requests}
    with _folder() as folder:
        steps["history_s"] = _took_s(lambda: _write(folder, tape, people))
        steps["account_s"] = _took_s(
            lambda: result(
                tape, start_ns=EPOCH_NS, plan_ns=plan_ns, stopped_ns=None, journeys=account, cpu=[],
                objective_ms=OBJECTIVE_MS,
            )
        )  # fmt: skip
        steps["read_s"] = _took_s(lambda: recorder.read_history(folder))
    say(f"{requests:,} requests: " + ", ".join(f"{name} {value:g}" for name, value in steps.items()))
    return steps


def _write(folder: Path, tape: Tape, people: npt.NDArray[np.uint64]) -> None:
    recorder.write_history(folder, recorder.pages(tape, people, 1, 0), "bench", SEED, 0)


def _keep(path: Path, data: bytes) -> None:
    digest = hashlib.sha256(data).hexdigest()
    path.write_bytes(data)
    path.with_suffix(".sha256").write_text(digest)


def _cpu_s(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def _took_s(work: Callable[[], object]) -> float:
    before = time.monotonic()
    work()
    return round(time.monotonic() - before, 2)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="xiu-bench-") as name:
        yield Path(name)
