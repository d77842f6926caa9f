"""Where a run acts: a lane, a cell, a front. Bound from an alert's labels, or by a person's order.

Never guesses a place: a label that is missing, or names what this stack does not have, is a refusal in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass

from plans.models.playbook import SCOPES
from system.contract.ids import LANES, Lane

LABELS: Mapping[str, tuple[str, ...]] = {"lane": ("lane",), "cell": ("cell",), "front": ("front", "part")}
"""Name in `scope` → the alert's labels that give its value, the first that is there. Prometheus calls a front a
part.
"""
SHOWN = 40
MOST_NAMED = 8


class Unbound(Exception):
    """The place in which a run should act is not known; the message says why."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The place of a run; an empty value is not bound."""

    lane: str = ""
    cell: str = ""
    front: str = ""

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The lane it is bound to, as one of the contract's; none where it is bound to none."""
        return tuple(lane for lane in LANES if lane == self.lane)

    @property
    def bound(self) -> dict[str, str]:
        """What it is bound to, by name."""
        return {name: value for name, value in asdict(self).items() if value}

    def fill(self, text: str) -> str:
        """`text` with `$lane`, `$cell` and `$front` replaced by what they stand for here."""
        for name in SCOPES:
            text = text.replace(f"${name}", getattr(self, name))
        return text


def bind(names: Iterable[str], labels: Mapping[str, str], known: Callable[[str], Iterable[str]]) -> Scope:
    """A playbook's scope for an alert of these labels; `known`: what there is of a sort. Raises Unbound."""
    found = {}
    for name in names:
        value = next((labels[label] for label in LABELS[name] if labels.get(label)), "")
        there = list(known(name))
        if value not in there:
            problem = f"{name} {value[:SHOWN]!r} is none" if value else f"no {name} is named"
            more = f" or {len(there) - MOST_NAMED} more" if len(there) > MOST_NAMED else ""
            raise Unbound(f"{problem}; expected {' or '.join(there[:MOST_NAMED])}{more}: nothing is done")
        found[name] = value
    return Scope(**found)
