"""Giving money to a friend: one transfer from wallet to wallet, and one interaction `gift` of the two (docs/season.md).

Owns the key and the legs of a gift, and its figure. Refuses to give to whom the user has no tie with. What there is to
give, the ledger decides, under the account's lock.
"""

from __future__ import annotations

from system.contract.errors import Conflict
from system.contract.ids import LANES, Lane
from system.contract.people import AREAS, need_real_name, traits_of
from system.ledger.access import Connection, Pool
from system.ledger.accounts import Leg, user
from system.ledger.interactions import interact, pair
from system.ledger.statements import statement
from system.ledger.transfer import Order, TransferRecord
from system.play.present.models import PresentOrder, Presents, PresentView
from system.play.reading import read
from system.play.wallet.models import TransferView
from system.play.wallet.spending import counting_on, sent
from system.web import counter

GIVEN = counter(None, "hongbao_presents_fen_total")
for _lane in LANES:
    for _area in AREAS:
        GIVEN.labels(_lane, _area)


class PresentToOneself(Conflict):
    """The gift is to its giver."""

    code = "present_to_oneself"


class NotFriends(Conflict):
    """The two have no tie."""

    code = "not_friends"


async def give(pool: Pool, lane: Lane, uid: int, asked: PresentOrder) -> TransferView:
    """Carries the gift out, once for its key.

    Raises PresentToOneself, NoRealName, NotFriends, Insufficient, MoneyProcessing, KeyReused, Degraded.
    """
    if asked.to == uid:
        raise PresentToOneself("the gift is to its giver; expected another user")
    need_real_name(uid)
    key = f"present:{uid}:{asked.key}"
    request = {"to": asked.to, "fen": asked.fen, "what": asked.what}
    order = Order("present", key, request, (Leg(user(uid), "fen", -asked.fen), Leg(user(asked.to), "fen", asked.fen)))

    async def decide(conn: Connection) -> Order:
        # Without a lock: a tie is never taken away.
        lo, hi = pair(uid, asked.to)
        if await (await conn.execute(statement("present_tie", lane), {"lo": lo, "hi": hi})).fetchone() is None:
            raise NotFriends(f"users {uid} and {asked.to} have no tie; expected a friend")
        return order

    async def meet(conn: Connection, done: TransferRecord) -> None:
        await interact(conn, lane, "gift", uid, asked.to, done.at_us, key)

    async with counting_on(pool, lane, uid, asked.award):
        view = await sent(pool, lane, asked.key, order, meet, decide)
    if view.state == "done" and not view.again:
        GIVEN.labels(lane, traits_of(uid).area).inc(asked.fen)
    return view


async def seen(pool: Pool, lane: Lane, uid: int) -> Presents:
    """What the user gave and was given, newest first. Raises Degraded."""
    rows = await read(pool, lane, "presents_seen", {"account": user(uid)})
    given = (PresentView(**dict(zip(PresentView.model_fields, row, strict=True))) for row in rows)
    return Presents(uid=uid, lane=lane, presents=tuple(given))
