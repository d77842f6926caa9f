"""The final account of a cannon: counts that close, percentiles, seconds, health. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.engine import health
from harness.engine.answers import DROPPED, OUTCOMES, STATUS_MASK, UNFED, outcomes_of
from harness.engine.clumps import clumping
from harness.engine.health import CpuSample
from harness.engine.histogram import Histogram
from harness.engine.shot import Shot
from harness.engine.shots.tap import SHOT as TAP
from harness.engine.tape import Tape
from system.contract.history import Kind, Phase

NS = 1_000_000_000
PROBES = (Kind.FORGED, Kind.EXPIRED, Kind.FOREIGN, Kind.REPLAYED, Kind.SETTLE)
Mask = npt.NDArray[np.bool_]


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


def histograms(tape: Tape, chosen: Mask, shot: Shot = TAP) -> dict[str, Histogram]:
    """The four times of the chosen taps that were sent, and response and service of the good ones alone."""
    intended, reached, sent, done = (tape.times(c) for c in (tape.intended, tape.reached, tape.sent, tape.done))
    outcome = outcomes_of(tape.codes())
    fired = chosen & (sent > 0) & (outcome != DROPPED)
    good = fired & np.isin(outcome, [shot.outcomes.index(name) for name in shot.good])
    return {
        "response": Histogram.of_ns((done - intended)[fired]),
        "service": Histogram.of_ns((done - sent)[fired]),
        "lag": Histogram.of_ns((reached - intended)[chosen & (reached > 0)]),
        "queued": Histogram.of_ns((sent - reached)[fired]),
        "good_response": Histogram.of_ns((done - intended)[good]),
        "good_service": Histogram.of_ns((done - sent)[good]),
    }


def clumps(tape: Tape, chosen: Mask) -> dict[str, dict[str, float]]:
    """Of response, service and queued, by percentile: see `harness.engine.clumps`."""
    intended, reached, sent, done = (tape.times(c) for c in (tape.intended, tape.reached, tape.sent, tape.done))
    outcome = outcomes_of(tape.codes())
    fired = chosen & (sent > 0) & (outcome != DROPPED)
    times = {"response": done - intended, "service": done - sent, "queued": sent - reached}
    return {name: clumping(intended[fired], lasted[fired]) for name, lasted in times.items()}


def seconds(
    tape: Tape, start_ns: int, stop: int, mine: Mask | None = None, shot: Shot = TAP, buckets: bool = False
) -> list[dict[str, Any]]:
    """One row for each intended second of the first ``stop`` requests; of ``mine`` alone, if it is given; ``buckets``:
    with those of its times.
    """
    chosen = np.arange(stop) if mine is None else np.flatnonzero(mine[:stop])
    intended = tape.times(tape.intended)[chosen]
    if not len(chosen):
        return []
    columns = [tape.times(cells)[chosen] for cells in (tape.reached, tape.sent, tape.done)]
    codes = tape.codes()[chosen]
    edges = np.searchsorted((intended - start_ns) // NS, np.arange((intended[-1] - start_ns) // NS + 2))
    rows: list[dict[str, Any]] = []
    for number, (low, high) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        part = slice(low, high)
        reached, sent, done = (cells[part] for cells in columns)
        outcome = outcomes_of(codes[part])
        fired = (sent > 0) & (outcome != DROPPED)
        response = Histogram.of_ns((done - intended[part])[fired])
        service = Histogram.of_ns((done - sent)[fired])
        lag = Histogram.of_ns((reached - intended[part])[reached > 0])
        by = np.bincount(outcome + 1, minlength=OUTCOMES)
        rows.append(
            {
                "second": number,
                "scheduled": high - low,
                "sent": int(fired.sum()),
                "dropped": int(by[DROPPED + 1]),
                **{name: int(by[number + 1]) for number, name in enumerate(shot.outcomes)},
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
    the plan may have ended at its first, single request.
    """
    intended, reached = tape.times(tape.intended), tape.times(tape.reached)
    end_ns = min(start_ns + plan_ns, stopped_ns or start_ns + plan_ns)
    measured = (tape.phase == Phase.MEASURED) & (intended < end_ns)
    window = (int(intended[measured][0]), end_ns) if measured.any() else (end_ns, end_ns)
    parts = [
        _journey(tape, number, fired, measured, window, start_ns, one_of_several)
        for number, fired in enumerate(journeys)
    ]
    residues = {
        name if not number else f"{journeys[number].name}: {name}": value
        for number, part in enumerate(parts)
        for name, value in part["load"]["residues"].items()
    }
    idle = one_of_several and goes_on
    healthy = health.judge(
        intended[measured], reached[measured], window, _within(cpu, window), objective_ms, residues, idle
    )
    own = parts[0]
    users = tape.users()[(tape.times(tape.sent) > 0) & (tape.journey == 0) & ~np.isin(tape.kind, PROBES)]
    kinds = np.bincount(tape.kind[(tape.times(tape.sent) > 0) & (tape.journey == 0)], minlength=1)
    return {
        "start_ns": start_ns,
        "stopped_early": stopped_ns is not None,
        **own,
        "load": own["load"]
        | {
            "users": len(np.unique(users)),
            "kinds": {Kind(k).name.lower(): int(kinds[k]) for k in np.flatnonzero(kinds).tolist()},
        },
        "generator": {
            "valid": healthy.valid,
            "reasons": [str(reason) for reason in healthy.reasons],
            "said": [{"says": reason.says, "data": reason.data} for reason in healthy.reasons],
            "cpu_max": healthy.cpu_max,
            "late": healthy.late,
            "seconds": healthy.seconds,
            "bad_seconds": healthy.bad_seconds,
        },
        "beside": parts[1:],
    }


def _journey(
    tape: Tape,
    number: int,
    fired: JourneyAccount,
    measured: Mask,
    window: tuple[int, int],
    start_ns: int,
    buckets: bool,
) -> dict[str, Any]:
    """What one journey adds to the account: load, times, seconds. Of the measured part are times and rates."""
    mine = tape.journey == number
    code, sent = tape.codes(), tape.times(tape.sent)
    load = counts(code[mine], sent[mine], fired.finished, fired.shot)
    span_s = max((window[1] - window[0]) / NS, 1e-9)
    within = counts(code[measured & mine], sent[measured & mine], 0, fired.shot)
    within.pop("residues")
    times = histograms(tape, measured & mine, fired.shot)
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
        "latency_ms": {name: times[name].summary_ms() for name in ("response", "service", "lag", "queued")}
        | {"good": {name: times[f"good_{name}"].summary_ms() for name in ("response", "service")}},
        "mean_ms": {name: times[name].mean_ms for name in ("response", "service", "lag", "queued")},
        "seconds": seconds(
            tape, start_ns, int(np.searchsorted(tape.times(tape.intended), window[1])), mine, fired.shot, buckets
        ),
        "histograms": {name: histogram.to_json() for name, histogram in times.items()},
        "clumps": clumps(tape, measured & mine),
    }


def _within(cpu: list[CpuSample], window: tuple[int, int]) -> list[CpuSample]:
    return [sample for sample in cpu if window[0] - NS // 2 <= sample.at_ns <= window[1] + NS // 2]
