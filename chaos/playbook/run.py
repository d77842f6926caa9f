"""One run of one playbook, from its alert to the verified rollback; each step is in the journal before it is done.

Its whole state is in its facts, which a new engine reads from the journal: every step may be repeated. What an action
does belongs to its kind (`chaos/playbook/actions/`); when, how often and how long is decided here. Never acts on
missing data.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, TypeVar

from chaos.playbook.action import ActionProgress, Detail, Failed, Undo
from chaos.playbook.actions import Kind, kinds
from chaos.playbook.journal import ActionRecord, PlaybookFacts, State
from chaos.playbook.world import Away, World
from plans.models.playbook import ActionSpec, Condition, Playbook

TICK_S = 0.1
STOP_LOOK_S = 0.25
"""Seconds between two looks at the red button during a long act."""
AGAIN_TICKS = 10
"""Pause before an undo that was refused is tried again."""
WATCH_TICKS = 3
"""Figures change once a second, so they are read less often than switches."""
CONFIRM_S = 5.0
"""Seconds within which the trouble of a fresh alert must be seen in its figures."""
UNDO_READ_BACK_S = 30.0
"""Longer than a killed store or control is away."""
T = TypeVar("T")

Tell = Callable[[PlaybookFacts, State, str, dict[str, Any]], None]
"""Writes a transition to the journal and takes it into the facts. Raises OSError for an act that cannot be recorded."""


class Stopped(Exception):
    """A person pressed the red button."""


class RunStopped(Exception):
    """The run goes no further; `state` says why."""

    def __init__(self, state: State, text: str) -> None:
        super().__init__(text)
        self.state, self.text = state, text


class PlaybookRun:
    """`playbook` None: the library has it no more, or changed it; then all there is left is to undo.

    `home`: the folder of its file. `halted` is asked at every step; `clock` is the time of the journal, Unix seconds
    that never jump.
    """

    def __init__(
        self,
        facts: PlaybookFacts,
        playbook: Playbook | None,
        world: World,
        tell: Tell,
        *,
        halted: Callable[[], bool],
        clock: Callable[[], float],
        tick_s: float = TICK_S,
        home: Path = Path(),
    ) -> None:
        self.facts, self._playbook, self._world, self._home = facts, playbook, world, home.resolve()
        self._tell, self._halted, self._clock, self._tick_s = tell, halted, clock, tick_s

    async def go(self) -> None:
        """To its end, from wherever the facts say that it is."""
        facts = self.facts
        try:
            if self._playbook is None:
                self._give_up(RunStopped("changed", "the playbook's file is another one than when the run began"))
            elif facts.state != "rolling_back" and facts.because is None and not self._undoing:
                await self._forward(self._playbook)
            await self._roll_back()
        except Stopped:
            left = ", ".join(done.stands for done in facts.actions.values() if done.undone_s is None)
            self._say("halted", f"stopped by hand; still set: {left or 'nothing'}")
        except RunStopped as end:
            self._say(end.state, end.text)

    @property
    def _undoing(self) -> bool:
        return any(done.undo_began_s or done.undone_s for done in self.facts.actions.values())

    async def _forward(self, playbook: Playbook) -> None:
        """Acts, verifies, holds, until the trouble is over; a failure is the reason to roll back."""
        try:
            if not self.facts.actions:
                await self._confirm(playbook)
            await self._act(playbook)
            await self._verify(playbook)
            await self._until_healed(playbook)
        except RunStopped as end:
            if end.state == "refused":
                raise
            self._give_up(end)

    def _give_up(self, why: RunStopped) -> None:
        self._say("rolling_back", why.text, because=why.state)

    # -- before anything is done

    async def _confirm(self, playbook: Playbook) -> None:
        """An alert starts nothing unless the trouble is seen in figures that have data. By hand no trouble is
        needed.
        """
        if self.facts.by == "alert":
            deadline = self._clock() + CONFIRM_S
            while (there := await self._there(playbook)) is not True:
                if self._clock() > deadline:
                    raise RunStopped("refused", "no data: whether the fault is there cannot be told" if there is None
                                else "the fault is not there: what says it is over holds")  # fmt: skip
                await self._wait()
        for condition in playbook.preconditions:
            if await self._holds(condition, None) is not True:
                raise RunStopped("refused", f"precondition: {condition.what} is not {condition.op} {condition.value:g}")

    async def _there(self, playbook: Playbook) -> bool | None:
        """Is the trouble there? True as soon as one figure says so, False if all deny it, None: not known."""
        known = [await self._holds(condition, None) for condition in playbook.healed.all]
        return True if False in known else None if None in known else False

    # -- actions

    async def _act(self, playbook: Playbook) -> None:
        baseline = self.facts.baseline
        if baseline is None:
            baseline = [await self._figure(condition) for condition in playbook.verify.all]
        for action in playbook.actions:
            kind, done = kinds()[action.kind], self.facts.actions.get(action.id)
            if done is None:
                done = await self._begin(kind, action, baseline)
            if done.read_back_s is None:
                where = await self._until_seen(kind, done.detail, action.read_back, "read_back_failed")
                self._say("read_back", f"{done.stands} in {', '.join(where)}", action=action.id)

    async def _begin(self, kind: Kind, action: ActionSpec, baseline: list[float | None]) -> ActionRecord:
        """Writes down what is going to be done. Raises RunStopped where that cannot be read or written."""
        detail = await self._prepared(kind, action)
        words, holds = kind.words(detail), sorted(kind.holds(action, self.facts.scope))
        try:
            self._say("executing", words.change, action=action.id, kind=kind.kind,
                      detail=json.dumps(detail, ensure_ascii=False), stands=words.stands, left=words.left,
                      holds=holds, baseline=baseline)  # fmt: skip
        except OSError as exc:
            # No further act that no journal holds; what was done before is undone.
            end: State = "read_back_failed" if self.facts.actions else "refused"
            raise RunStopped(end, f"{action.id} is not done: the journal cannot be written: {exc}") from exc
        return self.facts.actions[action.id]

    async def _prepared(self, kind: Kind, action: ActionSpec) -> Detail:
        deadline = self._clock() + action.read_back
        while True:
            try:
                return await kind.prepare(action, self.facts.scope, self._home, self._world)
            except Away as exc:
                if self._clock() > deadline:
                    raise RunStopped("read_back_failed", str(exc)) from exc
            await self._wait()

    async def _until_seen(self, kind: Kind, detail: Detail, within_s: float, failing: State) -> tuple[str, ...]:
        """Does it, and waits until it is seen in force everywhere; where. Raises RunStopped(failing)."""
        deadline, ordered, why = self._clock() + within_s, False, ""
        why_done = f"{self.facts.playbook}, run {self.facts.run}"
        while True:
            self._may()
            if not ordered:
                try:
                    left_s = max(deadline - self._clock(), self._tick_s)
                    await self._stoppable(kind.apply(detail, self._world, why_done, left_s))
                    ordered = True
                except Away as exc:
                    why = str(exc)
                except Failed as exc:
                    if failing != "rollback_failed":
                        raise RunStopped(failing, str(exc)) from exc
                    why = str(exc)
                    await self._wait(AGAIN_TICKS)
            if ordered:
                seen = await self._stoppable(kind.read_back(detail, self._world))
                if not seen.why:
                    return seen.where
                why = seen.why
            if self._clock() > deadline:
                raise RunStopped(failing, f"{why}, within {within_s:g} s")
            await self._wait()

    async def _stoppable(self, act: Coroutine[Any, Any, T]) -> T:
        """The result of `act`, which the red button may interrupt. Raises Stopped: whether it was done is unknown."""
        task = asyncio.ensure_future(act)
        try:
            while not task.done():
                await asyncio.wait((task,), timeout=STOP_LOOK_S)
                if not task.done():
                    self._may()
            return task.result()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait((task,))

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
                    raise RunStopped("verify_timeout", f"{broken}, within {playbook.verify.within:g} s")
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
        left: list[str] = []
        for name, done in reversed(list(self.facts.actions.items())):
            if done.undone_s is None:
                try:
                    await self._undo(name, done)
                except RunStopped as end:
                    left.append(end.text)  # it keeps no other from being undone
        if left:
            raise RunStopped("rollback_failed", "; ".join(left))
        playbook, because = self._playbook, self.facts.because
        if playbook is not None and because is None:
            deadline = self._clock() + playbook.rollback.within
            while broken := await self._broken(playbook.rollback.all, []):
                if self._clock() > deadline:
                    raise RunStopped(
                        "rollback_failed", f"{broken}, within {playbook.rollback.within:g} s of the rollback"
                    )
                await self._wait()
        text = self.facts.reason if because else "" if "t6" in self.facts.times else "healed before it was verified"
        self._say(because or "closed", text, rolled_back=True)

    async def _undo(self, name: str, done: ActionRecord) -> None:
        kind = kinds().get(done.kind)
        if kind is None:
            raise RunStopped("rollback_failed", f"{done.stands}: nobody here knows how a {done.kind} is undone")
        took = self.facts.because is None and done.read_back_s is not None
        progress = ActionProgress(done.at_s, took, done.undo_began_s is not None, done.memory)
        undo: Undo = await kind.undo(done.detail, progress, self._world, self._clock())
        for step in undo.steps:
            self._say("rolling_back", step.text, action=name, **step.memory)
            await self._until_seen(kind, step.detail, UNDO_READ_BACK_S, "rollback_failed")
            while self._clock() < step.until_s:
                await self._wait()
        self._say("undone", undo.text, action=name)

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
        return await self._world.figure(self.facts.scope.fill(condition.query))

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
