"""Counts of taps, people and shown sponsors, merged from what fronts wrote down. Reads, never writes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pyroaring import BitMap64

from system.contract.counts import CountedFigures, CountedMinute, CountedRound, Participation, Uncounted
from system.contract.errors import NotFound, UnknownRound
from system.contract.ids import Lane
from system.ledger.access import Pool
from system.play.reading import read

SILENT_US = 5_000_000
"""A front whose last report is older has died, or cannot write: what it answers since is named as uncounted. Inexact it
is from its last report on.
"""
MINUTE_US = 60_000_000


class ServingStart(NamedTuple):
    """A start of a front, as it served in a round. `done`: it has reported all that it answers there, ever."""

    front: int
    instance: int
    began_us: int
    ended_us: int | None
    until_us: int
    last: bool
    done: bool

    def covers(self, since_us: int, until_us: int) -> bool:
        """Is all that it answered in that time reported?"""
        return self.last or self.until_us >= until_us or not self.served(since_us, until_us)

    def served(self, since_us: int, until_us: int) -> bool:
        """Could it answer taps in that time?"""
        return self.began_us < until_us and (self.ended_us is None or self.ended_us > since_us)

    def gap(self, known_us: int, now_us: int) -> Uncounted | None:
        """What nobody counted: since its last report, if another start followed or nothing came for long."""
        silent = now_us - max(self.until_us, known_us) > SILENT_US
        if self.done or (self.ended_us is None and not silent):
            return None
        until_us = now_us if self.ended_us is None else self.ended_us
        return Uncounted(front=self.front, instance=self.instance, since_us=self.until_us, until_us=until_us)


@dataclass(slots=True)
class RoundStarts:
    """Every start that served in a round."""

    closed_us: int | None
    starts: list[ServingStart] = field(default_factory=list)
    gaps: list[Uncounted] = field(default_factory=list)

    @property
    def exact(self) -> bool:
        """Closed, and nothing more to come from anybody. Without a front there is no data, and nothing is exact."""
        return self.closed_us is not None and bool(self.starts) and all(one.done for one in self.starts)

    @property
    def confirmed_us(self) -> int | None:
        """Before which nothing is missing."""
        if self.exact:
            return self.closed_us
        last_us = max((one.until_us for one in self.starts), default=None)
        return min((one.until_us for one in self.starts if not one.last), default=last_us)

    def exact_minute(self, minute_us: int) -> bool:
        """Has every start that served in it reported beyond its end?"""
        end_us = minute_us + MINUTE_US
        served = any(one.served(minute_us, end_us) for one in self.starts)
        return self.exact or (served and all(one.covers(minute_us, end_us) for one in self.starts))


@dataclass(slots=True)
class CountedSum:
    """Parts added up; people by the union of their bitmaps."""

    taps: int = 0
    too_fast: int = 0
    users: BitMap64 = field(default_factory=BitMap64)
    shown: Counter[int] = field(default_factory=Counter)

    def add(self, other: CountedSum) -> None:
        """Takes in another sum."""
        self.taps += other.taps
        self.too_fast += other.too_fast
        self.users |= other.users
        self.shown.update(other.shown)

    def figures(self) -> dict[str, Any]:
        """The fields of CountedFigures."""
        return {
            "taps": self.taps, "too_fast": self.too_fast, "people": len(self.users),
            "exposures": dict(sorted(self.shown.items())),
        }  # fmt: skip


async def participation(pool: Pool, lane: Lane, round_id: int | None, programme: str | None) -> Participation:
    """Every round that began, or those of them asked for, and all of them together. Raises
    UnknownRound, NotFound (no such programme), Degraded.
    """
    asked = {"round": round_id, "programme": programme}
    ((round_there, programme_there),) = await read(pool, lane, "participation_asked", asked)
    if not round_there:
        raise UnknownRound(f"no round {round_id} on lane {lane}")
    if not programme_there:
        raise NotFound(f"no programme {programme} on lane {lane}")
    # First: what fronts report meanwhile makes the counts greater, and never claims what is not read.
    starts = await read(pool, lane, "participation_starts", asked)
    rows = await read(pool, lane, "participation_parts", asked)
    return await asyncio.to_thread(merged, lane, rows, starts)


def merged(lane: Lane, rows: Iterable[tuple[Any, ...]], starts: Iterable[tuple[Any, ...]]) -> Participation:
    """Rows of participation_parts and of participation_starts as an answer. Pure."""
    minutes: dict[int, dict[int, CountedSum]] = {}
    for number, minute_us, taps, too_fast, exposures, users in rows:
        shown = Counter({int(sponsor): int(count) for sponsor, count in exposures.items()})
        part = CountedSum(taps, too_fast, BitMap64.deserialize(bytes(users)), shown)
        minutes.setdefault(number, {}).setdefault(minute_us, CountedSum()).add(part)
    served = _served(starts)
    evening, rounds = CountedSum(), []
    for number in sorted(minutes.keys() | served.keys()):
        each, of = minutes.get(number, {}), served.get(number, RoundStarts(None))
        whole = CountedSum()
        for one in each.values():
            whole.add(one)
        evening.add(whole)
        counted = tuple(
            CountedMinute(minute_us=at_us, exact=of.exact_minute(at_us), **one.figures()) for at_us, one in each.items()
        )
        rounds.append(
            CountedRound(
                round=number, exact=of.exact, confirmed_us=of.confirmed_us, minutes=counted, uncounted=tuple(of.gaps),
                **whole.figures(),
            )
        )  # fmt: skip
    exact = bool(rounds) and all(one.exact for one in rounds)
    return Participation(lane=lane, evening=CountedFigures(**evening.figures()), exact=exact, rounds=tuple(rounds))


def _served(rows: Iterable[tuple[Any, ...]]) -> dict[int, RoundStarts]:
    """Each round that began, with its starts."""
    found: dict[int, RoundStarts] = {}
    for number, created_us, closed_us, now_us, *start in rows:
        of = found.setdefault(number, RoundStarts(closed_us))
        if start[0] is None:
            continue
        one = ServingStart._make((*start[:-1], bool(start[-1])))
        of.starts.append(one)
        if (gap := one.gap(created_us, now_us)) is not None:
            of.gaps.append(gap)
    return found
