"""A payout is ordered: the money leaves the balance for `payout:UID`, where nobody can spend it (docs/season.md).

Owns key and legs of the order, and what is read of it. The bank is asked by a task, from the row that is written with
the transfer: an order that is committed is carried to its end by any play process.
"""

from __future__ import annotations

from typing import Any

from system.contract.errors import NotFound, Refused
from system.contract.ids import Lane
from system.contract.people import need_real_name
from system.ledger.access import Connection, Pool
from system.ledger.accounts import Leg, payout, user
from system.ledger.statements import statement
from system.ledger.transfer import Order, Pending, TransferRecord, Transfers
from system.play.payouts.figures import counted
from system.play.payouts.models import PayoutList, PayoutOrder, PayoutView
from system.play.reading import read
from system.play.wallet.spending import counting_on

LIST_MAX = 50


class NoBank(Refused):
    """This lane has no bank: nobody could be paid, and nothing was taken."""

    status, code = 503, "no_bank"


async def order(pool: Pool, lane: Lane, uid: int, asked: PayoutOrder, *, has_bank: bool) -> PayoutView:
    """Takes the money off the balance, once for the key. Raises NoRealName, NoBank, Insufficient, MoneyProcessing,
    KeyReused, Degraded.

    A key that stands is answered also where the lane has no bank since.
    """
    need_real_name(uid)
    legs = (Leg(user(uid), "fen", -asked.fen), Leg(payout(uid), "fen", asked.fen))

    async def opened(conn: Connection, done: TransferRecord) -> None:
        row = {"payout": done.transfer, "uid": uid, "fen": asked.fen, "at_us": done.at_us}
        await conn.execute(statement("payout_open", lane), row)

    made = Order("payout", f"payout:{uid}:{asked.key}", {"fen": asked.fen}, legs)

    async def decide(_: Connection) -> Order:
        if not has_bank:
            raise NoBank("there is no bank on this lane; nothing was taken")
        return made

    try:
        async with counting_on(pool, lane, uid, asked.award):
            done = await Transfers(pool, lane).send(made, decide, opened)
    except Pending:
        return PayoutView(key=asked.key, state="pending", fen=asked.fen)
    if not done.again:
        counted(lane, "ordered", asked.fen)
        return PayoutView(
            key=asked.key, state="processing", fen=asked.fen, payout=done.transfer, at_us=done.at_us
        )  # fmt: skip
    return await seen(pool, lane, uid, done.transfer)


async def seen(pool: Pool, lane: Lane, uid: int, number: int) -> PayoutView:
    """One payout of this user. Raises NotFound, Degraded."""
    rows = await read(pool, lane, "payout_seen", {"payout": number, "uid": uid})
    if not rows:
        raise NotFound(f"no payout {number} of this user")
    return _view(rows[0])


async def listed(pool: Pool, lane: Lane, uid: int) -> PayoutList:
    """The newest payouts of this user. Raises Degraded."""
    rows = await read(pool, lane, "payouts_of", {"uid": uid, "limit": LIST_MAX})
    return PayoutList(uid=uid, lane=lane, payouts=tuple(_view(row) for row in rows))


def _view(row: tuple[Any, ...]) -> PayoutView:
    key, number, state, fen, why, at_us, settled_us = row
    return PayoutView(
        key=key, payout=number, state=state, fen=fen, why=why, at_us=at_us, settled_us=settled_us
    )  # fmt: skip
