"""The pilot: what one Locust worker does. Starts a cannon, renews its lease, and books its reports in Locust's
statistics. Under a master the lease is renewed by the master's own sign of life: a master that is lost renews nothing.

Runs in a Locust process, where pipes, threads and sleeping are gevent's. Sends nothing itself.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gevent
from locust.stats import RequestStats, StatsEntry, StatsError

from harness.engine import shots
from harness.engine.prepared import PreparedShot
from harness.engine.process import CannonProcess, CannonResult
from harness.engine.shot import Shot
from harness.engine.shots import tap
from harness.guard.kill import registered
from harness.guard.rate import read_rate, rest_of
from harness.guard.windows import read_windows
from harness.orchestrate.fire_order import FireOrder
from harness.runs.traffic import each

METHOD, NAME = tap.METHOD, tap.ROUTE
LEASE_EVERY_S = 1.0
HEARD_LEASE_S = 4.0
"""Under a master, whose last sign of life may be this much on its way: then all is silent within 5 s of its end."""
_UNKNOWN, _FAILED = "unknown: no answer, it may have happened", "no answer, or not as the plan expects"


class LocustCounts:
    """Turns the cannon's cumulative counts into additions to Locust's entries, so that pages, CSV and
    totals are right. Each journey is booked under its shot's method and route. `prepared`: the shots that are
    no file of this project, by journey.
    """

    def __init__(self, stats: RequestStats, prepared: Mapping[str, Shot] | None = None) -> None:
        self._stats, self._prepared = stats, prepared or {}
        self._journeys: dict[str, _BookedCounts] = {}

    def book(self, counts: dict[str, Any]) -> None:
        """Takes over one message of counts; each number only ever grows."""
        for one in each(counts):
            journey = one.get("journey", shots.TAP)
            booked = self._journeys.setdefault(journey, _BookedCounts())
            self._book(booked, one, self._prepared.get(journey) or shots.find(one.get("shot", shots.TAP)))

    def _book(self, booked: _BookedCounts, counts: Mapping[str, Any], shot: Shot) -> None:
        outcomes: dict[str, int] = counts["outcomes"]
        answered = booked.grown("answered", sum(outcomes.values()))
        failures = getattr(shot, "failures", ("unknown",))
        unknown = booked.grown("unknown", sum(outcomes.get(name, 0) for name in failures))
        if answered == 0:
            return
        fresh: dict[int, int] = {}
        for edge_us, count in counts["response_us"]:
            more = count - booked.buckets.get(edge_us, 0)
            if more:
                booked.buckets[edge_us] = count
                fresh[_rounded_ms(edge_us)] = fresh.get(_rounded_ms(edge_us), 0) + more
        spent_us = booked.grown("spent_us", counts["response_sum_us"])
        for entry in (self._stats.get(shot.route, shot.method), self._stats.total):
            _add(entry, answered, unknown, fresh, spent_us / 1000, counts["response_max_us"] / 1000)
        if unknown:
            error = StatsError(shot.method, shot.route, _FAILED if len(failures) > 1 else _UNKNOWN)
            key = StatsError.create_key(error.method, error.name, error.error)
            self._stats.errors.setdefault(key, error).occurrences += unknown


@dataclass(slots=True)
class _BookedCounts:
    """What of one journey is in the books already."""

    seen: dict[str, int] = field(default_factory=dict)
    buckets: dict[int, int] = field(default_factory=dict)

    def grown(self, key: str, now: int) -> int:
        more = now - self.seen.get(key, 0)
        self.seen[key] = now
        return more


def _rounded_ms(us: int) -> int:
    """Locust's own rounding of response times: two digits."""
    ms = us / 1000
    if ms < 100:
        return round(ms)
    return round(ms, -1) if ms < 1000 else round(ms, -2) if ms < 10_000 else round(ms, -3)  # type: ignore[return-value]


def _add(entry: StatsEntry, answered: int, unknown: int, fresh: dict[int, int], spent_ms: float, max_ms: float) -> None:
    now = int(time.time())
    entry.num_requests += answered
    entry.num_failures += unknown
    entry.num_reqs_per_sec[now] += answered
    if unknown:
        entry.num_fail_per_sec[now] += unknown
    entry.total_response_time += spent_ms  # type: ignore[assignment]
    entry.max_response_time = max(entry.max_response_time, max_ms)  # type: ignore[assignment]
    for bucket, count in fresh.items():
        entry.response_times[bucket] = entry.response_times.get(bucket, 0) + count
    if fresh:
        least = min(fresh)
        entry.min_response_time = least if entry.min_response_time is None else min(entry.min_response_time, least)
    entry.last_request_timestamp = time.time()


@dataclass(slots=True)
class MasterLine:
    """A worker's line to its master. `heard()`: signs of life so far; `tell`: takes the cannon's messages, where the
    master cannot read them in the run's folder.
    """

    heard: Callable[[], int]
    tell: Callable[[bytes], None] | None = None


def fly(
    order: FireOrder,
    worker: int,
    workers: int,
    stats: RequestStats,
    stopping: Callable[[], bool],
    master: MasterLine | None = None,
) -> CannonResult:
    """Sends this worker's part of the order to its end, or until `stopping()`. Raises CannonError.

    The cannon's messages are also written to `progress-<worker>.jsonl` (see `FireOrder.file`) in the order's folder.
    """
    config = order.unpack(worker, workers)
    if master is not None and config.lease_s is not None:
        config = replace(config, lease_s=min(config.lease_s, HEARD_LEASE_S))
    books = LocustCounts(stats, {one.journey: PreparedShot(one) for one in config.prepared})
    with (
        CannonProcess(config, targets=order.targets) as cannon,
        registered(
            [Path(one) for one in (order.register, order.beside) if one],
            cannon.process.pid,
            order.run_id,
            Path(config.kill_file or ""),
            Path(order.folder),
            order.since_s,
        ),
        order.file("progress", worker, ".jsonl").open("wb", buffering=0) as progress,
    ):
        keeper = gevent.spawn(_keep, cannon, order, stopping, master)
        try:
            for message in cannon.lines():
                if message["event"] == "ready":
                    order.tidy(worker)  # loaded: a worker killed from now on leaves no token behind
                    cannon.start(order.t0_ns())
                elif message["event"] == "counts":
                    books.book(message)
                line = json.dumps(message).encode() + b"\n"
                if master is not None and master.tell is not None:
                    master.tell(line)
                try:
                    progress.write(line)
                except OSError:
                    # Neither the live view nor a stop rule can read it any more, so sending stops in order.
                    if cannon.process.poll() is None:
                        cannon.stop()
        finally:
            keeper.kill()
            order.tidy(worker)
        result = cannon.result()
        books.book(_last_counts(result))
        return result


def _last_counts(result: CannonResult) -> dict[str, Any]:
    """The final account in the shape of a message of counts, so that nothing is missing at the end."""
    last: dict[str, Any] = dict(result.data["counts"])
    return last | {"outcomes": result.outcomes}


def _keep(cannon: CannonProcess, order: FireOrder, stopping: Callable[[], bool], master: MasterLine | None) -> None:
    stopped, version, window, heard = False, 0, 0, -1
    while cannon.process.poll() is None:
        if stopping() and not stopped:
            stopped = True
            cannon.stop()
        if not stopped and master is None:
            cannon.lease()
        for turn in range(10):
            if stopping() and not stopped:
                break
            if not stopped and master is not None and (now := master.heard()) != heard:
                heard = now
                cannon.lease()
            if turn % 5 == 0 and not stopped:
                version = _rerate(cannon, order, version)
            if order.config.get("goes_on") and not stopped:
                window = _append(cannon, order, window)
            gevent.sleep(LEASE_EVERY_S / 10)


def _append(cannon: CannonProcess, order: FireOrder, version: int) -> int:
    """Hands the windows over that were ordered behind this one; the last version handed over."""
    for line in read_windows(Path(order.folder), after=version):
        cannon.append(line.version, line.segments)
        version = line.version
    return version


def _rerate(cannon: CannonProcess, order: FireOrder, version: int) -> int:
    """Hands a rate that a person changed over to the cannon, once; the version in force."""
    rate = read_rate(Path(order.folder))
    if rate is None or rate.version <= version:
        return version
    at_ns = time.monotonic_ns() + (rate.at_wall_ns - time.time_ns())
    rest = rest_of(order.config["segments"], (at_ns - order.t0_ns()) / 1e9, rate.taps_per_s)
    if rest and rate.at_wall_ns > order.t0_wall_ns:
        cannon.rate(rate.version, at_ns, rest)
    return rate.version
