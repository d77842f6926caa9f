"""`set_switch`: a run-time switch set to a value by way of control, read back from every process that reads it.

- {id: release-slowly, set: {switch: draw.release_percent, to: 25}, read_back: 2s, undo: {restore: before}}
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from chaos.playbook.action import ActionKind, ActionProgress, ActionText, Detail, Hold, ReadBack, Undo, UndoStep
from chaos.playbook.scope import Scope
from chaos.playbook.world import Away, World
from plans.models.partial import Contradiction, PlanModel, check
from plans.models.playbook import ActionSpec
from plans.models.quantity import Duration
from system.contract.errors import BadRequest
from system.contract.ids import LANES, Lane
from system.contract.switches import SWITCHES, checked, has_cell, has_lane

CATCHES_UP = "draw.release_percent"
"""The one switch whose held-back part can be made good: the pace of a schedule."""
_SWITCHES = {switch.key: switch for switch in SWITCHES}


class SwitchSet(PlanModel):
    """One switch and its value while the playbook is in force."""

    switch: str
    to: int

    @model_validator(mode="before")
    @classmethod
    def _known(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(key := data.get("switch"), str):
            return data
        try:
            if key not in _SWITCHES or "to" in data:
                checked(key, data.get("to"))
        except BadRequest as exc:
            raise ValueError(str(exc)) from exc
        return data


class Restore(PlanModel):
    """Back to what the switch was before.

    `catch_up`: first at this pace for as long as it takes to make good what was held back.
    """

    restore: Literal["before"]
    catch_up: int | None = None


class SetSwitch(ActionSpec):
    """Sets a switch; read back from every process that reads it within `read_back`, or it has failed.

    Safe to repeat: a switch is set to a value, never moved by one.
    """

    kind: Literal["set_switch"] = "set_switch"
    set: SwitchSet
    read_back: Duration = Field(gt=0, le=30)
    undo: Restore | Literal["none"]

    @property
    def switches(self) -> tuple[str, ...]:
        """See `ActionSpec`."""
        return (self.set.switch,)

    @property
    def sentence(self) -> str:
        """See `ActionSpec`."""
        return f"sets {self.set.switch} = {self.set.to}"

    @property
    def undo_sentence(self) -> str:
        """See `ActionSpec`."""
        if not isinstance(self.undo, Restore):
            return "none"
        pace = self.undo.catch_up
        return f"{f'at {pace} until what was held back is made good, then ' if pace else ''}as before"

    @check
    def _fits(self) -> Iterator[Contradiction]:
        pace = self.undo.catch_up if isinstance(self.undo, Restore) else None
        if pace is None:
            return
        loc = ("undo", "catch_up")
        if self.set.switch != CATCHES_UP:
            yield Contradiction(loc, f"catch_up makes good what {CATCHES_UP} held back", "it there alone")
            return
        switch = _SWITCHES[CATCHES_UP]
        if not switch.default < pace <= switch.upper or self.set.to >= switch.default:
            expected = f"{switch.default + 1} to {switch.upper}, behind a pace below {switch.default}"
            yield Contradiction(loc, f"catch_up = {pace} behind {self.set.to}", expected)


class SwitchAction(ActionKind[SetSwitch]):
    """Detail: `key`, `lane` (None: both at once), `cell` (None: every one without a value of its own), `to`, `before`,
    `undo` (None: it stays, else `catch_up`).
    """

    kind = "set_switch"
    Spec = SetSwitch

    def holds(self, spec: SetSwitch, scope: Scope) -> frozenset[Hold]:
        """The switch in the run's lane and cell; one that has no lane, in both; one that has no cells, in all."""
        lanes = scope.lanes if has_lane(spec.set.switch) else LANES
        cell = _cell(spec.set.switch, scope)
        return frozenset(Hold(spec.set.switch, lane if cell is None else f"{lane} {cell}") for lane in lanes)

    async def prepare(self, spec: SetSwitch, scope: Scope, home: Path, world: World) -> Detail:
        """See `ActionKind`: the switch's value before must be known."""
        key = spec.set.switch
        lane = next(iter(scope.lanes), None) if has_lane(key) else None
        cell = _cell(key, scope)
        before = await world.control_value(key, lane, cell)
        if before is None:
            raise Away(f"control does not tell {named(key, lane, cell)}")
        undo = spec.undo.model_dump() if isinstance(spec.undo, Restore) else None
        return {"key": key, "lane": lane, "cell": cell, "to": spec.set.to, "before": before, "undo": undo}

    def words(self, detail: Detail) -> ActionText:
        """See `ActionKind`."""
        key, to, before = _named(detail), detail["to"], detail["before"]
        return ActionText(f"{key}: {before} → {to}", f"{key} = {to}", f"{key} stays {to}; it was {before}")

    async def apply(self, detail: Detail, world: World, why: str, within_s: float) -> None:
        """See `ActionKind`."""
        await world.set(detail["key"], detail["lane"], detail["to"], why, detail.get("cell"))

    async def read_back(self, detail: Detail, world: World) -> ReadBack:
        """Control and every process that reads the switch."""
        key, lane, to, cell = detail["key"], detail["lane"], detail["to"], detail.get("cell")
        seen = {"control": await world.control_value(key, lane, cell), **await world.seen(key, lane, cell)}
        late = [f"{name} ({'?' if shown is None else shown})" for name, shown in seen.items() if shown != to]
        return ReadBack(tuple(seen), f"{_named(detail)} is not {to} in {', '.join(late)}" if late else "")

    async def undo(self, detail: Detail, progress: ActionProgress, world: World, now_s: float) -> Undo:
        """Back to what it was, unless somebody else has set it since; first what was held back is made good."""
        key, to, before = _named(detail), detail["to"], detail["before"]
        if detail["undo"] is None:
            return Undo(f"{key} stays {to}: nothing to undo, as the playbook says")
        now = await world.control_value(detail["key"], detail["lane"], detail.get("cell"))
        pace = detail["undo"]["catch_up"]
        if now is not None and now not in (to, before, pace):
            return Undo(f"{key} is {now}, set by somebody else since: left alone")
        if progress.took and now == before != to and not progress.began:
            return Undo(f"{key} is {before} again, set by somebody else: left alone")
        steps = [UndoStep(f"{key}: back to {before}", {**detail, "to": before})]
        if progress.took and pace is not None and to < before < pace:
            until_s = progress.memory.get("catch_up_until_s")
            if until_s is None:
                until_s = now_s + (now_s - progress.at_s) * (before - to) / (pace - before)
            text = f"{key}: {pace} until what was held back is made good"
            steps.insert(0, UndoStep(text, {**detail, "to": pace}, until_s, {"catch_up_until_s": until_s}))
        return Undo(f"{key} = {before} in every process", tuple(steps))


def _cell(key: str, scope: Scope) -> int | None:
    """The cell that the run is bound to; None: it is bound to none, or the switch has no values by cell."""
    return int(scope.cell) if scope.cell and has_cell(key) else None


def _named(detail: Detail) -> str:
    return named(detail["key"], detail["lane"], detail.get("cell"))


def named(key: str, lane: Lane | None, cell: int | None = None) -> str:
    """A switch in words."""
    where = [*([lane] if lane else []), *([] if cell is None else [f"cell {cell}"])]
    return f"{key} ({', '.join(where)})" if where else key
