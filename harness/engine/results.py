"""What a cannon has to tell at the end: counts that close, percentiles, seconds, health. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from harness.engine import health
from harness.engine.answers import DROPPED, STATUS_MASK
from harness.engine.clumps import clumping
from harness.engine.health import CpuSample
from harness.engine.histogram import Histogram
from harness.engine.tape import Tape
from system.contract.history import Kind, Outcome, Phase

NS = 1_000_000_000
GOOD = (Outcome.WIN, Outcome.LOSE, Outcome.REPEAT)
Mask = npt.NDArray[np.bool_]


def counts(code: npt.NDArray[np.uint16], sent: npt.NDArray[np.int64], finished: int) -> dict[str, Any]:
    """``scheduled = sent + dropped + unsent`` and ``sent = Σ outcomes``, with what is left over as ``residues``."""
    outcome = (code >> 10 & 7).astype(np.int64) - 1
    by = np.bincount(outcome + 1, minlength=8)
    outcomes = {kind.name.lower(): int(by[kind + 1]) for kind in Outcome}
    dropped = int(by[DROPPED + 1])
    fired = int(((sent > 0) & (outcome != DROPPED)).sum())
    unsent = int(((sent == 0) & (outcome != DROPPED)).sum())
    status = np.bincount((code & STATUS_MASK)[outcome == Outcome.REFUSED], minlength=1)
    return {
        "scheduled": len(code),
        "sent": fired,
        "dropped": dropped,
        "unsent": unsent,
        "outcomes": outcomes,
        "refused_by_status": {str(s): int(status[s]) for s in np.flatnonzero(status)},
        "residues": {
            "scheduled - sent - dropped - unsent": len(code) - fired - dropped - unsent,
            "sent - outcomes": fired - sum(outcomes.values()),
            "outcomes - completions seen": sum(outcomes.values()) + dropped - finished,
        },
    }


def histograms(tape: Tape, chosen: Mask) -> dict[str, Histogram]:
    """The four times of the chosen taps that were sent, and response and service of the good ones alone."""
    intended, reached, sent, done = (tape.times(c) for c in (tape.intended, tape.reached, tape.sent, tape.done))
    outcome = (tape.codes() >> 10 & 7).astype(np.int64) - 1
    fired = chosen & (sent > 0) & (outcome != DROPPED)
    good = fired & np.isin(outcome, GOOD)
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
    outcome = (tape.codes() >> 10 & 7).astype(np.int64) - 1
    fired = chosen & (sent > 0) & (outcome != DROPPED)
    times = {"response": done - intended, "service": done - sent, "queued": sent - reached}
    return {name: clumping(intended[fired], lasted[fired]) for name, lasted in times.items()}


def seconds(tape: Tape, start_ns: int, stop: int) -> list[dict[str, Any]]:
    """One row for each intended second of the first ``stop`` taps."""
    intended = tape.times(tape.intended)[:stop]
    if not stop:
        return []
    edges = np.searchsorted((intended - start_ns) // NS, np.arange((intended[-1] - start_ns) // NS + 2))
    rows: list[dict[str, Any]] = []
    for number, (low, high) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        part = slice(low, high)
        sent, code = tape.times(tape.sent)[part], tape.codes()[part]
        outcome = (code >> 10 & 7).astype(np.int64) - 1
        fired = (sent > 0) & (outcome != DROPPED)
        done = tape.times(tape.done)[part]
        response = Histogram.of_ns((done - intended[part])[fired])
        service = Histogram.of_ns((done - sent)[fired])
        reached = tape.times(tape.reached)[part]
        lag = Histogram.of_ns((reached - intended[part])[reached > 0])
        by = np.bincount(outcome + 1, minlength=8)
        rows.append(
            {
                "second": number,
                "scheduled": high - low,
                "sent": int(fired.sum()),
                "dropped": int(by[DROPPED + 1]),
                **{kind.name.lower(): int(by[kind + 1]) for kind in Outcome},
                "response_p50_ms": response.percentile_ms(50),
                "response_p99_ms": response.percentile_ms(99),
                "service_p99_ms": service.percentile_ms(99),
                "lag_p99_ms": lag.percentile_ms(99),
            }
        )
    return rows


def result(
    tape: Tape,
    *,
    start_ns: int,
    plan_ns: int,
    stopped_ns: int | None,
    finished: int,
    cpu: list[CpuSample],
    objective_ms: float,
) -> dict[str, Any]:
    """The whole account of one cannon, as JSON. ``stopped_ns``: when fire ceased before the plan's end, or None."""
    code, sent = tape.codes(), tape.times(tape.sent)
    intended, reached = tape.times(tape.intended), tape.times(tape.reached)
    end_ns = min(start_ns + plan_ns, stopped_ns or start_ns + plan_ns)
    measured = (tape.phase == Phase.MEASURED) & (intended < end_ns)
    load = counts(code, sent, finished)
    window = (int(intended[measured][0]), end_ns) if measured.any() else (end_ns, end_ns)
    span_s = max((window[1] - window[0]) / NS, 1e-9)
    within = counts(code[measured], sent[measured], 0)
    within.pop("residues")
    healthy = health.judge(
        intended[measured], reached[measured], window, _within(cpu, window), objective_ms, load["residues"]
    )
    times = histograms(tape, measured)
    good = sum(within["outcomes"][kind.name.lower()] for kind in GOOD)
    users = tape.users()[(sent > 0) & np.isin(tape.kind, (Kind.TAP, Kind.TOO_FAST))]
    kinds = np.bincount(tape.kind[sent > 0], minlength=1)
    return {
        "start_ns": start_ns,
        "stopped_early": stopped_ns is not None,
        "load": load
        | {
            "offered_rps": within["scheduled"] / span_s,
            "achieved_rps": within["sent"] / span_s,
            "good_rps": good / span_s,
            "users": len(np.unique(users)),
            "kinds": {Kind(k).name.lower(): int(kinds[k]) for k in np.flatnonzero(kinds).tolist()},
            "measured": within | {"seconds": span_s},
        },
        "latency_ms": {name: times[name].summary_ms() for name in ("response", "service", "lag", "queued")}
        | {"good": {name: times[f"good_{name}"].summary_ms() for name in ("response", "service")}},
        "mean_ms": {name: times[name].mean_ms for name in ("response", "service", "lag", "queued")},
        "generator": {
            "valid": healthy.valid,
            "reasons": [str(reason) for reason in healthy.reasons],
            "said": [{"says": reason.says, "data": reason.data} for reason in healthy.reasons],
            "cpu_max": healthy.cpu_max,
            "late": healthy.late,
            "seconds": healthy.seconds,
            "bad_seconds": healthy.bad_seconds,
        },
        "seconds": seconds(tape, start_ns, int(np.searchsorted(intended, end_ns))),
        "histograms": {name: histogram.to_json() for name, histogram in times.items()},
        "clumps": clumps(tape, measured),
    }


def _within(cpu: list[CpuSample], window: tuple[int, int]) -> list[CpuSample]:
    return [sample for sample in cpu if window[0] - NS // 2 <= sample.at_ns <= window[1] + NS // 2]
