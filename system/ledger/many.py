"""Many transfers in one transaction: one commit for many users. Source: docs/season.md.

Owns that each is a transfer of its own, with its key and its legs, and that accounts are locked once and in order.
Refuses to look keys up: the caller's own lock does so (a share's, for claims of it and for its refund).
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg.types.json import Jsonb

from system.contract.errors import StoreRefused
from system.contract.ids import Lane
from system.ledger.access import Connection
from system.ledger.accounts import balanced
from system.ledger.statements import statement
from system.ledger.transfer import Order, columns_of, move


async def transfer_many(conn: Connection, lane: Lane, orders: Sequence[Order]) -> None:
    """Carries the orders out, all or none, at one moment of PostgreSQL's clock, read under all locks.

    Whoever writes one of these keys holds that lock, and the caller has seen that none of them is there. Raises
    Insufficient, ValueError (legs that do not add up, a reversal), and the driver's errors (a key that is there).
    """
    if any(order.reverses is not None for order in orders):
        raise ValueError("a reversal among many transfers; expected orders with legs")
    each = [balanced(order.legs) for order in orders]
    await move(conn, lane, balanced(leg for legs in each for leg in legs))
    columns = columns_of(tuple(leg for legs in each for leg in legs)) | {
        "kinds": [order.kind for order in orders],
        "keys": [order.key for order in orders],
        "requests": [Jsonb(dict(order.request)) for order in orders],
        "of_keys": [order.key for order, legs in zip(orders, each, strict=True) for _ in legs],
    }
    row = await (await conn.execute(statement("transfer_write_many", lane), columns)).fetchone()
    if row != (len(orders), sum(map(len, each))):
        raise StoreRefused("many transfers: their legs do not add up")
