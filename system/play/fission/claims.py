"""Claims of one share: who has a part, and who gets one, in one transaction. Source: docs/season.md, Fission.

Owns the statements' order and what each user is told. Refuses to decide anything that only the share's lock decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from system.contract.errors import XiuError
from system.contract.ids import Lane
from system.ledger.access import Connection, Pool
from system.ledger.accounts import Leg, user
from system.ledger.interactions import Interaction, interact_all
from system.ledger.many import transfer_many
from system.ledger.statements import statement
from system.ledger.transfer import Order
from system.play.fission import refusals

SettledBy = Literal["exhausted", "expired", "reversed"]


class ClaimedPart(NamedTuple):
    """A user's part. `again`: there before."""

    fen: int
    at_us: int
    again: bool


ClaimOutcome = ClaimedPart | Callable[[], XiuError]
"""A part, or the refusal, made anew for each user that is told."""


def own_share() -> XiuError:
    """The owner is told so."""
    return refusals.OwnShare("this share is your own; expected another user")


def exhausted() -> XiuError:
    """Who comes after the last part is told so."""
    return refusals.ShareExhausted("every part of this share has been claimed")


def expired() -> XiuError:
    """Who comes after the end is told so."""
    return refusals.ShareExpired("this share's time is over")


def taken_back() -> XiuError:
    """Who brings the link of a share whose money an operator has taken back is told so."""
    return refusals.ShareReversed("this share was taken back; nobody gets a part of it")


def no_such_link() -> XiuError:
    """Who brings a link that leads nowhere is told so."""
    return refusals.NoSuchLink("this link leads to no share")


@dataclass(frozen=True, slots=True)
class ShareSeen:
    """A share as one snapshot shows it. `settled`: nobody gets a part any more. `parts`: of the users asked about."""

    owner: int
    key_id: int
    settled: bool
    parts: Mapping[int, ClaimedPart]


@dataclass(frozen=True, slots=True)
class SettledShare:
    """A share that is settled: who has what never changes again."""

    owner: int
    by: SettledBy
    parts: Mapping[int, ClaimedPart]

    def outcome(self, uid: int) -> ClaimOutcome:
        """What this user is told."""
        part = self.parts.get(uid)
        if part is not None:
            return part
        if uid == self.owner:
            return own_share
        return {"exhausted": exhausted, "expired": expired, "reversed": taken_back}[self.by]


@dataclass(frozen=True, slots=True)
class TakenParts:
    """What a transaction did. `outcomes` has every user asked for; `made`: claims that it wrote; `settled`: nobody gets
    a part any more; `filled`: because this one gave the last.
    """

    outcomes: Mapping[int, ClaimOutcome]
    made: int = 0
    settled: bool = False
    filled: bool = False


async def seen(pool: Pool, lane: Lane, award: str, uids: Sequence[int]) -> ShareSeen | None:
    """The share without a lock, None if there is none. Raises StoreUnknown, StoreRefused."""
    rows = await pool.fetch(statement("claim_seen", lane), {"award": award, "uids": list(uids)}, "claims seen")
    if not rows:
        return None
    parts = {uid: ClaimedPart(fen, at_us, True) for *_, uid, fen, at_us in rows if uid is not None}
    owner, key_id, over, gone, *_ = rows[0]
    return ShareSeen(owner, key_id, over or gone, parts)


async def settled(pool: Pool, lane: Lane, award: str, owner: int) -> SettledShare:
    """Everything of a share that is settled, or was taken back. Raises StoreUnknown, StoreRefused."""
    rows = await pool.fetch(statement("share_claims", lane), {"award": award}, "claims of a share")
    ((_, _, amounts, claimed, *_, gone),) = await pool.fetch(statement("share_view", lane), {"award": award}, "a share")
    by: SettledBy = "reversed" if gone else "exhausted" if claimed == len(amounts) else "expired"
    return SettledShare(owner, by, {uid: ClaimedPart(fen, at_us, True) for uid, fen, at_us in rows})


async def take(conn: Connection, lane: Lane, award: str, uids: Sequence[int]) -> TakenParts:
    """Parts for these users, each once, none of them the owner, inside the caller's transaction.

    Raises Insufficient where an operator takes the share's money back just now, and the driver's errors.
    """
    locked = await (await conn.execute(statement("claim_lock_share", lane), {"award": award})).fetchone()
    if locked is None:
        return TakenParts(dict.fromkeys(uids, no_such_link))
    owner, left, over, gone = locked
    if gone:
        return TakenParts(dict.fromkeys(uids, taken_back), settled=True)
    # A statement of its own: its snapshot is younger than the lock, so it sees what was committed under it.
    rows = await conn.execute(statement("claim_take", lane), {"award": award, "uids": list(uids)})
    parts = {uid: ClaimedPart(fen, at_us, again) for uid, fen, at_us, again in await rows.fetchall()}
    new = {uid: part for uid, part in parts.items() if not part.again}
    if new:
        at_us = next(iter(new.values())).at_us
        await transfer_many(conn, lane, [_order(award, uid, part) for uid, part in new.items()])
        columns = {"award": award, "claims": len(new), "at_us": at_us}
        await conn.execute(statement("claim_count", lane), columns)
        # A claim is an interaction with the owner. Ties are the last locks.
        met = [Interaction(_key(award, uid), "claim", uid, owner, at_us) for uid in new]
        await interact_all(conn, lane, met)
    # Neither settled nor full, and no part for one who is not the owner: its time was over when the lock was had.
    late = exhausted if len(new) == left else expired
    filled = bool(new) and len(new) == left
    return TakenParts({uid: parts.get(uid, late) for uid in uids}, len(new), over or filled, filled)


def _order(award: str, uid: int, part: ClaimedPart) -> Order:
    legs = (Leg(f"share:{award}", "fen", -part.fen), Leg(user(uid), "fen", part.fen))
    return Order("claim", _key(award, uid), {}, legs)


def _key(award: str, uid: int) -> str:
    return f"claim:{award}:{uid}"
