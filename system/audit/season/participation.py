"""S17: what fronts counted is what the generator was told. Taps, taps too fast, shown sponsors, and people.

definite answers ≤ counted + uncounted ≤ definite + unknown. Only a start of a front that ended without a last report
leaves something uncounted; without one all are equal, as far as every answer is known.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from pyroaring import BitMap64

from system.audit.history import History
from system.audit.judging import Judge
from system.audit.snapshot import SnapshotRows
from system.contract.history import Outcome

CODES = ("S17",)
OF_HISTORY = True
TOO_FAST = 429
_PARTS = (Outcome.WIN, Outcome.LOSE, Outcome.REPEAT, Outcome.PENDING)
_SHOWN = (Outcome.WIN, Outcome.REPEAT)
Ops = npt.NDArray[np.void]


async def judge(judges: Mapping[str, Judge], rows: SnapshotRows, history: History) -> None:
    """Looks at the rounds of the history that are in this lane."""
    mine, ops = judges["S17"], history.ops
    rounds = np.unique(ops["round"]).tolist()
    for number, *counted, died, behind in await rows("season_counted", rounds=rounds):
        users = BitMap64()
        for (raw,) in await rows("season_counted_users", round=number):
            users |= BitMap64.deserialize(bytes(raw))
        of_round(mine, number, ops[ops["round"] == number], tuple(counted), users, died, behind)


def of_round(
    mine: Judge, number: int, ops: Ops, counted: tuple[int, int, int], users: BitMap64, died: int, behind: int
) -> None:
    """`counted`: taps, too fast, shown. `died`: starts that ended unheard; `behind`: ones that have more to write."""
    outcome = ops["outcome"]
    part = np.isin(outcome, _PARTS)
    unknown = (outcome == Outcome.UNKNOWN) & (ops["sent_ns"] > 0)
    definite = int(part.sum()), int((ops["http"] == TOO_FAST).sum()), int(np.isin(outcome, _SHOWN).sum())
    slack = int(unknown.sum())
    mine.look(definite[0] + definite[1])
    short = False
    for what, known, found in zip(("taps", "taps too fast", "shown sponsors"), definite, counted, strict=True):
        mine.figure(**{f"{what.replace(' ', '_')}_counted": found})
        if found > known + slack:
            mine.broken(
                f"round {number}: {found:,} {what} counted; {known:,} answered, {slack:,} unknown",
                found - known - slack,
            )
        elif found < known:
            short = True
            _missing(mine, f"round {number}: {found:,} {what} counted, {known:,} answered", known - found, died, behind)
    answered_users, may = np.unique(ops["uid"][part]), np.unique(ops["uid"][part | unknown])
    mine.figure(people=len(users))
    strangers = users - BitMap64(may.tolist())
    if strangers:
        mine.broken(f"round {number}: user {strangers.min()} counted, who was never answered", len(strangers))
    missing = BitMap64(answered_users.tolist()) - users
    if missing:
        _missing(mine, f"round {number}: user {missing.min()} took part and is not counted", len(missing), died, behind)
    elif short and died:
        mine.figure(rounds_with_uncounted=1)
    if len(users) > counted[0]:
        mine.broken(f"round {number}: {len(users):,} people in {counted[0]:,} taps", len(users) - counted[0])


def _missing(mine: Judge, what: str, count: int, died: int, behind: int) -> None:
    """Uncounted where a start ended unheard, undecided while one has more to write, else wrong."""
    if died:
        mine.figure(uncounted=count)
    elif behind:
        mine.doubt(f"{what}; a front has not written since", count)
    else:
        mine.broken(what, count)
