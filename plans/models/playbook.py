"""A playbook's file: which alert starts it, what it does, how that is judged and undone. Owns the envelope; what an
action may say is its kind's own (`chaos/playbook/actions/`).

A condition compares one figure of PromQL. In a query `$lane`, `$cell`, `$front` stand for the place to which the run is
bound. A query without an answer is never true: no data neither starts a playbook, nor proves it, nor ends it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Discriminator, Field, Tag, create_model

from plans.models.fault import FaultId
from plans.models.forecast import Id, Words
from plans.models.home import HOME
from plans.models.matchers import MatcherText, apart
from plans.models.partial import Contradiction, Loc, PlanModel, check, once
from plans.models.quantity import Duration
from system.contract.switches import SWITCHES

Op = Literal["<", "<=", ">", ">=", "=="]
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq,
}  # fmt: skip
FIRST_KIND = "set_switch"
"""The kind of an action that names none: all files of the time when there was only this one."""
ScopeName = Literal["lane", "cell", "front"]
SCOPES: tuple[ScopeName, ...] = get_args(ScopeName)
_OF_LANES = {switch.key for switch in SWITCHES if switch.by_lane}
_WORD = re.compile(r"\$\w*")
Query = Annotated[str, Field(min_length=3, description="PromQL that gives one figure.")]


def unknown_words(loc: Loc, text: str, names: Iterable[str]) -> Iterator[Contradiction]:
    """Words with a `$` that nothing replaces in a text; `names`: what can be replaced."""
    known = [f"${name}" for name in names]
    for word in _WORD.findall(text):
        if word not in known:
            yield Contradiction(
                loc, f"{word} stands for nothing", " or ".join(known) or "no such word: `scope` is empty"
            )


class Condition(PlanModel):
    """A figure against a bound: a plain `value`, or `of_baseline` times the figure before the first action."""

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
        yield from unknown_words(("query",), self.query, SCOPES)

    def holds(self, found: float | None, baseline: float | None) -> bool | None:
        """True, False, or None: not known, because there is no data."""
        bound = self.value
        if self.of_baseline is not None:
            bound = None if baseline is None else self.of_baseline * baseline
        return None if found is None or bound is None else COMPARE[self.op](found, bound)


class Trigger(PlanModel):
    """`alert` stands in dashboards/rules with a promtool test; after an end the next start waits for `cooldown`.

    `matchers`: only an alert whose labels match all of them.
    """

    alert: str = Field(pattern=r"^[A-Z][A-Za-z0-9]*$")
    matchers: tuple[MatcherText, ...] = ()
    cooldown: Duration

    @check
    def _some_alert(self) -> Iterator[Contradiction]:
        if apart(self.matchers, ()):
            yield Contradiction(("matchers",), "no alert matches all of them", "matchers that one alert can match")


class ActionSpec(PlanModel):
    """What every action has. Its kind adds what is done, and how that is undone; the caller passes the kinds in
    (`playbook_of`), because they live above `plans`.

    `read_back`: within this time the action must be seen in force, else it has failed.
    """

    id: Id
    kind: str
    read_back: Duration = Field(gt=0)

    @property
    def switches(self) -> tuple[str, ...]:
        """Every switch it sets."""
        return ()

    @property
    def sentence(self) -> str:
        """What it does, in a few words that begin with a verb."""
        return self.kind

    @property
    def undo_sentence(self) -> str:
        """How it is undone, in words; empty: there is nothing to undo."""
        return ""

    def conditions(self) -> Iterator[tuple[Loc, Condition]]:
        """The conditions of its own, and where in the action they stand."""
        yield from ()

    def texts(self) -> Iterator[tuple[Loc, str]]:
        """Its texts in which `$lane`, `$cell`, `$front` are filled in, and where in the action they stand."""
        yield from ()


class Verify(PlanModel):
    """Judged while the trouble lasts: all hold without a break for `hold`, the first time within `within`."""

    within: Duration = Field(gt=0)
    hold: Duration
    all: tuple[Condition, ...] = Field(min_length=1)

    @check
    def _in_time(self) -> Iterator[Contradiction]:
        if self.hold > self.within:
            yield Contradiction(("hold",), "holds longer than there is time", "at most `within`")


class Healed(PlanModel):
    """The trouble is over once all hold without a break for `hold`. One that does not hold shows that the trouble is
    there.
    """

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
    scope: tuple[ScopeName, ...] = Field(
        default=("lane",), description="What a run is bound to, by its alert's labels."
    )
    preconditions: tuple[Condition, ...] = ()
    actions: tuple[ActionSpec, ...] = Field(min_length=1)
    verify: Verify
    healed: Healed
    rollback: Rollback

    @check
    def _actions_once(self) -> Iterator[Contradiction]:
        yield from once("actions", "id", [action.id for action in self.actions], "action ")

    @check
    def _scope_once(self) -> Iterator[Contradiction]:
        for number, name in enumerate(self.scope):
            if name in self.scope[:number]:
                yield Contradiction(("scope", number), f"{name} stands twice", "each once")

    @check
    def _bound(self) -> Iterator[Contradiction]:
        """No switch of a lane without a lane in scope, and no `$name` that the run is not bound to."""
        for number, action in enumerate(self.actions):
            for key in action.switches:
                if key in _OF_LANES and "lane" not in self.scope:
                    yield Contradiction(("actions", number, "set"), f"{key} is set in one lane", "lane in `scope`")
            for loc, text in action.texts():
                yield from unknown_words(("actions", number, *loc), text, self.scope)
        for loc, condition in self.conditions():
            unbound = [word for word in _WORD.findall(condition.query) if word[1:] in {*SCOPES} - {*self.scope}]
            for word in unbound:
                yield Contradiction(
                    (*loc, "query"), f"{word} is nothing that a run is bound to", f"{word[1:]} in `scope`"
                )

    @check
    def _switches_once(self) -> Iterator[Contradiction]:
        names = [(number, key) for number, action in enumerate(self.actions) for key in action.switches]
        seen: set[str] = set()
        for number, key in names:
            if key in seen:
                yield Contradiction(("actions", number, "set"), f"switch {key} stands twice", "each once")
            seen.add(key)

    def conditions(self) -> Iterator[tuple[Loc, Condition]]:
        """Every condition, and where in the file it stands."""
        parts: tuple[tuple[Loc, tuple[Condition, ...]], ...] = (
            (("preconditions",), self.preconditions), (("verify", "all"), self.verify.all),
            (("healed", "all"), self.healed.all), (("rollback", "all"), self.rollback.all),
        )  # fmt: skip
        for loc, found in parts:
            for number, condition in enumerate(found):
                yield (*loc, number), condition
        for number, action in enumerate(self.actions):
            for loc, condition in action.conditions():
                yield ("actions", number, *loc), condition

    @property
    def switches(self) -> tuple[str, ...]:
        """Every switch it sets."""
        return tuple(key for action in self.actions for key in action.switches)


def playbook_of(specs: Mapping[str, type[ActionSpec]]) -> type[Playbook]:
    """The model of a whole file whose actions are of these kinds, by name; an action that names none sets a switch."""
    tagged: list[Any] = [Annotated[spec, Tag(name)] for name, spec in specs.items()]
    action: Any = Annotated[reduce(operator.or_, tagged), Discriminator(_kind_of)]
    return create_model(
        "Playbook", __base__=Playbook, __doc__=Playbook.__doc__,
        actions=(tuple[action, ...], Field(min_length=1)),
    )  # fmt: skip


def _kind_of(action: Any) -> str:
    if isinstance(action, ActionSpec):
        return action.kind
    return str(action.get("kind", FIRST_KIND)) if isinstance(action, dict) else FIRST_KIND


def playbook_files() -> list[Path]:
    return sorted((HOME / "playbooks").glob("*.yaml"))
