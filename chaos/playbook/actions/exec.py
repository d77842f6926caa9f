"""`exec`: a command, without a shell, in the folder of the playbook's file; exit code 0 is success.

    - {id: drain, kind: exec, run: [./drain.sh, $lane], read_back: 10s, undo: {run: [./fill.sh, $lane]}}

A command may be run again: after a kill of the engine nobody knows how far it came.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from chaos.commands import run
from chaos.playbook.action import ActionKind, ActionProgress, ActionText, Detail, Failed, ReadBack, Undo, UndoStep
from chaos.playbook.scope import Scope
from chaos.playbook.world import World
from harness.children import for_children
from plans.models.partial import Loc, PlanModel
from plans.models.playbook import ActionSpec
from plans.models.quantity import Duration

LONGEST_S = 600
CHECK_S = 5.0
"""Seconds for one call of a check; it is called again until `read_back`."""
Word = Annotated[str, Field(max_length=4096)]
Command = Annotated[tuple[Word, ...], Field(min_length=1, max_length=100, description="A program and its words.")]


class ExecUndo(PlanModel):
    """How a command is undone: another command, and a check that it worked."""

    run: Command
    check: Command | None = None


class ExecActionSpec(ActionSpec):
    """Runs a command; it has failed where it does not exit with 0 within `read_back`.

    `check`: a command that exits with 0 once it is in force; left out, the command's own exit code tells. `undo`:
    another command, or `none`. Safe to repeat is what its author makes it.
    """

    kind: Literal["exec"] = "exec"
    run: Command
    check: Command | None = None
    read_back: Duration = Field(gt=0, le=LONGEST_S)
    undo: ExecUndo | Literal["none"]

    @property
    def sentence(self) -> str:
        """See `ActionSpec`."""
        return f"runs {shlex.join(self.run)}"

    @property
    def undo_sentence(self) -> str:
        """See `ActionSpec`."""
        return f"by {shlex.join(self.undo.run)}" if isinstance(self.undo, ExecUndo) else "none"

    def texts(self) -> Iterator[tuple[Loc, str]]:
        """See `ActionSpec`."""
        back = self.undo if isinstance(self.undo, ExecUndo) else None
        commands: dict[Loc, Command] = {("run",): self.run, ("check",): self.check or ()}
        commands |= {("undo", "run"): back.run, ("undo", "check"): back.check or ()} if back else {}
        for loc, words in commands.items():
            yield from (((*loc, number), word) for number, word in enumerate(words))


class ExecAction(ActionKind[ExecActionSpec]):
    """Detail: `run`, `check` (None: none), `folder`, `environment`, `undo` (None: it stays, else `run` and `check`)."""

    kind = "exec"
    Spec = ExecActionSpec

    async def prepare(self, spec: ExecActionSpec, scope: Scope, home: Path, world: World) -> Detail:
        """See `ActionKind`."""

        def filled(part: ExecActionSpec | ExecUndo) -> dict[str, Any]:
            words = {"run": part.run, "check": part.check}
            return {name: each and [scope.fill(word) for word in each] for name, each in words.items()}

        back = filled(spec.undo) if isinstance(spec.undo, ExecUndo) else None
        environment = {f"XIU_{name.upper()}": value for name, value in scope.bound.items()}
        return {**filled(spec), "folder": str(home), "environment": environment, "undo": back}

    def words(self, detail: Detail) -> ActionText:
        """See `ActionKind`."""
        command = shlex.join(detail["run"])
        return ActionText(f"runs {command}", f"{command} was run", f"{command} was run, and is not undone")

    async def apply(self, detail: Detail, world: World, why: str, within_s: float) -> None:
        """See `ActionKind`. Raises Failed for another exit code than 0."""
        environment = {**detail["environment"], "XIU_WHY": why}
        if wrong := await self._run(detail, detail["run"], environment, within_s):
            raise Failed(wrong)

    async def read_back(self, detail: Detail, world: World) -> ReadBack:
        """See `ActionKind`."""
        if detail["check"] is None:
            return ReadBack((f"{detail['run'][0]}'s exit code",))
        wrong = await self._run(detail, detail["check"], detail["environment"], CHECK_S)
        return ReadBack(why=wrong) if wrong else ReadBack((shlex.join(detail["check"]),))

    async def undo(self, detail: Detail, progress: ActionProgress, world: World, now_s: float) -> Undo:
        """See `ActionKind`."""
        command = shlex.join(detail["run"])
        if detail["undo"] is None:
            return Undo(f"{command}: nothing to undo, as the playbook says")
        back = {**detail, **detail["undo"], "undo": None}
        text = shlex.join(back["run"])
        return Undo(f"{command} undone by {text}", (UndoStep(f"runs {text}", back),))

    async def _run(self, detail: Detail, words: list[str], more: Mapping[str, str], within_s: float) -> str:
        """What went wrong; empty where it exited with 0. Of the stack it is told what is in `more` alone."""
        own = {name: value for name, value in for_children().items() if not name.startswith("XIU_")}
        ended = await run(words, {**own, **more}, within_s, Path(detail["folder"]), tidy=False)
        return ended.wrong and f"{shlex.join(words)}: {ended.wrong}"
