"""Running account of a cannon while it sends: cumulative counts and a response histogram, updated in small portions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.engine.answers import DROPPED, OUTCOMES, STATUS_MASK, UNFED, outcomes_of
from harness.engine.gun import Gun, GunJourney
from harness.engine.histogram import SAMPLES_BEYOND, Histogram
from harness.engine.results import JourneyAccount

_RECENT = 4096


class _Account:
    """The running account of one journey."""

    def __init__(self, journey: GunJourney) -> None:
        self.journey = journey
        names = journey.shot.outcomes
        self._refused = names.index("refused") if "refused" in names else None
        self._by = np.zeros(OUTCOMES, np.int64)
        self._status = np.zeros(STATUS_MASK + 1, np.int64)
        self.response, self.service = Histogram(), Histogram()
        self.reached = self.finished = 0

    def take(self, outcome: npt.NDArray[np.int64], code: npt.NDArray[np.uint32]) -> bool:
        """Counts what was finished; was some of it never sent?"""
        by = np.bincount(outcome + 1, minlength=OUTCOMES)
        self._by += by
        if self._refused is not None and by[self._refused + 1]:
            refused = code[outcome == self._refused] & STATUS_MASK
            self._status += np.bincount(refused, minlength=STATUS_MASK + 1)
        return bool(by[DROPPED + 1] or by[UNFED + 1])

    def counts(self, scheduled: int, waiting: int) -> dict[str, Any]:
        """Counts since the start: reached = sent + waiting + dropped + unfed + abandoned, sent = answered + flying."""
        outcomes = {name: int(self._by[number + 1]) for number, name in enumerate(self.journey.shot.outcomes)}
        dropped, unfed, abandoned = int(self._by[DROPPED + 1]), int(self._by[UNFED + 1]), self.journey.abandoned
        return {
            "scheduled": scheduled,
            "reached": self.reached,
            "sent": self.reached - waiting - dropped - unfed - abandoned,
            "dropped": dropped,
            "unfed": unfed,
            "waiting": waiting,
            "abandoned": abandoned,
            "answered": sum(outcomes.values()),
            "outcomes": outcomes,
            "refused_by_status": {str(s): int(self._status[s]) for s in np.flatnonzero(self._status)},
        }


class Tally:
    """Takes over what the gun has finished; cheap enough to be called many times a second.

    ``names``: of the gun's journeys. What a message tells at its top is of journey 0, lag aside: that is of all.
    """

    def __init__(self, gun: Gun, names: Sequence[str] = ("tap",)) -> None:
        self._gun, self._names = gun, names
        tape = gun.tape
        columns = (tape.intended, tape.reached, tape.sent, tape.done)
        # Of the whole capacity: the plan may grow.
        self._intended, self._reached, self._sent, self._done = (np.frombuffer(c, np.int64) for c in columns)
        self._code = np.frombuffer(tape.code, np.uint32)
        self._accounts = [_Account(journey) for journey in gun.journeys]
        self.lag = Histogram()
        self._looked_at = 0

    def fired(self) -> list[JourneyAccount]:
        """The journeys with how many of their requests came to an end."""
        wires = Counter(id(connection.journey) for connection in self._gun.connections)
        return [
            JourneyAccount(name, one.journey.shot, one.finished, wires[id(one.journey)])
            for name, one in zip(self._names, self._accounts, strict=True)
        ]

    def take(self) -> npt.NDArray[np.intp]:
        """What came to an end since the last time, by place on the tape."""
        gun = self._gun
        taps = np.frombuffer(gun.finished, np.int32).astype(np.intp)
        del gun.finished[:]
        came = slice(self._looked_at, gun.next)
        if len(self._accounts) == 1:
            self._take(0, taps)
            self._accounts[0].reached = gun.next
        else:
            journeys, reached = gun.tape.journeys[taps], np.bincount(gun.tape.journeys[came], minlength=256)
            for number, account in enumerate(self._accounts):
                self._take(number, taps[journeys == number])
                account.reached += int(reached[number])
        self.lag.record_ns(self._reached[came] - self._intended[came])
        self._looked_at = gun.next
        return taps

    def _take(self, number: int, taps: npt.NDArray[np.intp]) -> None:
        account = self._accounts[number]
        account.finished += len(taps)
        code = self._code[taps]
        outcome = outcomes_of(code)
        if account.take(outcome, code):
            taps = taps[(outcome != DROPPED) & (outcome != UNFED)]
        done = self._done[taps]
        account.response.record_ns(done - self._intended[taps])
        account.service.record_ns(done - self._sent[taps])

    def cumulative(self) -> dict[str, Any]:
        """The counts of journey 0, its times, the generator's lag, and under ``beside`` the other journeys."""
        gun = self._gun
        scheduled, waiting = self._scheduled(), self._waiting()
        own = self._accounts[0]
        counts = [account.counts(*of) for account, *of in zip(self._accounts, scheduled, waiting, strict=True)]
        response, service, lag = (self._coarse(of) for of in (own.response, own.service, self.lag))
        beside = [
            {
                "journey": name,
                "shot": account.journey.shot.name,
                **figures,
                "response_us": self._coarse(account.response),
                "response_sum_us": account.response.sum_us,
                "response_max_us": account.response.max_us,
            }
            for name, account, figures in zip(self._names[1:], self._accounts[1:], counts[1:], strict=True)
        ]
        return {
            **counts[0],
            "awards": len(gun.tape.awards),
            "breaks": gun.breaks,
            "response_us": response,
            "service_us": service,
            "service_sum_us": own.service.sum_us,
            "lag_us": lag,
            "lag_sum_us": self.lag.sum_us,
            "response_sum_us": own.response.sum_us,
            "response_max_us": own.response.max_us,
            "lag_p99_ms": self._recent_lag_ms(),
            "response_p99_ms": _p99_ms(response),
            "journey": self._names[0],
            "shot": own.journey.shot.name,
            "beside": beside,
        }

    def _scheduled(self) -> list[int]:
        tape = self._gun.tape
        # Compared, since a count by buckets makes eight bytes of each: 3 ms for a million, in which nothing is sent.
        beside = [int(np.count_nonzero(tape.journey == number)) for number in range(1, len(self._accounts))]
        return [len(tape) - sum(beside), *beside]

    def _waiting(self) -> list[int]:
        """Requests in the queues of each journey's connections."""
        gun = self._gun
        if len(self._accounts) == 1:
            return [gun.waiting]
        beside = [
            sum(len(connection.queue) for connection in gun.connections if connection.journey is account.journey)
            if gun.waiting else 0
            for account in self._accounts[1:]
        ]  # fmt: skip
        return [gun.waiting - sum(beside), *beside]

    def _coarse(self, histogram: Histogram) -> list[list[int]]:
        """Paces first: due requests do not wait until the whole report is made."""
        self._gun.pace()
        return histogram.coarse()

    def _recent_lag_ms(self) -> float | None:
        """p99 of the lag of the last taps: a rough figure for the live view; the verdict looks at all of them."""
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
