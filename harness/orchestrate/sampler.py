"""Reads once a second where the money is, from the processes' metrics, for live view and timeline. (S2 is sampled from
the stores.)

A place that does not answer gives None; nothing is invented.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any, NamedTuple

from harness import loopback
from harness.control_client import ControlClient
from harness.errors import HarnessError
from harness.own_thread import OwnThread
from harness.runs.state import MoneySample, RunState
from harness.stack.addresses import Addresses
from harness.watch.prom import PromError, number, read_metrics
from plans.models.stress import LOOKS_S

EVERY_S = LOOKS_S
TIMEOUT_S = 2.0

STALE_S = 1.0
"""Seconds; a worker that makes progress finishes a pass four times a second."""
DELAYS, APPENDS = "hongbao_credit_delay_seconds_bucket", "hongbao_append_duration_seconds_bucket"
PENDING = "hongbao_pending_awards"
PUBLIC = "live"
RECENT_LEAST = 300
"""Appends of the public just before the load, of which a p99 can be told."""

SUMS = ("credited_fen", "suspense_fen", "awarded_fen", "budget_fen", "postings", "issued_packets")

Samples = dict[str, float]


class MoneySampler(OwnThread):
    """Samples into the state until `stop()`, which takes a last sample."""

    def __init__(
        self,
        addresses: Addresses,
        control: ControlClient,
        round_id: int,
        state: RunState,
        before: MoneySample | None = None,
    ) -> None:
        """`before`: the last sample of the round before, which is part of every sum: the run's money only grows."""
        super().__init__("sampler")
        self._addresses, self._control, self._round, self._state = addresses, control, round_id, state
        self._before = before
        self._awarded = _SinceStart()
        self._issued = _SinceStart()
        self._baseline = before.live_baseline if before is not None else None
        self._lately: dict[float, float] | None = None
        self.rows: list[tuple[float, MoneySample]] = []

    def _run(self) -> None:
        with loopback.session(TIMEOUT_S) as session:
            while True:
                last = self._over.is_set()
                money = self._sample(session)
                money = money if self._before is None else with_earlier(money, self._before)
                self._state.money = money
                self.rows.append((self._state.now_s, money))
                if last:
                    return
                self._over.wait(EVERY_S)

    def _sample(self, session: loopback.LoopbackSession) -> MoneySample:
        lane = self._state.lane
        try:
            books = self._control.money(self._round)
        except HarnessError:
            books = None
        told = [_figures(session, url, lane) for url in self._addresses.front_metrics_urls]
        front, public = [one.samples for one in told], added([one.appends for one in told])
        if self._baseline is None or self._state.now_s <= 0:
            # The last one before the load; a run that is under way has its first one.
            self._lately = self._lately or public
            self._baseline = usual(self._lately, public)
        workers = [place.metrics_url for place in self._addresses.places.of("credit") if place.lane == lane]
        figures = [_figures(session, url or "", lane) for url in workers]
        credit = [one.samples for one in figures]
        control = _read(session, self._addresses.control_url or "", lane)
        ready = bool(front) and all(front)
        return MoneySample(
            credited_fen=None if books is None else books.credited_fen + books.suspense_fen,
            suspense_fen=None if books is None else books.suspense_fen,
            awarded_fen=self._awarded.of(front, "hongbao_awarded_fen_total") if ready else None,
            budget_fen=None if books is None else books.budget_fen,
            postings=None if books is None else books.postings,
            issued_packets=self._issued.of(front, "hongbao_packets_issued_total") if ready else None,
            backlog_entries=_sum([backlog(one) for one in credit]),
            oldest_age_s=oldest_age_s(credit),
            pending_awards=_whole(sum(one.get(PENDING, 0.0) for one in front)) if ready else None,
            imbalance_fen=_whole(control.get("hongbao_ledger_imbalance_fen")),
            credit_delay=added([one.delays for one in figures]),
            live_append=public,
            live_baseline=self._baseline,
            live_pending=_sum([_whole(one.pending) for one in told]),
            at_s=self._state.now_s,
        )


def with_earlier(money: MoneySample, before: MoneySample) -> MoneySample:
    """A sample of a round plus the sums of the rounds before it; levels are the present ones."""
    sums: dict[str, Any] = {name: _plus(getattr(money, name), getattr(before, name)) for name in SUMS}
    return replace(money, **sums)


def _plus(now: int | None, before: int | None) -> int | None:
    return None if now is None or before is None else now + before


class _SinceStart:
    """A counter of all fronts since the first reading. After a front's restart its part is lost: unknown from then
    on.
    """

    def __init__(self) -> None:
        self._first: float | None = None
        self._last = 0.0
        self._lost = False

    def of(self, fronts: list[Samples], name: str) -> int | None:
        """How much it has grown; None if that cannot be known."""
        now = sum(samples.get(name, 0.0) for samples in fronts)
        self._first = now if self._first is None else self._first
        self._lost = self._lost or now < self._last
        self._last = now
        return None if self._lost else int(now - self._first)


def backlog(credit: Samples) -> int | None:
    """Awards not yet posted, by the worker. None where it says 0 and hangs: it saw none before it hung."""
    lag = _whole(credit.get("hongbao_stream_lag_entries"))
    return None if lag == 0 and credit.get("hongbao_credit_progress_age_seconds", 0.0) > STALE_S else lag


def _sum(values: list[int | None]) -> int | None:
    """Over all workers of a lane; None where one of them does not tell."""
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def oldest_age_s(workers: list[Samples]) -> float | None:
    """Of all that wait, over all workers of a lane; None where one of them does not tell."""
    ages = [age for one in workers if (age := one.get("hongbao_stream_oldest_age_seconds")) is not None]
    return max(ages) if ages and len(ages) == len(workers) else None


def added(histograms: list[dict[float, float] | None]) -> dict[float, float] | None:
    """One histogram of all processes, bucket by bucket; None where one of them tells none."""
    known = [one for one in histograms if one is not None]
    if not known or len(known) < len(histograms):
        return None
    return {edge: sum(one.get(edge, 0.0) for one in known) for edge in known[0]}


def usual(first: dict[float, float] | None, now: dict[float, float] | None) -> dict[float, float] | None:
    """The public's appends between two samples, where they are enough for a p99: what is usual in these minutes. Else
    all since the fronts began, a bad night among them.
    """
    if first is None or now is None or first.keys() != now.keys():
        return now
    fresh = {edge: count - first[edge] for edge, count in now.items()}
    return fresh if min(fresh.values()) >= 0 and fresh.get(float("inf"), 0.0) >= RECENT_LEAST else now


def _whole(value: float | None) -> int | None:
    return None if value is None or (value := number(value)) is None else int(value)


class _PlaceFigures(NamedTuple):
    """Of one process: samples of a lane (or without one) by name; the histograms of credit delays of that lane, and of
    the public's appends; the public's wins without an answer. None where it tells none.
    """

    samples: Samples
    delays: dict[float, float] | None
    appends: dict[float, float] | None
    pending: float | None


def _read(session: loopback.LoopbackSession, url: str, lane: str) -> Samples:
    """Samples of one process for a lane (or without a lane), by name; empty if it does not answer."""
    return _figures(session, url, lane).samples


def _figures(session: loopback.LoopbackSession, url: str, lane: str) -> _PlaceFigures:
    """Everything of one process; nothing where it does not answer."""
    found: Samples = {}
    delays: dict[float, float] = {}
    appends: dict[float, float] = {}
    pending: float | None = None
    with contextlib.suppress(PromError):
        for (name, pairs), value in read_metrics(f"{url.rstrip('/')}/metrics", TIMEOUT_S, session).items():
            labels = dict(pairs)
            if name == APPENDS and labels.get("lane") == PUBLIC:
                appends[float(labels["le"])] = value
            if name == PENDING and labels.get("lane") == PUBLIC:
                pending = value
            if labels.get("lane", lane) != lane:
                continue
            found[name] = found.get(name, 0.0) + value
            if name == DELAYS:
                delays[float(labels["le"])] = value
    return _PlaceFigures(found, delays or None, appends or None, pending)
