"""Follow-ups: what comes after an answer, made of it and left in a pool for the next slot of its journey.

The slots of a follow-up are scheduled before the run, as all are: no answer moves a time. An answer only decides what
the next slot sends, and a slot that comes due while its pool is empty is *unfed*.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from harness.engine.answers import outcomes_of
from harness.engine.gun import Gun
from harness.engine.shot import FollowUp, People, Shot
from system.contract.history import Kind

NS = 1_000_000_000
Places = npt.NDArray[np.intp]
FED_AT_ONCE, PACED_EVERY = 500, 50
"""Answers followed in one go at most, and after how many due requests are sent: none may wait for follow-ups. A storm
of answers has more than enough.
"""


def outcomes_named(shot: Shot, names: Collection[str]) -> list[int]:
    """Outcomes as numbers. Raises ValueError for one that the shot has not."""
    unknown = [name for name in names if name not in shot.outcomes]
    if unknown:
        raise ValueError(f"outcomes {', '.join(unknown)} of {shot.name}; expected of {', '.join(shot.outcomes)}")
    return [shot.outcomes.index(name) for name in names]


class Follower:
    """One journey that follows another, the `source`; both by number.

    `first_users`: index of the first user of the source, and of the follower. `front_of`: by place, where the request
    of that user goes. `requests`: of each user, where the shot makes none of an answer.
    """

    def __init__(
        self,
        gun: Gun,
        number: int,
        source: int,
        people: People,
        first_users: tuple[int, int],
        front_of: npt.NDArray[np.int32],
        requests: Sequence[bytes],
        on: Sequence[int],
        each: int,
        patience_s: float | None = None,
    ) -> None:
        self._gun, self.source, self._people, self._journey = gun, source, people, gun.journeys[number]
        (self._theirs, self._own), self._front_of, self._requests = first_users, front_of, requests
        self._on, self._each = np.array(on, np.int64), each
        self._patience_ns = None if patience_s is None else int(patience_s * NS)
        self._looked_at = 0
        self._needs_note = bool(getattr(self._journey.shot, "noted", False))
        gun.journeys[source].keeps = True

    def feed(self, finished: Places, now: int) -> None:
        """Takes what came to an end, and what nobody answered in time."""
        tape = self._gun.tape
        if self._needs_note:  # of most answers there is nothing to follow: they are not looked at
            finished = np.fromiter(tape.notes, np.intp, len(tape.notes))
        mine = finished[tape.journeys[finished] == self.source]
        codes = np.frombuffer(tape.code, np.uint32)
        chosen = mine[np.isin(outcomes_of(codes[mine]), self._on)]
        if self._patience_ns is not None:
            intended = np.frombuffer(tape.intended, np.int64)
            lasted = np.frombuffer(tape.done, np.int64)[chosen] - intended[chosen]
            chosen = np.concatenate([chosen[lasted <= self._patience_ns], self._unanswered(now - self._patience_ns)])
        for number, tap in enumerate(chosen[:FED_AT_ONCE].tolist(), 1):
            self._put(tap)
            if not number % PACED_EVERY:
                self._gun.pace()

    def forget(self) -> None:
        """What answers said: every follower has taken it."""
        self._gun.tape.notes.clear()

    def _unanswered(self, until_ns: int) -> Places:
        """Sent requests of the source that were intended until then and have no answer; each is looked at once."""
        tape = self._gun.tape
        intended = np.frombuffer(tape.intended, np.int64)
        last = max(self._looked_at, int(np.searchsorted(intended[: self._gun.next], until_ns)))
        part, self._looked_at = slice(self._looked_at, last), last
        waits = np.frombuffer(tape.code, np.uint32)[part] == 0
        sent = np.frombuffer(tape.sent, np.int64)[part] > 0
        places = np.flatnonzero(waits & sent & (tape.journeys[part] == self.source)) + part.start
        return places.astype(np.intp)

    def _put(self, tap: int) -> None:
        tape, pools = self._gun.tape, self._journey.pools
        place = tape.user[tap] - self._theirs
        if pools is None or tape.kinds[tap] not in (Kind.TAP, Kind.TOO_FAST, Kind.OTHER):
            return  # a probe has no follow-up
        shot = self._journey.shot
        if isinstance(shot, FollowUp):
            made = shot.follow(self._people, place, tape.notes.get(tap, ""), self._each)
        else:
            made = [(place, self._requests[place])] * self._each
        for who, request in made:
            self._journey.pool(int(self._front_of[who])).append((self._own + who, request))


def feed(followers: Sequence[Follower], finished: Places, now: int) -> None:
    """All of them; what answers said is forgotten then."""
    for one in followers:
        one.feed(finished, now)
    if followers:
        followers[0].forget()
