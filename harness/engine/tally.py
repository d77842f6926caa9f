"""Running account of a cannon while it fires: cumulative counts and a response histogram, little by little."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.engine.answers import DROPPED, STATUS_MASK
from harness.engine.gun import Gun
from harness.engine.histogram import SAMPLES_BEYOND, Histogram
from system.contract.history import Outcome

_RECENT = 4096


class Tally:
    """Takes over what the gun has finished; cheap enough to be called many times a second."""

    def __init__(self, gun: Gun) -> None:
        self._gun = gun
        tape = gun.tape
        columns = (tape.intended, tape.reached, tape.sent, tape.done)
        # Of the whole capacity: the plan may grow.
        self._intended, self._reached, self._sent, self._done = (np.frombuffer(c, np.int64) for c in columns)
        self._code = np.frombuffer(tape.code, np.uint16)
        self._by = np.zeros(8, np.int64)
        self._status = np.zeros(STATUS_MASK + 1, np.int64)
        self.response, self.service, self.lag = Histogram(), Histogram(), Histogram()
        self._looked_at = 0
        self.finished = 0

    def take(self) -> None:
        gun = self._gun
        taps = np.frombuffer(gun.finished, np.int32).astype(np.intp)
        del gun.finished[:]
        self.finished += len(taps)
        code = self._code[taps]
        outcome = code >> 10 & 7
        by = np.bincount(outcome, minlength=8)
        self._by += by
        if by[Outcome.REFUSED + 1]:
            refused = code[outcome == Outcome.REFUSED + 1] & STATUS_MASK
            self._status += np.bincount(refused, minlength=STATUS_MASK + 1)
        if by[DROPPED + 1]:
            taps = taps[outcome != DROPPED + 1]
        done = self._done[taps]
        self.response.record_ns(done - self._intended[taps])
        self.service.record_ns(done - self._sent[taps])
        came = slice(self._looked_at, gun.next)
        self.lag.record_ns(self._reached[came] - self._intended[came])
        self._looked_at = gun.next

    def cumulative(self) -> dict[str, Any]:
        """Counts since the start: reached = sent + waiting + dropped + abandoned, sent = answered + in flight."""
        gun = self._gun
        response, service, lag = (self._coarse(of) for of in (self.response, self.service, self.lag))
        outcomes = {kind.name.lower(): int(self._by[kind + 1]) for kind in Outcome}
        answered = sum(outcomes.values())
        dropped = int(self._by[DROPPED + 1])
        return {
            "scheduled": len(gun.tape),
            "reached": gun.next,
            "sent": gun.next - gun.waiting - dropped - gun.abandoned,
            "dropped": dropped,
            "waiting": gun.waiting,
            "abandoned": gun.abandoned,
            "answered": answered,
            "outcomes": outcomes,
            "refused_by_status": {str(s): int(self._status[s]) for s in np.flatnonzero(self._status)},
            "awards": len(gun.tape.awards),
            "breaks": gun.breaks,
            "response_us": response,
            "service_us": service,
            "service_sum_us": self.service.sum_us,
            "lag_us": lag,
            "lag_sum_us": self.lag.sum_us,
            "response_sum_us": self.response.sum_us,
            "response_max_us": self.response.max_us,
            "lag_p99_ms": self._recent_lag_ms(),
            "response_p99_ms": _p99_ms(response),
        }

    def _coarse(self, histogram: Histogram) -> list[list[int]]:
        """Paces first: what is due does not wait until the whole report is made."""
        self._gun.pace()
        return histogram.coarse()

    def _recent_lag_ms(self) -> float | None:
        """p99 of the lag of the last taps: a glance for the live view, the verdict looks at all of them."""
        recent = slice(max(0, self._gun.next - _RECENT), self._gun.next)
        lag = self._reached[recent] - self._intended[recent]
        if len(lag) < 100 * SAMPLES_BEYOND:
            return None
        at = int(len(lag) * 0.99)
        return round(float(np.partition(lag, at)[at]) / 1e6, 3)


def _p99_ms(coarse: list[list[int]]) -> float | None:
    """p99 of coarse buckets, at their upper edge."""
    beyond = total = sum(count for _, count in coarse)
    for edge, count in coarse:
        beyond -= count
        if beyond <= total / 100:
            return edge / 1000 if total >= 100 * SAMPLES_BEYOND else None
    return None
