"""The season's instances: those that are exhausted, and the one in which each rule is taken out. Owns their sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from chaos.model.explore import Machine
from chaos.model.season import cards, drawing, pot, returns, shares, spending
from chaos.model.season.rules import BY_NAME, MACHINES, RulesInForce

Make = Callable[[RulesInForce], Machine[Any]]

EXHAUSTED: Final[dict[str, Make]] = {
    "spend twice at once, beside another; a fen comes; a COMMIT is lost": lambda h: spending.machine("aab", 1, 1, 1, h),
    "another request under the same key": lambda h: spending.machine("aA", 2, 0, 1, h),
    "reversed under two keys": lambda h: spending.machine("ars", 1, 0, 1, h),
    "owner, one user twice, another; a sweep; a COMMIT is lost": lambda h: shares.machine((0, 1, 1, 2), 1, 1, h),
    "one user twice, another; two sweeps; a COMMIT is lost": lambda h: shares.machine((1, 1, 2), 2, 1, h),
    "a share, a funding, three orders of an operator; two return, killed anywhere": lambda h: returns.machine(
        ("open", "pay", "take", "undo", "hand", "return", "return"), 1, h
    ),
    "one ticket under two keys, two more, two cards; two are undone": lambda h: drawing.machine(
        ("x1", "x2", "y1", "z1"), 2, h
    ),
    "two gifts, two combine, the season ends": lambda h: cards.machine(("gift", "gift", "A", "B", "end"), h),
    "two payers, killed twice anywhere": lambda h: pot.machine(2, 2, h),
}
_MAKES = list(EXHAUSTED.values())
_FIRST: Final = {
    "spending": _MAKES[0], "shares": _MAKES[3], "returns": _MAKES[5], "drawing": _MAKES[6], "cards": _MAKES[7],
    "pot": _MAKES[8],
}  # fmt: skip
WITHOUT: Final[dict[str, Make]] = {rule.name: _FIRST[name] for name, rules in MACHINES.items() for rule in rules} | {
    "request": _MAKES[1],
    "reverse_once": _MAKES[2],
}
assert WITHOUT.keys() == BY_NAME.keys()
