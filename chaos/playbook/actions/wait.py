"""`wait`: goes on once a figure of PromQL holds. Changes nothing, so that there is nothing to undo.

- {id: settle, kind: wait, read_back: 20s, until: {what: open rounds, query: 'sum(hongbao_rounds)', op: "<", value: 1}}
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from chaos.playbook.action import ActionKind, ActionProgress, ActionText, Detail, ReadBack, Undo
from chaos.playbook.scope import Scope
from chaos.playbook.world import World
from plans.models.partial import Contradiction, Loc, check
from plans.models.playbook import ActionSpec, Condition
from plans.models.quantity import Duration

LONGEST_S = 600


class Wait(ActionSpec):
    """Waits until the condition holds, `read_back` at most; one that does not hold by then has failed."""

    kind: Literal["wait"] = "wait"
    until: Condition
    read_back: Duration = Field(gt=0, le=LONGEST_S)

    @property
    def sentence(self) -> str:
        """See `ActionSpec`."""
        return f"waits until {self.until.what} {self.until.op} {self.until.value:g}"

    def conditions(self) -> Iterator[tuple[Loc, Condition]]:
        """See `ActionSpec`."""
        yield ("until",), self.until

    @check
    def _absolute(self) -> Iterator[Contradiction]:
        if self.until.of_baseline is not None:
            yield Contradiction(("until", "of_baseline"), "what is waited for has no baseline", "`value`")


class WaitAction(ActionKind[Wait]):
    """Detail: `what`, `query`, `op`, `value` of its condition, `$lane` filled in."""

    kind = "wait"
    Spec = Wait

    async def prepare(self, spec: Wait, scope: Scope, home: Path, world: World) -> Detail:
        """See `ActionKind`."""
        until = spec.until
        return {"what": until.what, "query": scope.fill(until.query), "op": until.op, "value": until.value}

    def words(self, detail: Detail) -> ActionText:
        """See `ActionKind`."""
        bound = f"{detail['what']} {detail['op']} {detail['value']:g}"
        return ActionText(f"waits until {bound}", f"waited for {bound}", f"waited for {bound}: nothing is set")

    async def apply(self, detail: Detail, world: World, why: str, within_s: float) -> None:
        """Nothing is done."""

    async def read_back(self, detail: Detail, world: World) -> ReadBack:
        """No data never holds."""
        found = await world.figure(detail["query"])
        if Condition(**detail).holds(found, None):
            return ReadBack(("Prometheus",))
        shown = "no data" if found is None else f"{found:g}"
        return ReadBack(why=f"{detail['what']}: {shown}, not {detail['op']} {detail['value']:g}")

    async def undo(self, detail: Detail, progress: ActionProgress, world: World, now_s: float) -> Undo:
        """See `ActionKind`."""
        return Undo("nothing to undo: it waited")
