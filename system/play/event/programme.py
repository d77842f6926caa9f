"""Which rounds there are, as the event page shows them: read from the ledger at most once a second, for all pages.

Owns the clock of the answers: the ledger's, carried on by the process's own monotonic clock between two readings.
"""

from __future__ import annotations

import asyncio
from typing import Any

from system.clock import monotonic_us
from system.contract.errors import Degraded
from system.ledger.access import Pool
from system.play.event.models import EventRound, EventSponsor
from system.play.reading import read

FRESH_US = 1_000_000
ROUNDS_MAX = 40


class EventProgramme:
    """The rounds of the live lane."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._reading = asyncio.Lock()
        self._read_at_us: int | None = None
        self._offset_us = 0
        self._rounds: tuple[EventRound, ...] = ()
        self._failed: tuple[int, str] | None = None
        """When a reading failed, and why: whoever waited for it hears so as well, and does not try in turn."""

    async def now(self) -> tuple[int, tuple[EventRound, ...]]:
        """The ledger's clock in µs since 1970, and the rounds. Raises Degraded."""
        asked_us = monotonic_us()
        async with self._reading:
            if self._read_at_us is None or monotonic_us() - self._read_at_us > FRESH_US:
                begun_us = monotonic_us()
                if self._failed is not None and self._failed[0] >= asked_us:
                    raise Degraded(self._failed[1])
                try:
                    ((clock_us, rows),) = await read(self._pool, "live", "play_rounds", {"limit": ROUNDS_MAX})
                except Degraded as exc:
                    self._failed = monotonic_us(), str(exc)
                    raise
                self._read_at_us = monotonic_us()
                self._offset_us = clock_us - (begun_us + self._read_at_us) // 2
                self._rounds = tuple(_round(row) for row in rows)
        now_us = monotonic_us() + self._offset_us
        return now_us, tuple(state_at(now_us, round_) for round_ in self._rounds)


def state_at(now_us: int, round_: EventRound) -> EventRound:
    """The round, as the ledger has it, at a moment; its window is half open."""
    begun, over = now_us >= round_.start_us, now_us >= round_.end_us
    state = round_.state
    if state == "announced" and over:
        state = "missed"
    elif state == "armed" and begun:
        state = "closing" if over else "open"
    return round_ if state == round_.state else round_.model_copy(update={"state": state})


def _round(row: dict[str, Any]) -> EventRound:
    sponsors = tuple(EventSponsor(sponsor=each["sponsor"], name=each["name"]) for each in row["sponsors"])
    return EventRound(**{**row, "sponsors": sponsors})
