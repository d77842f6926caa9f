"""Shares: paid for by a sponsor, opened by a winner, shown. Source: docs/season.md, Fission.

Owns keys and legs of both transfers, and what a share's view may tell. Refuses to open one before the award's posting
is there, and when the round's time for it is over.
"""

from __future__ import annotations

from system.contract.errors import Degraded, NotFound, UnknownRound
from system.contract.ids import Lane, parse_award_id
from system.ledger.access import Connection, Pool
from system.ledger.accounts import Leg
from system.ledger.statements import statement
from system.ledger.transfer import Insufficient, Order, Pending, Transfers
from system.play.fission import figures, refusals
from system.play.fission.links import ShareLink, key_id, made, verified
from system.play.fission.models import (
    OPEN_S,
    ClaimLine,
    FissionFunding,
    FissionView,
    FundingView,
    ShareState,
    ShareView,
)
from system.play.fission.split import parts_of, split_key
from system.play.reading import read
from system.play.wallet.reading import award_view


async def fund(pool: Pool, round_id: int, order: FissionFunding) -> FundingView:
    """The sponsor pays into the round's fission budget. Raises UnknownRound, NotASponsor, TermsDiffer, FissionOver,
    KeyReused, Degraded.
    """
    lane = order.lane
    rows = await read(pool, lane, "fission_round", {"round": round_id})
    if not rows:
        raise UnknownRound(f"no round {round_id}")
    if order.sponsor not in {one["sponsor"] for one in rows[0][0]}:
        raise refusals.NotASponsor(f"sponsor {order.sponsor} is no sponsor of round {round_id}")
    terms = {"share_fen": order.share_fen, "parts": order.parts, "lifetime_s": order.lifetime_s}
    account = f"fission:{round_id}"
    # What is as ever stays out of it: a key of before this term was there is the same request.
    request = {"sponsor": order.sponsor, "fen": order.fen, **terms}
    terms["open_s"] = order.open_s
    if order.open_s != OPEN_S:
        request["open_s"] = order.open_s
    transfer = Order(
        "fission", f"fission:{round_id}:{order.key}", request,
        (Leg(f"sponsor:{order.sponsor}", "fen", -order.fen), Leg(account, "fen", order.fen)),
    )  # fmt: skip

    async def decide(conn: Connection) -> Order:
        await conn.execute(statement("fission_fix_terms", lane), {"round": round_id, **terms})
        await _hold(conn, lane, round_id)
        fixed = await (await conn.execute(statement("fission_terms", lane), {"round": round_id})).fetchone()
        if fixed != tuple(terms.values()):
            raise refusals.TermsDiffer(f"the shares of round {round_id} are others already; expected the same")
        return transfer

    view = FundingView(round=round_id, key=order.key, state="done", fen=order.fen)
    try:
        done = await Transfers(pool, lane).send(transfer, decide)
    except Pending:
        return view.model_copy(update={"state": "pending"})
    return view.model_copy(update={"again": done.again, "reversed": done.reversed})


async def books(pool: Pool, lane: Lane, round_id: int) -> FissionView:
    """Where a round's fission money is. Raises UnknownRound, NotFunded, Degraded."""
    terms = await _terms(pool, lane, round_id)
    ((paid_in, left, returned, shares, settled, taken_back, claims, claimed_fen),) = await read(
        pool, lane, "fission_books", {"round": round_id}
    )
    share_fen, parts, lifetime_s, open_s = terms
    return FissionView(
        round=round_id, lane=lane, share_fen=share_fen, parts=parts, lifetime_s=lifetime_s, open_s=open_s,
        paid_in_fen=paid_in, left_fen=left, returned_fen=returned, shares=shares, settled=settled,
        reversed=taken_back, claims=claims,
        claimed_fen=claimed_fen,
    )  # fmt: skip


async def _hold(conn: Connection, lane: Lane, round_id: int) -> int:
    """Holds the round's fission money back from its return, until the transaction's end; PostgreSQL's clock, in µs.

    Raises FissionOver.
    """
    await conn.execute(statement("fission_hold", lane), {"round": round_id})
    # A statement of its own: the clock is read under the lock.
    row = await (await conn.execute(statement("fission_clock", lane), {"round": round_id})).fetchone()
    now_us, over_us = row or (0, None)
    if over_us is not None and now_us >= over_us:
        raise refusals.FissionOver(f"the time for shares of round {round_id} is over")
    return int(now_us)


async def _terms(pool: Pool, lane: Lane, round_id: int) -> tuple[int, int, int, int]:
    rows = await read(pool, lane, "fission_round", {"round": round_id})
    if not rows:
        raise UnknownRound(f"no round {round_id}")
    _, share_fen, parts, lifetime_s, open_s = rows[0]
    if share_fen is None:
        raise refusals.NotFunded(f"nobody has paid for shares of round {round_id}")
    return share_fen, parts, lifetime_s, open_s


async def open_share(pool: Pool, lane: Lane, secret: bytes, uid: int, award: str) -> tuple[ShareView, bool]:
    """The share of the user's own award, and whether it was there before. Raises BadRequest, UnknownRound, NoAward,
    ForeignAward, AwardProcessing, AwardHeld, NotFunded, BudgetSpent, FissionOver, Degraded.
    """
    await _own(pool, lane, uid, award)
    round_id, _ = parse_award_id(award)
    share_fen, parts, lifetime_s, _ = await _terms(pool, lane, round_id)
    legs = (Leg(f"fission:{round_id}", "fen", -share_fen), Leg(f"share:{award}", "fen", share_fen))
    order = Order("share", f"share:{award}", {"uid": uid}, legs)

    async def decide(conn: Connection) -> Order:
        now_us = await _hold(conn, lane, round_id)
        columns = {
            "award": award, "round": round_id, "uid": uid, "key_id": key_id(now_us), "opened_us": now_us,
            "expires_us": now_us + lifetime_s * 1_000_000,
            "parts": parts_of(share_fen, parts, split_key(secret, lane, award)),
        }  # fmt: skip
        await conn.execute(statement("share_open", lane), columns)
        return order

    pending = ShareView(award=award, state="pending", owner=uid)
    try:
        done = await Transfers(pool, lane).send(order, decide)
    except Pending:
        return pending, False
    except Insufficient as exc:
        raise refusals.BudgetSpent(f"what was paid in for shares of round {round_id} is spent") from exc
    if not done.again:  # also where it cannot be shown
        figures.SHARES.labels(lane, "opened").inc()
    try:
        return await _view(pool, lane, secret, uid, award), done.again
    except Degraded:
        # It is open, and cannot be shown: to say that nothing happened would be wrong.
        return pending, False


async def _own(pool: Pool, lane: Lane, uid: int, award: str) -> None:
    try:
        view = await award_view(pool, lane, uid, award)
    except NotFound as exc:
        raise refusals.NoAward(str(exc)) from exc
    if view.state == "processing":
        raise refusals.AwardProcessing("this award is not in the ledger yet; ask again")
    if view.state == "held":
        raise refusals.AwardHeld("this award's money was set aside, and a person decides")
    if view.state == "not_awarded":
        raise refusals.ForeignAward(f"award {award} is not this user's")


async def show(pool: Pool, lane: Lane, secret: bytes, uid: int, link: str) -> ShareView:
    """The share that a link leads to. Raises NoSuchLink, Degraded."""
    found = verified(secret, lane, link)
    view = await _view(pool, lane, secret, uid, found.award)
    if view.link != made(secret, lane, found):
        raise refusals.NoSuchLink("this link leads to no share")
    return view


async def _view(pool: Pool, lane: Lane, secret: bytes, uid: int, award: str) -> ShareView:
    # The claims first: what settles the share in between, settles it for more claims than are shown, never for fewer.
    claims = await read(pool, lane, "share_claims", {"award": award})
    rows = await read(pool, lane, "share_view", {"award": award})
    if not rows:
        raise refusals.NoSuchLink("this link leads to no share")
    owner, number, parts, claimed, opened_us, expires_us, settled, taken_back = rows[0]
    settled = settled and len(claims) == claimed
    lines = tuple(
        ClaimLine(uid=one, fen=fen if settled or one == uid else None, at_us=at_us) for one, fen, at_us in claims
    )
    state: ShareState = "reversed" if taken_back else "settled" if settled else "open"
    return ShareView(
        award=award, state=state, link=made(secret, lane, ShareLink(award, number)),
        owner=owner, fen=sum(parts), parts=len(parts), claimed=len(claims), opened_us=opened_us,
        expires_us=expires_us, own=next((line for line in lines if line.uid == uid), None), claims=lines,
    )  # fmt: skip
