"""The shape of a playbook's action: what one kind of it can do. The kinds: `chaos/playbook/actions/`.

    prepare → (the journal's line) → apply → read_back → … → undo: steps, each applied and read back as well

What a kind must know after a kill of the engine is in its detail: plain JSON, written to the journal before `apply`.
Every `apply` may be repeated: an engine that was killed does it once more.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from chaos.playbook.scope import Scope
from chaos.playbook.world import World
from plans.models.playbook import ActionSpec

Detail = Mapping[str, Any]
S = TypeVar("S", bound=ActionSpec)


class Failed(Exception):
    """It was refused for good: repeating it would not help. An undo is tried again all the same."""


class Hold(NamedTuple):
    """A switch in one place (a lane, or `live 1`, a cell of it); one run at a time may hold it."""

    switch: str
    where: str


class ActionText(NamedTuple):
    """An action in words, for the journal: about to be done, while it is in force, and left as it is by xiu halt."""

    change: str
    stands: str
    left: str


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What was read back: where it is in force; `why`: why it is not in force everywhere, empty where it is."""

    where: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class ActionProgress:
    """How far an action got. `at_s`: when it was begun, Unix seconds. `took`: it was read back, and its run ends
    because the trouble is over. `began`: its undo has begun before. `memory`: what the steps of that undo wrote down.
    """

    at_s: float
    took: bool
    began: bool
    memory: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UndoStep:
    """One step of an undo: applied and read back like the action itself, then kept until `until_s` (Unix seconds).
    `memory` is written to the journal with it.
    """

    text: str
    detail: Detail
    until_s: float = 0.0
    memory: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Undo:
    """How an action is undone: its steps (none: it is left as it is), and the words at the end."""

    text: str
    steps: tuple[UndoStep, ...] = ()


class ActionKind(ABC, Generic[S]):
    """One kind of action. Found by its `kind`; a file in `chaos/playbook/actions/` each."""

    kind: ClassVar[str]
    Spec: ClassVar[type[ActionSpec]]
    """What a playbook's file may say, with its checks."""

    def holds(self, spec: S, scope: Scope) -> frozenset[Hold]:
        """What no other run may have while this one is under way."""
        return frozenset()

    @abstractmethod
    async def prepare(self, spec: S, scope: Scope, home: Path, world: World) -> Detail:
        """All that the methods below need. Changes nothing. `home`: the folder of the playbook's file, absolute.

        Raises Away where something it needs cannot be read; it is asked again.
        """

    @abstractmethod
    def words(self, detail: Detail) -> ActionText:
        """The action in words."""

    @abstractmethod
    async def apply(self, detail: Detail, world: World, why: str, within_s: float) -> None:
        """Does it, in `within_s` seconds at most; `why` is for the records of whatever is changed.

        Raises Away where it is not done, or not known to be: it is tried again. Raises Failed where that is of no use.
        """

    @abstractmethod
    async def read_back(self, detail: Detail, world: World) -> ReadBack:
        """Is it in force? Asks every process that has to obey it."""

    @abstractmethod
    async def undo(self, detail: Detail, progress: ActionProgress, world: World, now_s: float) -> Undo:
        """How it is undone, as things are now. Changes nothing."""
