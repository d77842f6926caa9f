"""What every part of control shares: settings, stores, clock, and the view of rounds from which fronts are answered.

Owns the view in memory: PostgreSQL's content, read anew after each change of our own and once a second. PostgreSQL
holds the truth; only the answer to a sync is made from the view. Writes nothing.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from system.contract.api import FrontRound, RoundPublic, SponsorSplit, StreamReport, SwitchChange
from system.contract.errors import Degraded, NotFound, StoreRefused, StoreUnknown, UnknownRound
from system.contract.ids import LANES, Lane
from system.contract.programme import ClockReading, ProgrammeItem
from system.contract.switches import SWITCHES, Cells, Tables, in_cell, tables
from system.control.meters import ControlMeters
from system.ledger.access import Pool, read_again
from system.ledger.statements import statement
from system.settings import ControlSettings
from system.winlog import WinLogs

CLOSED_SHOWN_US = 60_000_000
"""How long fronts still get a closed round in their sync."""
CLOSED_READ_US = 10 * CLOSED_SHOWN_US

log = logging.getLogger("xiu.control")


@dataclass(frozen=True, slots=True)
class HeldRound:
    """A round as control holds it, with its secret seed."""

    public: RoundPublic
    seed: str
    created_us: int
    closed_us: int | None
    next_packet: int


@dataclass(frozen=True, slots=True)
class AnnouncedRound:
    """A round of a programme, announced: its number, its secret seed and the commitment are fixed."""

    round: int
    programme: str
    lane: Lane
    item: ProgrammeItem
    seed: bytes
    commitment: str

    @property
    def start_us(self) -> int:
        assert self.item.order.start_us is not None
        return self.item.order.start_us

    @property
    def end_us(self) -> int:
        return self.start_us + self.item.order.duration_ms * 1000

    @property
    def arm_us(self) -> int:
        """From when on control makes the round."""
        return self.start_us - self.item.arm_ahead_ms * 1000


@dataclass(slots=True)
class FrontReport:
    """What a front said at its last sync. `clock`: None where it does not know control's."""

    instance: int
    at_us: int
    streams: tuple[StreamReport, ...]
    clock: ClockReading | None = None


@dataclass(slots=True)
class View:
    """Rounds, granted epochs, instances and switches, as last read. `loaded` is False until the first reading."""

    loaded: bool = False
    topology_version: int = 1
    rounds: dict[int, HeldRound] = field(default_factory=dict)
    planned: dict[int, AnnouncedRound] = field(default_factory=dict)
    """Rounds of programmes, made or not."""
    granted: dict[tuple[int, int], int] = field(default_factory=dict)
    instances: dict[int, int] = field(default_factory=dict)
    switches: Tables = field(default_factory=tables)
    cells: Cells = field(default_factory=dict)
    """What cells have of their own over `switches`."""
    seen: dict[int, FrontReport] = field(default_factory=dict)
    waiting: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """What the close of a round waits for, by round, in words."""
    _sync: dict[tuple[int, bool], str] = field(default_factory=dict)

    def round(self, round_id: int) -> HeldRound:
        """Raises UnknownRound."""
        held = self.rounds.get(round_id)
        if held is None:
            raise UnknownRound(f"no round {round_id}")
        return held

    def changed(self) -> None:
        """Drops the prepared answers, which are stale."""
        self._sync.clear()

    def sync_tail(self, front: int, now_us: int, lanes: bool = False, cell: int = 0) -> str:
        """Everything of a SyncAnswer after `now_us`, as JSON text; prepared once per change. `cell`: the front's. A
        front of an older version refuses `lanes`, so they are sent only on request.
        """
        text = self._sync.get((front, lanes))
        if text is None:
            shown = [
                FrontRound(public=held.public, seed=held.seed, epoch=self.granted.get((number, front), 0))
                for number, held in sorted(self.rounds.items())
                if held.closed_us is None or held.closed_us + CLOSED_SHOWN_US > now_us
            ]
            rounds = ",".join(item.model_dump_json() for item in shown)
            mine = in_cell(self.switches, self.cells, cell)
            shown_switches = {"switches": mine["live"]} | ({"lanes": mine} if lanes else {})
            text = f',"rounds":[{rounds}],{json.dumps(shown_switches)[1:]}'
            self._sync[front, lanes] = text
        return text


@dataclass(slots=True)
class ControlContext:
    """The process: handed to every part. `clock` is control's time in microseconds since 1970."""

    settings: ControlSettings
    pool: Pool
    winlog: WinLogs
    clock: Callable[[], int]
    meters: ControlMeters
    view: View = field(default_factory=View)
    close_wanted: asyncio.Event = field(default_factory=asyncio.Event)
    refreshing: asyncio.Lock = field(default_factory=asyncio.Lock)
    red: dict[str, SwitchChange] = field(default_factory=dict)
    """Values that stop something and were ordered while the ledger could not be written: they hold, and are stored
    later.
    """
    red_turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Locked by the task that stores held values and by a change that lifts one, so that a stop is never stored after
    it was lifted.
    """
    epoch_turns: defaultdict[tuple[int, int], asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    def need_view(self) -> View:
        """The view. Raises StoreRefused until PostgreSQL was read once."""
        if not self.view.loaded:
            raise StoreRefused("PostgreSQL was not read yet since control started")
        return self.view

    async def find(self, round_id: int) -> HeldRound:
        """A round. A round that is missing in the view may be newer than the view, so PostgreSQL is asked before it is
        denied.

        Raises UnknownRound; StoreRefused before the first reading, Degraded while PostgreSQL cannot be asked.
        """
        view = self.need_view()
        if round_id not in view.rounds:
            try:
                if await self._exists(round_id):
                    await self.refresh()
            except (StoreUnknown, StoreRefused) as exc:
                raise Degraded(f"no round {round_id} is known, and the ledger does not answer") from exc
        return view.round(round_id)

    async def _exists(self, round_id: int) -> bool:
        for lane in LANES:
            if await self.pool.fetch(statement("control_round_there", lane), {"round": round_id}, "look for a round"):
                return True
        return False

    async def lane_of(self, round_id: int) -> Lane:
        """The lane of a round. Raises as `find` does."""
        return (await self.find(round_id)).public.lane

    def need_front(self, front: int) -> int:
        """The front itself if it is in the topology. Raises NotFound."""
        if not 0 <= front < len(self.settings.topology.fronts):
            raise NotFound(f"no front {front} in a topology of {len(self.settings.topology.fronts)}")
        return front

    async def refresh(self) -> None:
        """Reads everything anew. Raises StoreUnknown, StoreRefused; the view then stays as it was.

        One reading at a time, so that an older one never replaces a newer.
        """
        async with self.refreshing:
            await read_again(self._read_view)

    def hold(self, key: str, order: SwitchChange) -> None:
        """The switch has this value in every lane from now on, until the ledger can be written."""
        self.red[key] = order
        self.view.switches = _held_over(self.view.switches, self.red)
        self.view.changed()

    async def catch_up(self) -> bool:
        """Refreshes the view after a committed change. False if that failed: the change stands all the same, and the
        view is read again within a second.
        """
        try:
            await self.refresh()
        except (StoreUnknown, StoreRefused) as exc:
            log.warning("changed, but not read back: %s", exc, extra={"event": "not_read_back"})
            return False
        return True

    async def _read_view(self) -> None:
        view = self.view
        # Closed rounds do not change any more: after the first reading only the newest of them are read again.
        since = self.clock() - CLOSED_READ_US if view.loaded else -1
        rounds, granted, planned = dict(view.rounds), dict(view.granted), dict[int, AnnouncedRound]()
        async with self.pool.connection("read control's view") as conn:
            for lane in LANES:
                rows = await (await conn.execute(statement("control_rounds", lane), {"since_us": since})).fetchall()
                rounds.update((row[0], held_of(lane, row)) for row in rows)
                rows = await (await conn.execute(statement("control_granted", lane), {"since_us": since})).fetchall()
                # Epochs and instances only grow, so a reading that began before a change must not lower them.
                granted.update(((r, f), max(epoch, granted.get((r, f), 0))) for r, f, epoch in rows)
                rows = await (await conn.execute(statement("control_programme_rounds", lane))).fetchall()
                planned.update((row[0], planned_of(lane, row, view.planned.get(row[0]))) for row in rows)
            instances = dict(await (await conn.execute(statement("control_instances", "live"))).fetchall())
            stored = await (await conn.execute(statement("control_switches", "live"))).fetchall()
        for front, instance in instances.items():
            view.instances[front] = max(instance, view.instances.get(front, 0))
        switches, cells = _held_over(_switches(stored), self.red), _cells(stored)
        granted = {key: max(epoch, view.granted.get(key, 0)) for key, epoch in granted.items()}
        if (rounds, granted, switches, cells) != (view.rounds, view.granted, view.switches, view.cells):
            view.rounds, view.granted, view.switches, view.cells = rounds, granted, switches, cells
            view.changed()
        view.planned = planned
        view.loaded = True
        if any(held.public.state == "closing" for held in rounds.values()):
            self.close_wanted.set()


def planned_of(lane: Lane, row: tuple[Any, ...], known: AnnouncedRound | None = None) -> AnnouncedRound:
    """A row of control_programme_rounds; an announced round never changes, so a known one is not read again."""
    number, programme, item, seed, committed = row
    if known is not None:
        return known
    return AnnouncedRound(number, programme, lane, ProgrammeItem.model_validate_json(item), bytes(seed), committed)


def _switches(rows: list[tuple[Any, ...]]) -> Tables:
    """Rows of control_switches over the defaults; a key that is no switch any more is left out."""
    plain = tables()
    values: dict[Lane, dict[str, int]] = {
        lane: {
            key: int(value) for key, place, cell, value in rows if (place, cell) == (lane, None) and key in plain[lane]
        }
        for lane in LANES
    }
    return tables(each=values)


def _cells(rows: list[tuple[Any, ...]]) -> Cells:
    """What cells have of their own; a key that is no switch of cells any more is left out."""
    known = {switch.key for switch in SWITCHES if switch.by_cell}
    found: dict[Lane, dict[int, dict[str, int]]] = {}
    for key, lane, cell, value in rows:
        if cell is not None and key in known:
            found.setdefault(lane, {}).setdefault(int(cell), {})[key] = int(value)
    return found


def _held_over(switches: Tables, red: Mapping[str, SwitchChange]) -> Tables:
    held = {key: order.value for key, order in red.items()}
    return {lane: {**table, **held} for lane, table in switches.items()}


def held_of(lane: Lane, row: tuple[Any, ...]) -> HeldRound:
    """A row of control_rounds as control holds it; the seed is public only in a closed round."""
    (
        number,
        state,
        packets,
        budget,
        start,
        end,
        release,
        sponsors,
        seed,
        commitment,
        next_packet,
        created,
        closed,
        season,
    ) = row
    public = RoundPublic(
        round=number,
        lane=lane,
        state=state,
        packets=packets,
        budget_fen=budget,
        start_us=start,
        end_us=end,
        release_ms=release,
        sponsors=tuple(
            SponsorSplit(
                sponsor=item["sponsor"], name=item["name"], classes=tuple((fen, n) for fen, n in item["classes"])
            )
            for item in sponsors
        ),
        commitment=commitment,
        seed=bytes(seed).hex() if state == "closed" else None,
        season=season,
    )
    return HeldRound(public, bytes(seed).hex(), created, closed, next_packet)
