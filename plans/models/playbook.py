"""A playbook: which alert starts it, which switches it sets, how it is judged and undone.

Refuses an action without undo.

A condition compares one figure of PromQL. In a query stand `$lane` (of the alert; `live` by hand). A query without an
answer is never true: no data neither starts a playbook, nor proves it, nor ends it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from plans.models.fault import FaultId
from plans.models.forecast import Id, Words
from plans.models.load import HOME
from plans.models.partial import Contradiction, Loc, PlanModel, check, once
from plans.models.quantity import Duration
from system.contract.errors import BadRequest
from system.contract.switches import SWITCHES, checked

Op = Literal["<", "<=", ">", ">=", "=="]
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq,
}  # fmt: skip
CATCHES_UP = "draw.release_percent"
"""The one switch whose held-back part can be made good: the pace of a schedule."""
_WORD = re.compile(r"\$\w*")
_SWITCHES = {switch.key: switch for switch in SWITCHES}
Query = Annotated[str, Field(min_length=3, description="PromQL that gives one figure.")]


class Condition(PlanModel):
    """A figure against a bound: a plain `value`, or `of_baseline` times what it was before the first action."""

    what: str = Field(min_length=3, description="What the figure is, for people.")
    query: Query
    op: Op
    value: Annotated[float, Field(allow_inf_nan=False)] | None = None
    of_baseline: float | None = Field(default=None, gt=0, allow_inf_nan=False)

    @check
    def _one_bound(self) -> Iterator[Contradiction]:
        if (self.value is None) == (self.of_baseline is None):
            yield Contradiction((), "a condition has one bound", "`value` or `of_baseline`")

    @check
    def _known_words(self) -> Iterator[Contradiction]:
        for word in _WORD.findall(self.query):
            if word != "$lane":
                yield Contradiction(("query",), f"{word} stands for nothing", "$lane")

    def holds(self, found: float | None, baseline: float | None) -> bool | None:
        """True, False, or None: not known, for want of data."""
        bound = self.value
        if self.of_baseline is not None:
            bound = None if baseline is None else self.of_baseline * baseline
        return None if found is None or bound is None else COMPARE[self.op](found, bound)


class Trigger(PlanModel):
    """`alert` stands in dashboards/rules with a promtool test; after an end the next start waits for `cooldown`."""

    alert: str = Field(pattern=r"^[A-Z][A-Za-z0-9]*$")
    cooldown: Duration


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


class Action(PlanModel):
    """Sets a switch; read back from every process that reads it within `read_back`, or it has failed.

    Safe to repeat: a switch is set to a value, never moved by one.
    """

    id: Id
    set: SwitchSet
    read_back: Duration = Field(gt=0, le=30)
    undo: Restore | Literal["none"]

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


class Verify(PlanModel):
    """Judged while the fault is still there: all hold without a break for `hold`, the first time within `within`."""

    within: Duration = Field(gt=0)
    hold: Duration
    all: tuple[Condition, ...] = Field(min_length=1)

    @check
    def _in_time(self) -> Iterator[Contradiction]:
        if self.hold > self.within:
            yield Contradiction(("hold",), "holds longer than there is time", "at most `within`")


class Healed(PlanModel):
    """The fault is over once all hold without a break for `hold`. One that does not hold is the fault's presence."""

    hold: Duration
    all: tuple[Condition, ...] = Field(min_length=1)

    @check
    def _absolute(self) -> Iterator[Contradiction]:
        for number, condition in enumerate(self.all):
            if condition.of_baseline is not None:
                what = "what is healed is measured before there is a baseline"
                yield Contradiction(("all", number, "of_baseline"), what, "`value`")


class Rollback(PlanModel):
    """After the undo, itself read back: all hold within `within`."""

    within: Duration = Field(gt=0)
    all: tuple[Condition, ...] = ()


class Playbook(PlanModel):
    """The whole file."""

    kind: Literal["playbook"]
    id: Id
    title: Words
    owner: str = Field(min_length=2)
    meaning: str = Field(min_length=10, description="What the alert means here.")
    impact: str = Field(min_length=10, description="What people notice, of the fault and of the playbook.")
    covers: tuple[FaultId, ...] = Field(default=(), description="Faults of the catalogue it is for.")
    trigger: Trigger
    preconditions: tuple[Condition, ...] = ()
    actions: tuple[Action, ...] = Field(min_length=1)
    verify: Verify
    healed: Healed
    rollback: Rollback

    @check
    def _actions_once(self) -> Iterator[Contradiction]:
        yield from once("actions", "id", [action.id for action in self.actions], "action ")

    @check
    def _switches_once(self) -> Iterator[Contradiction]:
        yield from once("actions", "set", [action.set.switch for action in self.actions], "switch ")

    def conditions(self) -> Iterator[tuple[Loc, Condition]]:
        """Every condition, and where in the file it stands."""
        parts: tuple[tuple[Loc, tuple[Condition, ...]], ...] = (
            (("preconditions",), self.preconditions), (("verify", "all"), self.verify.all),
            (("healed", "all"), self.healed.all), (("rollback", "all"), self.rollback.all),
        )  # fmt: skip
        for loc, found in parts:
            for number, condition in enumerate(found):
                yield (*loc, number), condition

    @property
    def switches(self) -> tuple[str, ...]:
        """Every switch it sets."""
        return tuple(action.set.switch for action in self.actions)


def playbook_files() -> list[Path]:
    return sorted((HOME / "playbooks").glob("*.yaml"))
