"""The final account of a cannon: counts that close, percentiles, seconds, health. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.engine import health
from harness.engine.answers import DROPPED, OUTCOMES, STATUS_MASK, UNFED, outcomes_of
from harness.engine.clumps import Counts, clumping_of
from harness.engine.health import CpuSample
from harness.engine.histogram import Histogram
from harness.engine.shot import Shot
from harness.engine.shots.tap import SHOT as TAP
from harness.engine.tape import Tape, TapePart
from system.contract.history import Kind, Phase

NS = 1_000_000_000
PROBES = (Kind.FORGED, Kind.EXPIRED, Kind.FOREIGN, Kind.REPLAYED, Kind.SETTLE)
Mask = npt.NDArray[np.bool_]
TIMES = ("response", "service", "lag", "queued")


@dataclass(frozen=True, slots=True)
class JourneyAccount:
    """A journey as it was sent. ``finished``: how many of its requests the tally saw come to an end."""

    name: str
    shot: Shot
    finished: int
    connections: int


def counts(
    code: npt.NDArray[np.uint32], sent: npt.NDArray[np.int64], finished: int, shot: Shot = TAP
) -> dict[str, Any]:
    """``scheduled = sent + dropped + unfed + unsent`` and ``sent = Σ outcomes``; what is left over as ``residues``."""
    outcome = outcomes_of(code)
    by = np.bincount(outcome + 1, minlength=OUTCOMES)
    outcomes = {name: int(by[number + 1]) for number, name in enumerate(shot.outcomes)}
    refused = shot.outcomes.index("refused") if "refused" in shot.outcomes else DROPPED
    dropped, unfed = int(by[DROPPED + 1]), int(by[UNFED + 1])
    fired = int(((sent > 0) & (outcome != DROPPED)).sum())
    unsent = int(((sent == 0) & (outcome != DROPPED) & (outcome != UNFED)).sum())
    status = np.bincount((code & STATUS_MASK)[(outcome == refused) & (outcome != DROPPED)], minlength=1)
    return {
        "scheduled": len(code),
        "sent": fired,
        "dropped": dropped,
        "unfed": unfed,
        "unsent": unsent,
        "outcomes": outcomes,
        "refused_by_status": {str(s): int(status[s]) for s in np.flatnonzero(status)},
        "residues": {
            "scheduled - sent - dropped - unfed - unsent": len(code) - fired - dropped - unfed - unsent,
            "sent - outcomes": fired - sum(outcomes.values()),
            "outcomes - completions seen": sum(outcomes.values()) + dropped + unfed - finished,
        },
    }


class _Read:
    """One part of a tape as the account needs it: ``chosen`` of its requests."""

    def __init__(self, part: TapePart, chosen: Mask, shot: Shot = TAP) -> None:
        self._part, self._chosen = part, chosen
        self._good = [shot.outcomes.index(name) for name in shot.good]

    @cached_property
    def intended(self) -> npt.NDArray[np.int64]:
        return self._part.intended[self._chosen]

    @cached_property
    def reached(self) -> npt.NDArray[np.int64]:
        return self._part.reached[self._chosen]

    @cached_property
    def sent(self) -> npt.NDArray[np.int64]:
        return self._part.sent[self._chosen]

    @cached_property
    def done(self) -> npt.NDArray[np.int64]:
        return self._part.done[self._chosen]

    @cached_property
    def code(self) -> npt.NDArray[np.uint32]:
        return self._part.code[self._chosen]

    @cached_property
    def outcome(self) -> npt.NDArray[np.int64]:
        return outcomes_of(self.code)

    @cached_property
    def fired(self) -> Mask:
        found: Mask = (self.sent > 0) & (self.outcome != DROPPED)
        return found

    def lasted(self, name: str, fired: Mask | None = None) -> npt.NDArray[np.int64]:
        """response, service, lag or queued, of those that were sent; lag of those that were reached."""
        if name == "lag":
            came = self.reached > 0
            return self.reached[came] - self.intended[came]
        of = self.fired if fired is None else fired
        later, before = {"response": ("done", "intended"), "service": ("done", "sent"), "queued": ("sent", "reached")}[
            name
        ]
        lasted: npt.NDArray[np.int64] = (getattr(self, later) - getattr(self, before))[of]
        return lasted

    @property
    def good(self) -> Mask:
        found: Mask = self.fired & np.isin(self.outcome, self._good)
        return found


class Times:
    """The four times of requests, and response and service of the good ones alone, as they are read."""

    def __init__(self) -> None:
        self.of = {name: Histogram() for name in (*TIMES, "good_response", "good_service")}

    def add(self, read: _Read) -> None:
        for name in TIMES:
            self.of[name].record_ns(read.lasted(name))
        good = read.good
        for name in ("response", "service"):
            self.of[f"good_{name}"].record_ns(read.lasted(name, good))


def clumps(tape: Tape, chosen: Mask) -> dict[str, dict[str, float]]:
    """Of response, service and queued, by percentile: see `harness.engine.clumps`."""

    def read(name: str) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        for part in tape.parts():
            one = _Read(part, chosen[part.start : part.stop])
            yield one.intended[one.fired], one.lasted(name)

    return {name: clumping_of(partial(read, name)) for name in ("response", "service", "queued")}


def seconds(
    tape: Tape, start_ns: int, stop: int, mine: Mask | None = None, shot: Shot = TAP, buckets: bool = False
) -> list[dict[str, Any]]:
    """One row for each intended second of the first ``stop`` requests; of ``mine`` alone, if it is given; ``buckets``:
    with those of its times.
    """
    rows: list[dict[str, Any]] = []
    for part in tape.parts(start_ns, NS):
        chosen = np.arange(part.start, part.stop) < stop
        if mine is not None:
            chosen &= mine[part.start : part.stop]
        rows += _seconds(_Read(part, chosen, shot), start_ns, len(rows), shot, buckets)
    return rows


def _seconds(read: _Read, start_ns: int, first: int, shot: Shot, buckets: bool) -> list[dict[str, Any]]:
    """Rows from the second ``first`` on to that of the last request read."""
    if not len(read.intended):
        return []
    last = int(read.intended[-1] - start_ns) // NS
    edges = np.searchsorted((read.intended - start_ns) // NS, np.arange(first, last + 2))
    rows: list[dict[str, Any]] = []
    for number, (low, high) in enumerate(pairwise(edges.tolist()), first):
        part = slice(low, high)
        intended, reached, sent, done = (of[part] for of in (read.intended, read.reached, read.sent, read.done))
        fired = read.fired[part]
        response = Histogram.of_ns((done - intended)[fired])
        service = Histogram.of_ns((done - sent)[fired])
        lag = Histogram.of_ns((reached - intended)[reached > 0])
        by = np.bincount(read.outcome[part] + 1, minlength=OUTCOMES)
        rows.append(
            {
                "second": number,
                "scheduled": high - low,
                "sent": int(fired.sum()),
                "dropped": int(by[DROPPED + 1]),
                **{name: int(by[place + 1]) for place, name in enumerate(shot.outcomes)},
                "response_p50_ms": response.percentile_ms(50),
                "response_p99_ms": response.percentile_ms(99),
                "service_p99_ms": service.percentile_ms(99),
                "lag_p99_ms": lag.percentile_ms(99),
            }
            | ({"buckets": _buckets(response=response, service=service, lag=lag)} if buckets else {})
        )
    return rows


def _buckets(**times: Histogram) -> dict[str, dict[str, object]]:
    return {name: histogram.to_json() for name, histogram in times.items()}


def result(
    tape: Tape,
    *,
    start_ns: int,
    plan_ns: int,
    stopped_ns: int | None,
    journeys: Sequence[JourneyAccount],
    cpu: list[CpuSample],
    objective_ms: float,
    one_of_several: bool = False,
    goes_on: bool = False,
) -> dict[str, Any]:
    """The whole account of one cannon, as JSON. ``stopped_ns``: when sending stopped before the plan's end, or None.

    At its top stands journey 0; ``beside`` has the same of each other journey. The generator's health is that of all.
    ``one_of_several``: each second carries its buckets, so that the accounts of all workers can be merged. ``goes_on``:
    the plan may have ended at its first, single request. The tape is read part by part.
    """
    end_ns = min(start_ns + plan_ns, stopped_ns or start_ns + plan_ns)
    measured = tape.phase == Phase.MEASURED
    began = int(measured.argmax()) if measured.any() else len(tape)
    first_ns = int(tape.column("intended", began, began + 1)[0]) if began < len(tape) else end_ns
    window = (min(first_ns, end_ns), end_ns)
    lag = health.LagSeconds(window, objective_ms)
    every = [_Journey(number, fired, start_ns, end_ns, one_of_several) for number, fired in enumerate(journeys)]
    senders = _Senders()
    for part in tape.parts(start_ns, NS):
        within = (part.phase == Phase.MEASURED) & (part.intended < end_ns)
        measured[part.start : part.stop] = within
        lag.add(part.intended[within], part.reached[within])
        senders.add(part)
        for one in every:
            one.add(part, within)
    parts = [one.told(window, clumps(tape, measured & (tape.journey == one.number))) for one in every]
    residues = {
        name if not number else f"{journeys[number].name}: {name}": value
        for number, part in enumerate(parts)
        for name, value in part["load"]["residues"].items()
    }
    healthy = health.judged(lag, _within(cpu, window), residues, one_of_several and goes_on)
    own = parts[0]
    return {
        "start_ns": start_ns,
        "stopped_early": stopped_ns is not None,
        **own,
        "load": own["load"] | senders.told(),
        "generator": {
            "valid": healthy.valid,
            "reasons": [str(reason) for reason in healthy.reasons],
            "said": [{"says": reason.says, "data": reason.data} for reason in healthy.reasons],
            "cpu_max": healthy.cpu_max,
            "steal": healthy.steal.mean,
            "steal_max": healthy.steal.most,
            "late": healthy.late,
            "seconds": healthy.seconds,
            "bad_seconds": healthy.bad_seconds,
        },
        "beside": parts[1:],
    }


class _Senders:
    """Who sent requests of journey 0, and of which kinds."""

    def __init__(self) -> None:
        self._users, self._kinds = Counts(), Counts()

    def add(self, part: TapePart) -> None:
        sent = (part.sent > 0) & (part.journey == 0)
        self._kinds.add(part.kind[sent])
        self._users.add(part.user[sent & ~np.isin(part.kind, PROBES)])

    def told(self) -> dict[str, Any]:
        kinds = self._kinds.of
        return {
            "users": int(np.count_nonzero(self._users.of)),
            "kinds": {Kind(k).name.lower(): int(kinds[k]) for k in np.flatnonzero(kinds).tolist()},
        }


class _Journey:
    """What one journey adds to the account: load, times, seconds. Of the measured part are times and rates."""

    def __init__(self, number: int, fired: JourneyAccount, start_ns: int, end_ns: int, buckets: bool) -> None:
        self.number, self._fired, self._start_ns, self._end_ns = number, fired, start_ns, end_ns
        self._buckets, self._rows = buckets, list[dict[str, Any]]()
        self._all, self._measured, self._times = list[dict[str, Any]](), list[dict[str, Any]](), Times()

    def add(self, part: TapePart, measured: Mask) -> None:
        """The next part of the tape; none ends within a second."""
        shot, mine = self._fired.shot, part.journey == self.number
        self._all.append(counts(part.code[mine], part.sent[mine], 0, shot))
        read = _Read(part, measured & mine, shot)
        self._measured.append(counts(read.code, read.sent, 0, shot))
        self._times.add(read)
        due = _Read(part, mine & (part.intended < self._end_ns), shot)
        self._rows += _seconds(due, self._start_ns, len(self._rows), shot, self._buckets)

    def told(self, window: tuple[int, int], clumped: dict[str, dict[str, float]]) -> dict[str, Any]:
        fired, times = self._fired, self._times.of
        load, within = (_added(of, fired.shot) for of in (self._all, self._measured))
        load["residues"]["outcomes - completions seen"] -= fired.finished
        within.pop("residues")
        span_s = max((window[1] - window[0]) / NS, 1e-9)
        good = sum(within["outcomes"][name] for name in fired.shot.good)
        return {
            "journey": fired.name,
            "shot": fired.shot.name,
            "connections": fired.connections,
            "load": load
            | {
                "offered_rps": within["scheduled"] / span_s,
                "achieved_rps": within["sent"] / span_s,
                "good_rps": good / span_s,
                "measured": within | {"seconds": span_s},
            },
            "latency_ms": {name: times[name].summary_ms() for name in TIMES}
            | {"good": {name: times[f"good_{name}"].summary_ms() for name in ("response", "service")}},
            "mean_ms": {name: times[name].mean_ms for name in TIMES},
            "seconds": self._rows,
            "histograms": {name: histogram.to_json() for name, histogram in times.items()},
            "clumps": clumped,
        }


def _added(blocks: Sequence[dict[str, Any]], shot: Shot) -> dict[str, Any]:
    """Counts of all parts; of a tape without one, zeros."""
    nothing = counts(np.zeros(0, np.uint32), np.zeros(0, np.int64), 0, shot)
    out = nothing | {name: sum(block[name] for block in blocks) for name in nothing if isinstance(nothing[name], int)}
    for name in ("outcomes", "refused_by_status", "residues"):
        keys = dict.fromkeys(key for block in (nothing, *blocks) for key in block[name])
        if name == "refused_by_status":
            keys = dict.fromkeys(sorted(keys, key=int))
        out[name] = {key: sum(block[name].get(key, 0) for block in blocks) for key in keys}
    return out


def _within(cpu: list[CpuSample], window: tuple[int, int]) -> list[CpuSample]:
    return [sample for sample in cpu if window[0] - NS // 2 <= sample.at_ns <= window[1] + NS // 2]
