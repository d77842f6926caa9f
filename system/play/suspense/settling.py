"""Money held in suspense: to the user that the record names, or back to its sponsor, once (docs/money.md, Suspense).

Owns the key and the legs. Refuses before the round is closed: until then the draw still reads what is held. Refuses a
second win of a user in the round.
"""

from __future__ import annotations

from dataclasses import replace

from system.contract.errors import Conflict, NotFound, UnknownRound
from system.contract.ids import Lane, award_id, parse_award_id
from system.ledger.access import Connection, Pool
from system.ledger.accounts import Leg, suspense, user
from system.ledger.statements import statement
from system.ledger.transfer import KeyReused, Order
from system.play.reading import read
from system.play.suspense.models import HeldAward, HeldPage, Settlement
from system.play.wallet.models import TransferView
from system.play.wallet.spending import sent


class RoundNotClosed(Conflict):
    """What is held is settled once the round is closed."""

    code = "round_not_closed"


class NobodysRecord(Conflict):
    """The record names a number that no user can have: its money can only go back."""

    code = "nobodys_record"


class OtherWin(Conflict):
    """The user was paid another win of the round, and nobody wins twice."""

    code = "other_win"


class AlreadySettled(Conflict):
    """What was held is settled once."""

    code = "already_settled"


async def settle(pool: Pool, award: str, asked: Settlement) -> TransferView:
    """Moves what is held for the award, once; the same request again has the first result.

    Raises NotFound (nothing is held for it), UnknownRound, RoundNotClosed, NobodysRecord, OtherWin, AlreadySettled (to
    somebody else, in other names, or for another reason), Degraded.
    """
    round_id, packet = parse_award_id(award)
    lane, key = asked.lane, f"settle:{award_id(round_id, packet)}"
    order = Order("settle", key, asked.model_dump(include={"to", "by", "approved_by", "why"}))

    async def decide(conn: Connection) -> Order:
        at = {"round": round_id, "packet": packet}
        await conn.execute(statement("suspense_lock", lane), at)
        found = await conn.execute(statement("suspense_held", lane), at)
        row = await found.fetchone()
        if row is None:
            raise UnknownRound(f"no round {round_id}")
        state, uid, fen, sponsor, other = row
        if fen is None:
            raise NotFound(f"nothing is held for award {award}")
        if state != "closed":
            raise RoundNotClosed(f"round {round_id} is {state}; what is held is settled once it is closed")
        if asked.to == "user" and uid < 0:
            raise NobodysRecord(f"the record of award {award} names no user; its money can only go back to sponsor")
        if asked.to == "user" and other is not None:
            raise OtherWin(f"user {uid} was paid award {award_id(round_id, other)}; expected no other win of the round")
        account = user(uid) if asked.to == "user" else f"sponsor:{sponsor}"
        legs = (Leg(suspense(round_id), "fen", -fen), Leg(account, "fen", fen))
        return replace(order, legs=legs)

    try:
        return await sent(pool, lane, key, order, decide=decide)
    except KeyReused as exc:
        raise AlreadySettled(
            f"award {award} was settled already: to somebody else, in other names, or for another reason"
        ) from exc


async def held(pool: Pool, lane: Lane, round_id: int, after: int, limit: int) -> HeldPage:
    """A page of what is held of a round, behind packet `after`. Raises UnknownRound, Degraded."""
    rows = await read(pool, lane, "suspense_page", {"round": round_id, "after": after, "limit": limit + 1})
    if not rows:
        raise UnknownRound(f"no round {round_id}")
    found = [row for row in rows if row[0] is not None]
    page = tuple(
        HeldAward(
            award=award_id(round_id, packet), uid=None if uid < 0 else uid, fen=fen, sponsor=sponsor, front=front,
            entry=f"{epoch}-{seq}", reason=reason, settled=settled,
        )
        for packet, uid, fen, sponsor, front, epoch, seq, reason, settled in found[:limit]
    )  # fmt: skip
    return HeldPage(lane=lane, round=round_id, held=page, next=found[limit - 1][0] if len(found) > limit else None)
