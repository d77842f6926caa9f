"""S13: of each share, paid in = claimed + open + refunded; at most as many claims as parts, one a user, none by the
owner, none after the expiry. What was never in a share of its round returns to those who paid, once none is open or can
be opened. Counted and summed by PostgreSQL; here the worst is put into words.
"""

from __future__ import annotations

from collections.abc import Mapping

from system.audit.judging import Judge
from system.audit.snapshot import SnapshotRows

CODES = ("S13",)

_SAYS = {
    "money": "share {award}: paid in is not claimed + open + refunded",
    "count": "share {award}: its claims are not its first parts, once each",
    "claim": "share {award}: the claim of user {uid} is not the part and the transfer that it should be",
    "transfer": "share {award}: a transfer of a claim that is not there",
    "owner": "share {award}: claimed by user {uid}, its owner",
    "late": "share {award}: claimed by user {uid} after the expiry",
    "round": "share {award}: opened from, or paid back to, another account than its round's",
}
_RETURNS = {
    "early": "{key}: share {award} was open then, or opened later",
    "whom": "{key}: to {award}, which had less in it",
    "from": "{key}: not out of its round's fission money alone",
}


async def judge(judges: Mapping[str, Judge], rows: SnapshotRows) -> None:
    """The residue is the largest difference of these checks, since one forged fen shows in several of them."""
    mine = judges["S13"]
    ((shares, claims, paid_in, claimed, left, refunded),) = await rows("season_shares")
    mine.look(shares + claims)
    mine.figure(
        shares=shares, claims=claims, paid_in_fen=paid_in, claimed_fen=claimed, open_fen=left, refunded_fen=refunded
    )
    fen_off = 0
    for what, count, fen, award, uid in await rows("season_shares_wrong"):
        mine.broken(_SAYS[what].format(award=award, uid=uid), count)
        fen_off = max(fen_off, int(fen))
    ((returns, returned),) = await rows("season_returns")
    if returns:
        mine.look(returns)
        mine.figure(returned_fen=returned)
        for what, count, fen, key, award in await rows("season_returns_wrong"):
            mine.broken(_RETURNS[what].format(key=key, award=award), count)
            fen_off = max(fen_off, int(fen))
    mine.residue_fen += fen_off
