"""Making a bill, once for a key, and paying a part of it, by one transfer, once.

Owns what a bill's key stands for, and the payment's legs. A bill that was made is never changed: who has paid is read
from the transfers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from system.contract.errors import Conflict, Degraded, NotFound, StoreRefused, StoreUnknown
from system.contract.ids import Lane
from system.contract.people import need_real_name
from system.ledger.access import Connection, Pool
from system.ledger.accounts import Leg, user
from system.ledger.interactions import interact
from system.ledger.statements import statement
from system.ledger.transfer import AGAIN_S, KeyReused, Order, TransferRecord
from system.play.bill.models import AskedPart, AskedParts, BillOrder, BillPart, BillView, PartPayment
from system.play.bill.splitting import part
from system.play.reading import read
from system.play.wallet.models import TransferView
from system.play.wallet.spending import counting_on, sent

log = logging.getLogger("xiu.play")
PATIENCE_S = 3.0


class OtherAmount(Conflict):
    """The part is not what the payer thinks it is."""

    code = "other_amount"


class PartReversed(Conflict):
    """The part was paid, and an operator gave the payment back. A part is paid once: ask for another bill."""

    code = "part_reversed"


async def ask(pool: Pool, lane: Lane, uid: int, order: BillOrder, *, patience_s: float = PATIENCE_S) -> BillView:
    """The bill of that key: made now, or before. Raises Refused (a code each), KeyReused, Degraded."""
    need_real_name(uid)
    each = part(order.fen, uid, order.uids)
    until, sent_once = time.monotonic() + patience_s, False
    while True:
        try:
            async with pool.transaction("bill") as conn:
                number, again = await _make(conn, lane, uid, order, each)
                found = await conn.execute(statement("bill_seen", lane), {"bill": number, "uid": uid})
                view = _view(lane, (await found.fetchall())[0], again=again)
            return view
        except StoreUnknown:
            sent_once = True
        except StoreRefused as exc:
            if not sent_once:
                raise Degraded("the ledger does not answer; nothing was changed, ask again") from exc
        if time.monotonic() >= until:
            log.warning("bill unsettled", extra={"event": "bill_unsettled"})
            own = order.fen - each * len(order.uids)
            return BillView(state="pending", lane=lane, uid=uid, fen=order.fen, own_fen=own, what=order.what)
        # The same key again waits for the first attempt at the unique index: one bill, whatever became of it.
        await asyncio.sleep(AGAIN_S)


async def _make(conn: Connection, lane: Lane, uid: int, order: BillOrder, each: int) -> tuple[int, bool]:
    """(number of the bill, whether it was there before)."""
    columns = {"uid": uid, "key": order.key, "fen": order.fen, "what": order.what}
    made = await (await conn.execute(statement("bill_make", lane), columns)).fetchone()
    if made is not None:
        parts = {"bill": made[0], "uids": sorted(order.uids), "fen": each}
        await conn.execute(statement("bill_ask", lane), parts)
        return int(made[0]), False
    # A statement of its own: it sees what the unique index waited for.
    (row,) = await (await conn.execute(statement("bill_of_key", lane), columns)).fetchall()
    number, fen, what, uids = row
    if (fen, what, uids) != (order.fen, order.what, sorted(order.uids)):
        raise KeyReused("this key stands for another bill; expected a new key")
    return int(number), True


def _view(lane: Lane, row: tuple[Any, ...], *, again: bool = False) -> BillView:
    bill, uid, fen, what, at_us, uids, fens, states = row
    parts = tuple(BillPart(uid=u, fen=f, state=s) for u, f, s in zip(uids, fens, states, strict=True))
    own = fen - sum(fens)
    return BillView(
        state="made", lane=lane, bill=bill, uid=uid, fen=fen, own_fen=own, what=what, at_us=at_us, parts=parts,
        again=again,
    )  # fmt: skip


async def seen(pool: Pool, lane: Lane, uid: int, bill: int) -> BillView:
    """A bill that the user is in. Raises NotFound for any other, Degraded."""
    rows = await read(pool, lane, "bill_seen", {"bill": bill, "uid": uid})
    if not rows:
        raise NotFound(f"no bill {bill} of yours")
    return _view(lane, rows[0])


async def asked(pool: Pool, lane: Lane, uid: int) -> AskedParts:
    """What others ask of the user, newest first. Raises Degraded."""
    rows = await read(pool, lane, "bill_asked", {"uid": uid})
    names = ("bill", "uid", "fen", "what", "at_us", "state")
    return AskedParts(uid=uid, lane=lane, parts=tuple(AskedPart(**dict(zip(names, row, strict=True))) for row in rows))


async def pay(pool: Pool, lane: Lane, uid: int, bill: int, order: PartPayment) -> TransferView:
    """Pays the user's part, once: to who paid the bill. Raises NotFound, OtherAmount, PartReversed, NoRealName,
    Insufficient, MoneyProcessing, Degraded.
    """
    rows = await read(pool, lane, "bill_part", {"bill": bill, "uid": uid})
    if not rows:
        raise NotFound(f"nobody asks you for a part of bill {bill}")
    payee, fen, what, state = rows[0]
    if order.fen != fen:
        raise OtherAmount(f"your part of bill {bill} is {fen} fen; expected that, not {order.fen}")
    if state == "reversed":
        # Its key would find the first payment, and call done what moves nothing.
        raise PartReversed(f"your part of bill {bill} was paid and given back; expected a new bill")
    need_real_name(uid)
    key = f"bill:{bill}:{uid}"

    async def meet(conn: Connection, done: TransferRecord) -> None:
        await interact(conn, lane, "transfer", uid, payee, done.at_us, key)

    legs = (Leg(user(uid), "fen", -fen), Leg(user(payee), "fen", fen))
    async with counting_on(pool, lane, uid, order.award):
        return await sent(pool, lane, key, Order("bill", key, {"bill": bill, "fen": fen, "what": what}, legs), meet)
