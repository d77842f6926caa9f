"""S16: each interaction counts once in its tie, each tie stands once, and growth is the ties made by whom and by what.

Compared is the log of interactions with the counters of the ties, both the whole numbers and the decayed ones, and the
transfers of plays with the log.
"""

from __future__ import annotations

from collections.abc import Mapping

from system.audit.judging import Judge
from system.audit.snapshot import SnapshotRows
from system.ledger.interactions import HALF_LIVES_US, KINDS, LANDMARK_US

CODES = ("S16",)


async def judge(judges: Mapping[str, Judge], rows: SnapshotRows) -> None:
    """Looks at every tie and every interaction of the lane."""
    mine = judges["S16"]
    ((ties, twice, interactions),) = await rows("season_ties")
    mine.look(ties + interactions)
    mine.figure(ties=ties, interactions=interactions)
    mine.broken(f"{twice} ties stand twice, or are no pair of two", twice)
    counters = {"landmark_us": LANDMARK_US, "half_lives_us": list(HALF_LIVES_US)}
    for count, lo, hi, way, says, happened in await rows("season_tie_counts", **counters):
        one, other = (lo, hi) if way <= len(KINDS) else (hi, lo)
        kind = KINDS[(way - 1) % len(KINDS)]
        problem = f"counts {says}, {happened} happened" if says != happened else "has another weight than what happened"
        mine.broken(f"tie {lo}-{hi}: {kind} from {one} to {other} {problem}", count)
    for through, made, counted in await rows("season_tie_growth"):
        what = KINDS[through - 1] if through else "import"
        mine.broken(f"{made} ties were made by {what}, growth counts {counted}", abs(made - counted))
    for count, lo, hi, maker in await rows("season_tie_makers"):
        mine.broken(f"tie {lo}-{hi}: nothing by user {maker} made it", count)
    for count, key in await rows("season_tie_silent"):
        mine.broken(f"transfer {key} is in no tie", count)
