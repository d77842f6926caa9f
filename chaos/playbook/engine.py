"""Which alert starts which playbook, and when not: one run an episode, one a switch and place, cooldown, red button.

Goes on with the runs of a killed engine. Knows no HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos import seat
from chaos.playbook import journal
from chaos.playbook.actions import kinds
from chaos.playbook.entry import LibraryEntry
from chaos.playbook.halting import halted
from chaos.playbook.journal import Journal, PlaybookFacts, State, Transition
from chaos.playbook.library import Library
from chaos.playbook.meters import PlaybookMeters
from chaos.playbook.run import TICK_S, PlaybookRun
from chaos.playbook.scope import Scope, Unbound, bind
from chaos.playbook.world import World
from plans.models.errors import Problem
from plans.models.matchers import match

log = logging.getLogger("xiu.playbook")
BY_ALERT = "alert"
MOST_NAMED = 20
"""Playbooks of many that the log and an error name."""
AGAIN_S, AGAIN_MAX_S = 1.0, 30.0
"""Pauses after which a run that met an unexpected error goes on: the first, doubled each time, and the longest."""


def steady_clock() -> Callable[[], float]:
    """Unix seconds that run evenly, whatever happens to the machine's clock."""
    base = time.time() - time.monotonic()
    return lambda: base + time.monotonic()


@dataclass(frozen=True, slots=True)
class Alert:
    """A firing alert. `episode` names this firing; the same name again is the same firing. `lane` is its label: with an
    empty or unknown one nothing is done, because the place is not known. `labels`: all of them, for matchers.
    """

    name: str
    lane: str
    since_s: float
    episode: str
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def every_label(self) -> dict[str, str]:
        """Its labels, the lane among them."""
        return {**self.labels, "lane": self.lane}


@dataclass(frozen=True, slots=True)
class TriggerResult:
    """The answer to an alert or an order: the runs begun; why not, by playbook; and whether to ask again later."""

    runs: tuple[str, ...]
    not_now: Mapping[str, str]
    later: bool = False


def _wanted(entry: LibraryEntry, scope: Scope) -> frozenset[tuple[str, str]]:
    """Every switch a run of it sets, with each place it sets it in."""
    return frozenset(hold for action in entry.playbook.actions for hold in kinds()[action.kind].holds(action, scope))


def _shared(held: Iterable[tuple[str, str]], wanted: Iterable[tuple[str, str]]) -> list[str]:
    """The switches that both set in one place; a lane is every cell of it."""
    wanted = list(wanted)
    found = {
        key for key, where in held for other, there in wanted
        if key == other and (f"{where} ".startswith(f"{there} ") or f"{there} ".startswith(f"{where} "))
    }  # fmt: skip
    return sorted(found)


class Engine:
    """One engine at a time on a folder; `resume` first, then alerts and orders."""

    def __init__(
        self,
        folder: Path,
        library: Mapping[str, LibraryEntry],
        world: World,
        meters: PlaybookMeters,
        *,
        clock: Callable[[], float] | None = None,
        tick_s: float = TICK_S,
    ) -> None:
        self._know(library)
        self.refused: list[Problem] = []
        """What is wrong with the files that cannot be used."""
        self._folder, self._world, self._meters = folder, world, meters
        self._clock, self._tick_s = clock or steady_clock(), tick_s
        self._journal = Journal(folder / journal.FILE)
        self.runs: dict[str, PlaybookFacts] = journal.fold(journal.read(self._journal.path))
        self._tasks: set[asyncio.Task[None]] = set()
        self._stops = False
        self._under: dict[str, LibraryEntry] = {}
        """The playbook with which each run under way began, whatever the library has become."""

    @property
    def broken(self) -> str:
        """Why no run can begin now: the journal cannot be written. Empty while it can. Runs under way go on."""
        return self._journal.away

    def take(self, found: Library) -> None:
        """Other playbooks from now on; runs under way keep the one they began with."""
        self._know(found.entries)
        self.refused = found.problems
        self._meters.refused.set(len(found.refused))
        names = [*self.library][:MOST_NAMED]
        more = f" and {len(self.library) - MOST_NAMED} more" if len(self.library) > MOST_NAMED else ""
        log.info("playbooks: %s%s", ", ".join(names) or "none", more, extra={"event": "playbooks_read"})
        for problem in self.refused:
            log.error("%s", problem, extra={"event": "playbook_file_refused"})

    def _know(self, library: Mapping[str, LibraryEntry]) -> None:
        self.library = library
        found: dict[str, list[LibraryEntry]] = {}
        for entry in library.values():
            found.setdefault(entry.playbook.trigger.alert, []).append(entry)
        self._by_alert = found

    def settle(self) -> None:
        """Writes what the journal could not take before, if it can now."""
        with contextlib.suppress(OSError):
            self._journal.settle()

    # -- the life of runs

    def resume(self, group: asyncio.TaskGroup) -> list[str]:
        """Goes on with every run that has no end; their ids. What needed a person still does."""
        self._group = group
        newest = {(facts.playbook, facts.scope): facts for facts in self.runs.values()}
        for facts in newest.values():
            if facts.state in journal.ESCALATED:
                self._meters.recall(facts)
        left = [facts for facts in self.runs.values() if not facts.over]
        for facts in left:
            log.warning("run %s goes on from %s", facts.run, facts.state, extra={"event": "playbook_resumed"})
            self._start(facts)
        return [facts.run for facts in left]

    def _start(self, facts: PlaybookFacts) -> None:
        entry = self.library.get(facts.playbook)
        if entry is not None and entry.sha256 == facts.sha256:
            self._under[facts.run] = entry
        self._meters.under_way(facts)
        self._tasks.add(task := self._group.create_task(self._go(facts), name=facts.run))
        task.add_done_callback(self._tasks.discard)

    async def _go(self, facts: PlaybookFacts) -> None:
        """To the run's end, whatever happens: every step may be repeated, as after a kill of the engine."""
        entry, pause_s = self._under.get(facts.run), AGAIN_S
        while not facts.over:
            run = PlaybookRun(
                facts, entry.playbook if entry is not None else None, self._world, self._tell,
                halted=lambda: halted(self._folder), clock=self._clock, tick_s=self._tick_s,
                home=entry.file.parent if entry is not None else Path(),
            )  # fmt: skip
            try:
                await run.go()
            except Exception:
                log.exception(
                    "run %s stumbled; again in %g s", facts.run, pause_s, extra={"event": "playbook_stumbled"}
                )
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, AGAIN_MAX_S)
        self._under.pop(facts.run, None)

    def _tell(self, facts: PlaybookFacts, state: State, text: str, data: dict[str, Any]) -> None:
        """Raises OSError where an act would begin that no journal holds; what is under way goes on without it."""
        line = Transition(self._clock(), facts.run, facts.playbook, state, text, data)
        was = self._journal.away
        self._journal.tell(line, must=state in journal.FIRST_ON_DISK)
        if self._journal.away and not was:
            log.error("%s", self._journal.away, extra={"event": "playbook_no_journal"})
        facts.take(line)
        self._meters.observe(facts, line)
        level = logging.ERROR if state in journal.ESCALATED else logging.INFO
        log.log(level, "%s %s %s", facts.run, state, text, extra={"event": f"playbook_{state}"})

    def let_go(self) -> None:
        """Drops every run where it is, and begins none; the next start goes on with them."""
        self._stops = True
        for task in self._tasks:
            task.cancel()

    # -- what starts them

    def receive(self, alert: Alert) -> TriggerResult:
        """A firing alert: starts what it triggers, once an episode."""
        runs: list[str] = []
        not_now: dict[str, str] = {}
        later = False
        labels = alert.every_label
        for entry in self._by_alert.get(alert.name, ()):
            playbook = entry.playbook
            if not match(playbook.trigger.matchers, labels):
                continue
            try:
                scope = bind(playbook.scope, labels, self._world.known)
            except Unbound as why:
                not_now[playbook.id] = str(why)
                log.warning("alert %s: %s", alert.name, why, extra={"event": "playbook_unbound"})
                continue
            if self._met(playbook.id, alert.episode):
                not_now[playbook.id] = "a run of this episode is there"
                continue
            if hindered := self._hindered(entry, scope) or self._cooling(entry, scope):
                not_now[playbook.id], later = hindered, True
                continue
            try:
                runs.append(self._begin(entry, alert.name, scope, BY_ALERT, alert.episode, alert.since_s))
            except OSError:
                not_now[playbook.id], later = self._unwritten(), True
        return TriggerResult(tuple(runs), not_now, later)

    def order(self, playbook: str, lane: str, who: str, *, cell: str = "", front: str = "") -> TriggerResult:
        """A person starts it: the same path, without alert, matchers, episode and cooldown."""
        entry = self.library[playbook]
        named = {"lane": lane, "cell": cell, "front": front}
        try:
            if idle := [name for name, value in named.items() if value and name not in entry.playbook.scope]:
                raise Unbound(f"{idle[0]} is none of what it is bound to; expected no {idle[0]}: nothing is done")
            scope = bind(entry.playbook.scope, named, self._world.known)
        except Unbound as why:
            return TriggerResult((), {playbook: str(why)})
        if hindered := self._hindered(entry, scope):
            return TriggerResult((), {playbook: hindered})
        try:
            return TriggerResult((self._begin(entry, "", scope, who, "", None),), {})
        except OSError:
            return TriggerResult((), {playbook: self._unwritten()})

    def _unwritten(self) -> str:
        return f"{self.broken}; no run begins that is not written down"

    def _begin(
        self, entry: LibraryEntry, alert: str, scope: Scope, by: str, episode: str, since_s: float | None
    ) -> str:
        facts = PlaybookFacts(f"{entry.playbook.id}-{secrets.token_hex(4)}", entry.playbook.id)
        data = {"alert": alert, "lane": scope.lane, **scope.bound, "by": by, "episode": episode, "t2": since_s,
                "sha256": entry.sha256}  # fmt: skip
        self._tell(facts, "triggered", f"by {alert or by}", data)
        self.runs[facts.run] = facts
        self._start(facts)
        return facts.run

    def _met(self, playbook: str, episode: str) -> bool:
        """A refused run did nothing: when the same alert comes again, the missing thing may be there."""
        known = [facts for facts in self.runs.values() if (facts.playbook, facts.episode) == (playbook, episode)]
        return any(facts.state != "refused" for facts in known)

    def _hindered(self, entry: LibraryEntry, scope: Scope) -> str:
        """Why no run of it can begin now in this place; empty if one can."""
        if self._stops:
            return "the engine stops"
        if halted(self._folder):
            return "playbooks are stopped (xiu halt); xiu playbook resume lets them go on"
        if who := seat.taken(self._folder):
            return f"a drill is at work ({who}): its fault is to be met without playbooks"
        for facts in self.runs.values():
            if facts.over:
                continue
            if (facts.playbook, facts.scope) == (entry.playbook.id, scope):
                return f"run {facts.run} of it goes on"
            other = self._under.get(facts.run)
            held = facts.holds | (_wanted(other, facts.scope) if other else frozenset())
            if shared := _shared(held, _wanted(entry, scope)):
                return f"run {facts.run} has {', '.join(shared)}"
        return ""

    def _cooling(self, entry: LibraryEntry, scope: Scope) -> str:
        mine = [f for f in self.runs.values() if (f.playbook, f.scope) == (entry.playbook.id, scope)]
        # A person's run that was refused did nothing: no alert has to wait for it.
        mine = [f for f in mine if f.state != "refused" or f.by == BY_ALERT]
        ends = [f.ended_s for f in mine if f.ended_s is not None]
        left_s = max(ends, default=0.0) + entry.playbook.trigger.cooldown - self._clock()
        return f"cooling down, {left_s:.1f} s more" if left_s > 0 else ""
