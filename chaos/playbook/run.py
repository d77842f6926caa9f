"""One run of one playbook, from its alert to the verified rollback; told step by step to the journal, before each act.

Everything it knows stands in its facts, which a new engine reads from the journal: every step may be done again.
Refuses to act on missing data.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from chaos.playbook.journal import Done, Facts, State, named
from chaos.playbook.world import Away, World
from plans.models.playbook import Condition, Playbook, Restore
from system.contract.ids import LANES, Lane
from system.contract.switches import has_lane

TICK_S = 0.1
WATCH_TICKS = 3
"""Figures change once a second: they are asked less often than switches."""
CONFIRM_S = 5.0
"""So long a fresh alert's fault may take to be seen in its figures."""
UNDO_READ_BACK_S = 30.0
"""Longer than a killed store or control is away."""

Tell = Callable[[Facts, State, str, dict[str, Any]], None]
"""Writes a transition to the journal and takes it into the facts. Raises OSError for an act that cannot be recorded."""


class Stopped(Exception):
    """A person pressed the red button."""


class Given(Exception):
    """The run goes no further; `state` says why."""

    def __init__(self, state: State, text: str) -> None:
        super().__init__(text)
        self.state, self.text = state, text


class Run:
    """`playbook` None: the library has it no more, or changed it; then all there is left is to undo.

    `halted` is asked at every step; `clock` is the time of the journal, Unix seconds that never jump.
    """

    def __init__(
        self,
        facts: Facts,
        playbook: Playbook | None,
        world: World,
        tell: Tell,
        *,
        halted: Callable[[], bool],
        clock: Callable[[], float],
        tick_s: float = TICK_S,
    ) -> None:
        self.facts, self._playbook, self._world = facts, playbook, world
        self._tell, self._halted, self._clock, self._tick_s = tell, halted, clock, tick_s

    async def go(self) -> None:
        """To its end, from wherever the facts say it is."""
        facts = self.facts
        try:
            if self._playbook is None:
                self._give_up(Given("changed", "the playbook's file is another one than when the run began"))
            elif facts.state != "rolling_back" and facts.because is None and not self._undoing:
                await self._forward(self._playbook)
            await self._roll_back()
        except Stopped:
            left = ", ".join(f"{done.named} = {done.to}" for done in facts.actions.values() if done.undone_s is None)
            self._say("halted", f"stopped by hand; still set: {left or 'nothing'}")
        except Given as end:
            self._say(end.state, end.text)

    @property
    def _undoing(self) -> bool:
        return any(done.undo_began_s or done.undone_s for done in self.facts.actions.values())

    async def _forward(self, playbook: Playbook) -> None:
        """Acts, verifies, holds, until the fault is healed; what fails is the reason to roll back."""
        try:
            if not self.facts.actions:
                await self._confirm(playbook)
            await self._act(playbook)
            await self._verify(playbook)
            await self._until_healed(playbook)
        except Given as end:
            if end.state == "refused":
                raise
            self._give_up(end)

    def _give_up(self, why: Given) -> None:
        self._say("rolling_back", why.text, because=why.state)

    # -- before anything is done

    async def _confirm(self, playbook: Playbook) -> None:
        """An alert starts nothing unless the fault is seen in figures that are there. By hand there is no fault."""
        if self.facts.by == "alert":
            deadline = self._clock() + CONFIRM_S
            while (there := await self._there(playbook)) is not True:
                if self._clock() > deadline:
                    raise Given("refused", "no data: whether the fault is there cannot be told" if there is None
                                else "the fault is not there: what says it is over holds")  # fmt: skip
                await self._wait()
        for condition in playbook.preconditions:
            if await self._holds(condition, None) is not True:
                raise Given("refused", f"precondition: {condition.what} is not {condition.op} {condition.value:g}")

    async def _there(self, playbook: Playbook) -> bool | None:
        """Is the fault there: True as soon as one figure says so, False if all deny it, None: not known."""
        known = [await self._holds(condition, None) for condition in playbook.healed.all]
        return True if False in known else None if None in known else False

    # -- actions

    async def _act(self, playbook: Playbook) -> None:
        baseline = self.facts.baseline
        if baseline is None:
            baseline = [await self._figure(condition) for condition in playbook.verify.all]
        for action in playbook.actions:
            done = self.facts.actions.get(action.id)
            key, to = action.set.switch, action.set.to
            if done is None:
                lane = self._lane(key)
                before = await self._told(key, lane, action.read_back)
                undo = action.undo.model_dump() if isinstance(action.undo, Restore) else None
                try:
                    self._say("executing", f"{named(key, lane)}: {before} → {to}", action=action.id, key=key, lane=lane,
                              to=to, before=before, undo=undo, baseline=baseline)  # fmt: skip
                except OSError as exc:
                    # Not one act more that no journal holds; what was done before is undone.
                    end: State = "read_back_failed" if self.facts.actions else "refused"
                    raise Given(end, f"{action.id} is not done: the journal cannot be written: {exc}") from exc
                done = self.facts.actions[action.id]
            if done.read_back_s is None:
                processes = await self._set(done, to, action.read_back, "read_back_failed")
                where = ", ".join(processes)
                self._say("read_back", f"{named(key, done.lane)} = {to} in {where}", action=action.id)

    def _lane(self, key: str) -> Lane | None:
        """The lane in which a switch is set: the alert's, where the switch has one."""
        return next((lane for lane in LANES if lane == self.facts.lane), None) if has_lane(key) else None

    async def _told(self, key: str, lane: Lane | None, within_s: float) -> int:
        deadline = self._clock() + within_s
        while (value := await self._world.told(key, lane)) is None:
            if self._clock() > deadline:
                raise Given("read_back_failed", f"control does not tell {named(key, lane)}")
            await self._wait()
        return value

    async def _set(self, done: Done, value: int, within_s: float, failing: State) -> list[str]:
        """Sets a switch and waits until every process that reads it shows it. Raises Given(failing)."""
        deadline, ordered, why, key, lane = self._clock() + within_s, False, "", done.key, done.lane
        why_set = f"{self.facts.playbook}, run {self.facts.run}"
        while True:
            self._may()
            if not ordered:
                try:
                    await self._world.set(key, lane, value, why_set)
                    ordered = True
                except Away as exc:
                    why = str(exc)
            if ordered:
                seen = {"control": await self._world.told(key, lane), **await self._world.seen(key, lane)}
                late = [f"{name} ({'?' if shown is None else shown})" for name, shown in seen.items() if shown != value]
                if not late:
                    return list(seen)
                why = f"{named(key, lane)} is not {value} in {', '.join(late)}"
            if self._clock() > deadline:
                raise Given(failing, f"{why}, within {within_s:g} s")
            await self._wait()

    # -- verify and hold

    async def _verify(self, playbook: Playbook) -> None:
        """While the fault is there: the conditions come to hold (t5) and go on holding (t6)."""
        if "t6" in self.facts.times:
            return
        baseline = self.facts.baseline or []
        self._say("verifying", "", baseline=baseline)
        deadline, since = self._clock() + playbook.verify.within, None
        while True:
            if self.facts.by == "alert" and await self._there(playbook) is False:
                return  # healed before it could be verified: there is nothing left to verify it against
            broken = await self._broken(playbook.verify.all, baseline)
            now = self._clock()
            if broken:
                since = None
                if now > deadline:
                    raise Given("verify_timeout", f"{broken}, within {playbook.verify.within:g} s")
            elif since is None:
                since = now
                if "t5" not in self.facts.times:
                    self._say("verified", "")
            if since is not None and now - since >= playbook.verify.hold:
                self._say("held", "")
                return
            await self._wait(WATCH_TICKS)

    async def _until_healed(self, playbook: Playbook) -> None:
        since: float | None = None
        while True:
            healed = await self._there(playbook) is False
            now = self._clock()
            since = (now if since is None else since) if healed else None
            if since is not None and now - since >= playbook.healed.hold:
                return
            await self._wait(WATCH_TICKS)

    # -- rollback

    async def _roll_back(self) -> None:
        """Undoes in reverse order, each read back, then the rollback's own conditions; the run's last line."""
        for name, done in reversed(list(self.facts.actions.items())):
            if done.undone_s is None:
                await self._undo(name, done)
        playbook, because = self._playbook, self.facts.because
        if playbook is not None and because is None:
            deadline = self._clock() + playbook.rollback.within
            while broken := await self._broken(playbook.rollback.all, []):
                if self._clock() > deadline:
                    raise Given("rollback_failed", f"{broken}, within {playbook.rollback.within:g} s of the rollback")
                await self._wait()
        text = self.facts.reason if because else "" if "t6" in self.facts.times else "healed before it was verified"
        self._say(because or "closed", text, rolled_back=True)

    async def _undo(self, name: str, done: Done) -> None:
        key, before = done.named, done.before
        if done.undo is None:
            self._say("undone", f"{key} stays {done.to}: nothing to undo, as the playbook says", action=name)
            return
        now = await self._world.told(done.key, done.lane)
        pace = done.undo["catch_up"]
        if now is not None and now not in (done.to, before, pace):
            self._say("undone", f"{key} is {now}, set by somebody else since: left alone", action=name)
            return
        took = self.facts.because is None and done.read_back_s is not None
        if took and now == before != done.to and done.undo_began_s is None:
            self._say("undone", f"{key} is {before} again, set by somebody else: left alone", action=name)
            return
        if took and pace is not None and done.to < before < pace:
            until = done.catch_up_until_s
            if until is None:
                until = self._clock() + (self._clock() - done.at_s) * (before - done.to) / (pace - before)
            self._say("rolling_back", f"{key}: {pace} until what was held back is made good", action=name,
                      catch_up_until_s=until)  # fmt: skip
            await self._set(done, pace, UNDO_READ_BACK_S, "rollback_failed")
            while self._clock() < until:
                await self._wait()
        self._say("rolling_back", f"{key}: back to {before}", action=name)
        await self._set(done, before, UNDO_READ_BACK_S, "rollback_failed")
        self._say("undone", f"{key} = {before} in every process", action=name)

    # -- small parts

    def _say(self, state: State, text: str, **data: Any) -> None:
        self._tell(self.facts, state, text, data)

    def _may(self) -> None:
        if self._halted():
            raise Stopped

    async def _wait(self, ticks: int = 1) -> None:
        self._may()
        await asyncio.sleep(ticks * self._tick_s)
        self._may()

    async def _figure(self, condition: Condition) -> float | None:
        return await self._world.figure(condition.query.replace("$lane", self.facts.lane))

    async def _holds(self, condition: Condition, baseline: float | None) -> bool | None:
        return condition.holds(await self._figure(condition), baseline)

    async def _broken(self, conditions: Iterable[Condition], baseline: list[float | None]) -> str:
        """The first condition that does not hold, in words; empty if all do. No data does not hold."""
        before = [*baseline]
        for number, condition in enumerate(conditions):
            was = before[number] if number < len(before) else None
            found = await self._figure(condition)
            if condition.holds(found, was) is not True:
                bound = condition.value if condition.value is not None else f"{condition.of_baseline:g} × {was}"
                return f"{condition.what}: {'no data' if found is None else f'{found:g}'}, not {condition.op} {bound}"
        return ""
