"""S18: whatever moved adds up. Each transfer to 0, each holding to its legs, each reversal to what it reverses; nobody
has less than his floor; what left suspense went where its record says. Counted and summed by PostgreSQL; here the worst
is put into words.
"""

from __future__ import annotations

from collections.abc import Mapping

from system.audit.judging import Judge
from system.audit.snapshot import SnapshotRows, TableMissing

CODES = ("S18",)


async def judge(judges: Mapping[str, Judge], rows: SnapshotRows) -> None:
    """The residue is the largest difference of these checks, since one forged fen shows in several of them."""
    mine = judges["S18"]
    ((transfers, legs, reversals),) = await rows("season_moved")
    mine.look(transfers + reversals)
    mine.figure(transfers=transfers, legs=legs, reversals=reversals)
    off = (
        await _sums(mine, rows),
        await _accounts(mine, rows),
        await _reversals(mine, rows),
        await _settled(mine, rows),
        await _payouts(mine, rows),
    )
    mine.residue_fen += max(off)


async def _sums(mine: Judge, rows: SnapshotRows) -> int:
    """Transfers that leave something, or have no legs; the fen off."""
    fen_off = 0
    for count, fen, transfer, key, currency, amount in await rows("season_unbalanced"):
        says = f"its legs leave {amount:+} {currency}" if currency else "it has no legs"
        mine.broken(f"transfer {transfer} ({key}): {says}", count)
        fen_off = fen
    return fen_off


async def _accounts(mine: Judge, rows: SnapshotRows) -> int:
    """Holdings that are not their legs, accounts under their floor; the fen off."""
    fen_off = 0
    for what, count, fen, account, currency, held, moved, posted in await rows("season_accounts"):
        if what == "all":
            mine.look(count)
            mine.figure(accounts=count)
            continue
        fen_off = max(fen_off, fen)
        holds = "has no holding" if held is None else f"holds {held} {currency}"
        if what == "legs":
            mine.broken(f"{account} {holds}; its legs add up to {moved}", count)
        else:
            beside = f", credited {posted} fen" if posted is not None else ""
            mine.broken(f"{account} {holds}, its legs {moved}{beside}: under its floor", count)
    return fen_off


async def _reversals(mine: Judge, rows: SnapshotRows) -> int:
    """Reversals that are none of one transfer, exactly, once; the fen off."""
    says = {
        "legs": "which it does not negate exactly",
        "again": "which was reversed before",
        "of_reversal": "which is a reversal itself",
    }
    fen_off = 0
    for what, count, fen, reversal, reverses in await rows("season_reversals"):
        fen_off = max(fen_off, fen)
        mine.broken(f"transfer {reversal} reverses {reverses}, {says[what]}", count)
    return fen_off


async def _settled(mine: Judge, rows: SnapshotRows) -> int:
    """Money that left suspense otherwise than as the record that it is held for says; the fen off."""
    ((count, wrong, fen_off, first),) = await rows("season_settled")
    mine.look(count)
    if count:
        mine.figure(settled_out_of_suspense=count)
    if wrong:
        mine.broken(
            f"transfer {first}: takes from suspense what is not held there for whom it pays, or pays a second win",
            wrong,
        )
    return int(fen_off)


async def _payouts(mine: Judge, rows: SnapshotRows) -> int:
    """Payouts whose money is not where their state says; the fen off. A ledger older than payouts has none."""
    try:
        found = await rows("season_payouts")
    except TableMissing:
        return 0
    fen_off = 0
    for what, count, fen, account, payout, state in found:
        fen_off = max(fen_off, fen)
        match what:
            case "all":
                mine.look(count)
                if count:
                    mine.figure(payouts=count)
            case "held":
                mine.broken(f"{account} does not hold what waits for the bank's word", count)
            case "order":
                mine.broken(f"payout {payout}: its order took something else off the balance", count)
            case "stray":
                mine.broken(
                    f"transfer {payout} ({state}): moves a payout's money, and is no payout's order or end", count
                )
            case _:
                mine.broken(f"payout {payout} is {state}, and its money moved otherwise", count)
    return fen_off
