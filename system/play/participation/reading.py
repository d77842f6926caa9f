"""Counts of taps, people and shown sponsors, merged from what fronts wrote down. Reads, never writes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pyroaring import BitMap64

from system.contract.counts import CountedFigures, CountedMinute, CountedRound, Participation, Uncounted
from system.contract.errors import NotFound, UnknownRound
from system.contract.ids import Lane
from system.ledger.access import Pool
from system.play.reading import read

SILENT_US = 5_000_000
"""A front whose last report is older has died, or cannot write: what it answers since is uncounted."""


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
    """Every round that somebody took part in, or may have, or those asked for, and all of them together. Raises
    UnknownRound, NotFound (no such programme), Degraded.
    """
    asked = {"round": round_id, "programme": programme}
    ((round_there, programme_there),) = await read(pool, lane, "participation_asked", asked)
    if not round_there:
        raise UnknownRound(f"no round {round_id} on lane {lane}")
    if not programme_there:
        raise NotFound(f"no programme {programme} on lane {lane}")
    rows = await read(pool, lane, "participation_parts", asked)
    unheard = await read(pool, lane, "participation_unheard", asked | {"silent_us": SILENT_US})
    return await asyncio.to_thread(merged, lane, rows, unheard)


def merged(lane: Lane, rows: Iterable[tuple[Any, ...]], unheard: Iterable[tuple[Any, ...]]) -> Participation:
    """Rows of participation_parts and of participation_unheard as an answer. Pure."""
    minutes: dict[int, dict[int, CountedSum]] = {}
    for number, minute_us, taps, too_fast, exposures, users in rows:
        shown = Counter({int(sponsor): int(count) for sponsor, count in exposures.items()})
        part = CountedSum(taps, too_fast, BitMap64.deserialize(bytes(users)), shown)
        minutes.setdefault(number, {}).setdefault(minute_us, CountedSum()).add(part)
    gaps: dict[int, list[Uncounted]] = {}
    for number, front, instance, since_us, until_us in unheard:
        gap = Uncounted(front=front, instance=instance, since_us=since_us, until_us=until_us)
        gaps.setdefault(number, []).append(gap)
    evening, rounds = CountedSum(), []
    for number in sorted(minutes.keys() | gaps.keys()):
        each = minutes.get(number, {})
        whole = CountedSum()
        for one in each.values():
            whole.add(one)
        evening.add(whole)
        counted = tuple(CountedMinute(minute_us=at_us, **one.figures()) for at_us, one in each.items())
        rounds.append(
            CountedRound(round=number, minutes=counted, uncounted=tuple(gaps.get(number, ())), **whole.figures())
        )
    exact = not any(one.uncounted for one in rounds)
    return Participation(lane=lane, evening=CountedFigures(**evening.figures()), exact=exact, rounds=tuple(rounds))
