"""S15: blessings are combinations; a pot is what was paid, the remainder and what went back; each blessing is paid
once, all the same; none came after the end. Of an open season in which nobody has combined there is nothing to look at.
"""

from __future__ import annotations

from collections.abc import Mapping

from system.audit.judging import Judge
from system.audit.snapshot import SnapshotRows

CODES = ("S15",)
_SAYS = {
    "twice": "has combined twice",
    "late": "has combined after the end",
    "not_listed": "has combined, and is not in the list that the end froze",
    "list": "stands in the frozen list as nobody should: without a combination, twice, or with another amount",
    "paid": "was paid what the frozen list does not say: once, one blessing, the same amount for all",
    "torn": "is not one card of each kind for one blessing, of one user",
    "unpaid": "was never paid, and the season is called paid",
}


async def judge(judges: Mapping[str, Judge], rows: SnapshotRows) -> None:
    """Looks at every pot of the lane; the residue is the money off."""
    mine = judges["S15"]
    pots = await rows("season_pots")
    if not pots:
        return
    for season, state, pot, blessings, each, combined, left, paid, rounding, back in pots:
        mine.look(combined + (state != "open"))
        mine.figure(pots=pot, paid=paid, rounding=rounding, back=back, left=left, combinations=combined)
        off = pot - (left + paid + rounding + back)
        if off:
            figures = f"paid {paid}, rounding {rounding}, back {back}, left {left}"
            mine.broken(f"season {season}: a pot of {pot} fen, but {figures}: {off} fen off", 1, off)
        if state == "open" and paid + rounding + back:
            mine.broken(f"season {season} is open, and its pot has paid {paid + rounding + back} fen")
        if state != "open" and (blessings != combined or each != (pot // combined if combined else 0)):
            counts = f"{blessings} blessings of {each} fen were frozen, {combined} have combined"
            mine.broken(f"season {season}: {counts}")
        if state == "paid" and left:
            mine.broken(f"season {season} is paid, and {left} fen are left in its pot", 1, left)
    ((held, combinations, taken),) = await rows("season_blessings")
    if held != combinations - taken:
        mine.broken(f"{held} blessings held, {combinations} combined, {taken} paid")
    for what, count, season, account in await rows("season_pot_users"):
        mine.broken(f"season {season}: {account} {_SAYS[what]}", count)
