"""The rules of the season (S13 to S18), one file each: `CODES` and `judge`, found by being there. A rule that compares
with what the generator was told says `OF_HISTORY = True`, and its `judge` gets the run's history as well.

Each judges a whole lane by what plays wrote, all from the audit's one snapshot. A rule without a file, one that found
nothing of its kind in the lane, and one whose tables an older ledger does not have, is not evaluated: never green.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from system.audit.history import History
from system.audit.judging import Judge
from system.audit.snapshot import SnapshotRows, TableMissing
from system.contract import found
from system.contract.audit import OF_PLAYS
from system.contract.errors import SettingsError

JudgeRule = Callable[..., Awaitable[None]]
"""`judge(judges, rows)`; with OF_HISTORY `judge(judges, rows, history)`."""


@dataclass(frozen=True, slots=True)
class SeasonRule:
    """`codes`: whom it judges. `judge`: looks, with the judges of those codes alone. `of_history`: it needs a run's."""

    codes: tuple[str, ...]
    judge: JudgeRule
    of_history: bool = False


def table(pieces: Iterable[found.Piece]) -> tuple[SeasonRule, ...]:
    """The rules of these files. Raises SettingsError: a file that is none, a code of no rule, one that stands twice."""
    rules: list[SeasonRule] = []
    taken: dict[str, found.Piece] = {}
    for piece in pieces:
        codes, judge = getattr(piece.module, "CODES", None), getattr(piece.module, "judge", None)
        if not isinstance(codes, tuple) or not codes or not inspect.iscoroutinefunction(judge):
            raise SettingsError(
                f'{piece.place()}: no rule; expected CODES = ("S13",) and async def judge(judges, rows)'
            )
        for code in codes:
            if code not in OF_PLAYS:
                raise SettingsError(f"{piece.place(code)}: no rule {code!r}; expected one of {', '.join(OF_PLAYS)}")
            if code in taken:
                raise SettingsError(f"{piece.place(code)}: {code} stands in {taken[code].place(code)} as well")
            taken[code] = piece
        rules.append(SeasonRule(codes, judge, bool(getattr(piece.module, "OF_HISTORY", False))))
    return tuple(rules)


RULES = table(found.pieces(__name__, __path__))


async def judge(
    judges: Mapping[str, Judge],
    rows: SnapshotRows,
    rules: Iterable[SeasonRule] = RULES,
    history: History | None = None,
) -> None:
    """Every rule looks at the lane; one of a history only where there is one. Raises StoreUnknown, StoreRefused."""
    for rule in rules:
        mine = {code: judges[code] for code in rule.codes}
        if rule.of_history and history is None:
            continue  # what looked at nothing is not evaluated
        try:
            await (rule.judge(mine, rows, history) if rule.of_history else rule.judge(mine, rows))
        except TableMissing:
            for each in mine.values():
                each.evaluated = bool(each.violations)
