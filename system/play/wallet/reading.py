"""Reads the ledger for play: balances, statements, what became of an award. One pool per lane, as that lane's role.

Owns the states that a user sees. Never writes. Never calls an award lost before its round is closed, unless its packet
belongs to another user.
"""

from __future__ import annotations

import logging

from system.contract.errors import BadRequest, NotFound, UnknownRound
from system.contract.ids import Lane, award_id, parse_award_id
from system.contract.people import traits_of
from system.ledger.access import Pool
from system.play.reading import read
from system.play.wallet.balances import BalanceDesk
from system.play.wallet.models import (
    AwardView,
    BulkAnswer,
    BulkRequest,
    BulkWin,
    Statement,
    Wallet,
)
from system.play.wallet.paging import StatementPlace, StatementRow, decode, encode, page

log = logging.getLogger("xiu.play")


async def wallet(desk: BalanceDesk, pool: Pool, lane: Lane, uid: int, asked: str | None) -> Wallet:
    """A user's balance, and what became of the award asked about. Raises BadRequest, UnknownRound, Degraded."""
    # The award first: a credit that commits in between is then in the balance and still *processing*, never lost.
    view = await award_view(pool, lane, uid, asked) if asked is not None else None
    balance, count = await desk.balance(uid)
    processing = view.state == "processing" if view else None
    named = traits_of(uid).real_name
    return Wallet(
        uid=uid, lane=lane, balance_fen=balance, credits=count, real_name=named, processing=processing, award=view
    )


async def award_view(pool: Pool, lane: Lane, uid: int, asked: str) -> AwardView:
    """What became of an award. Raises NotFound for one that nobody can have been shown."""
    try:
        round_id, packet = parse_award_id(asked)
    except ValueError as exc:
        raise BadRequest(str(exc)) from exc
    rows = await read(pool, lane, "play_award", {"uid": uid, "round": round_id, "packet": packet})
    if not rows:
        raise UnknownRound(f"no round {round_id}")
    state, packets, fen, held_fen, settled, used = rows[0]
    name = award_id(round_id, packet)
    if packet >= packets:
        raise NotFound(f"no award {name}: the round has {packets:,} packets")
    if fen is not None:
        return AwardView(award=name, state="credited", fen=fen)
    if held_fen is not None and settled == "user":
        return AwardView(award=name, state="credited", fen=held_fen)
    if held_fen is not None and settled is None:
        return AwardView(award=name, state="held")
    if state == "closed" or used:  # used up, and not by this user: a packet is one award
        return AwardView(award=name, state="not_awarded")
    if used is None:
        raise NotFound(f"no award {name}: its packet was not given out yet")
    return AwardView(award=name, state="processing")


async def statement_page(pool: Pool, lane: Lane, uid: int, after: str | None, limit: int) -> Statement:
    """A page of what moved the user's money, newest first, behind the cursor `after`. Raises BadRequest, Degraded."""
    place = StatementPlace() if after is None else decode(after)
    rows = await read(pool, lane, "statement", {"uid": uid, "limit": limit + 1, **place._asdict()})
    lines, following = page([StatementRow(*row) for row in rows], place, limit)
    return Statement(uid=uid, lane=lane, lines=lines, next=None if following is None else encode(following))


async def bulk(pool: Pool, order: BulkRequest) -> BulkAnswer:
    """Every posting of the users asked for, in one snapshot. Raises Degraded."""
    params = {"uids": list(order.uids), "round": order.round}
    rows = await read(pool, order.lane, "play_bulk", params)
    names = ("uid", "round", "packet", "fen")
    return BulkAnswer(lane=order.lane, wins=tuple(BulkWin(**dict(zip(names, row, strict=True))) for row in rows))
