"""Transfers: one key, one request, one PostgreSQL transaction, once. Source: docs/season.md.

Owns the order of the steps inside the transaction, and what to believe after a lost COMMIT. Refuses: legs that do not
add up, an account under its floor, a key asked again with another request.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from system.contract.errors import Conflict, Degraded, NotFound, Refused, StoreRefused, StoreUnknown
from system.contract.ids import Lane
from system.ledger.access import Connection, Pool
from system.ledger.accounts import Leg, balanced, has_floor, negated, owner
from system.ledger.statements import statement

log = logging.getLogger(__name__)

AGAIN_S = 0.05
"""Between two attempts with the same key."""
UNDONE_STATES = frozenset({"40001", "40P01"})
"""Serialization failure, deadlock: PostgreSQL undid the whole transaction, and the same one may be sent again."""
FINAL_KINDS = frozenset(
    {
        *("season", "ticket", "tie", "combine", "pot", "claim", "refund", "return", "settle"),
        *("payout", "payout_paid", "payout_back"),
    }
)
"""Never reversed by hand: what others have built on (a list that was frozen, a card that the permutation gave, a part
of which its user is told for ever, an order that the bank may have carried out), what paid back the rest of a share or
of a round's shares, for there nobody looks any more, and what was settled out of suspense, which two people have
decided.
"""
MANY_LEGS = 200
"""From so many legs on, they are written by a COPY."""


class KeyReused(Conflict):
    """The key stands for another request of the same user."""

    code = "key_reused"


class Insufficient(Conflict):
    """An account would go under its floor; what credit has not posted yet cannot be spent."""

    code = "insufficient"


class AlreadyReversed(Conflict):
    """A transfer is reversed once."""

    code = "already_reversed"


class Final(Conflict):
    """Others have built on this transfer."""

    code = "final"


class NotReversible(Conflict):
    """A reversal is reversed never: what it gave back is ordered anew."""

    code = "not_reversible"


class Pending(Exception):
    """A COMMIT was sent, and nobody knows yet what became of it: ask again with the same key. HTTP 202."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for. `request`: JSON; compared when the key comes again. `reverses`: the transfer whose legs are
    negated; `legs` are then empty.
    """

    kind: str
    key: str
    request: Mapping[str, Any]
    legs: tuple[Leg, ...] = ()
    reverses: int | None = None


@dataclass(frozen=True, slots=True)
class TransferRecord:
    """A transfer that is committed, or will be with the caller's transaction. `at_us`: PostgreSQL's clock.
    `again`: the key was there before. `reversed`: its money went back since.
    """

    transfer: int
    kind: str
    request: Mapping[str, Any]
    reverses: int | None
    at_us: int
    legs: tuple[Leg, ...]
    again: bool
    reversed: bool = False


@dataclass(slots=True)
class _Attempt:
    """What is known of the attempts so far. `sent`: one ended without an answer, so its COMMIT may still land."""

    sent: bool = False


Decide = Callable[[Connection], Awaitable[Order]]
"""Takes a play's own locks (season, share, counter) and decides the order under them. Raises Refused."""

After = Callable[[Connection, "TransferRecord"], Awaitable[None]]
"""What belongs to a transfer and is written with it, once: the interaction that it is. Not called for a repeat."""


async def transfer(conn: Connection, lane: Lane, order: Order) -> TransferRecord:
    """Carries the order out inside the caller's transaction, which holds the play's own locks already.

    Raises KeyReused, Insufficient, NotFound, AlreadyReversed (the caller must roll back), and the driver's errors.
    """
    await conn.execute(statement("transfer_lock_key", lane), {"key": order.key})
    # A statement of its own: its snapshot is younger than the lock, so it sees what was committed under it.
    there = await _stored(conn, lane, order.key)
    if there is not None:
        return same(there, order)
    legs = balanced(order.legs) if order.reverses is None else await _reversed(conn, lane, order.reverses)
    await move(conn, lane, legs)
    columns = columns_of(legs) | {
        "kind": order.kind, "key": order.key, "request": Jsonb(dict(order.request)), "reverses": order.reverses,
    }  # fmt: skip
    many = len(legs) >= MANY_LEGS
    row = await (await conn.execute(statement("transfer_head" if many else "transfer_write", lane), columns)).fetchone()
    if row is not None and many:
        await _copy(conn, lane, row[0], legs)
    if row is None:
        raise StoreRefused(f"transfer {order.key}: its legs do not add up")
    return TransferRecord(row[0], order.kind, order.request, order.reverses, row[1], legs, again=False)


class Transfers:
    """Sends transfers of one lane, each until its end is known or `patience_s` is over."""

    def __init__(self, pool: Pool, lane: Lane, *, patience_s: float = 3.0) -> None:
        self._pool, self._lane, self._patience_s = pool, lane, patience_s

    async def find(self, key: str) -> TransferRecord | None:
        """The transfer of that key, without a lock; None decides nothing while a COMMIT may be on its way.

        Raises StoreUnknown, StoreRefused.
        """
        rows = await self._pool.fetch(statement("transfer_by_key", self._lane), {"key": key}, "transfer by key")
        return _done(rows[0]) if rows else None

    async def send(self, order: Order, decide: Decide | None = None, after: After | None = None) -> TransferRecord:
        """The order's end: made now, or found under its key. With `decide`, the order that is carried out is what that
        returns under the play's locks; key, kind and request must be `order`'s. `after`: the last thing before COMMIT.

        Raises Refused (nothing changed), Degraded (nothing was sent), Pending (a COMMIT may still land).
        """
        until, attempt = time.monotonic() + self._patience_s, _Attempt()
        while True:
            try:
                return await self._once(order, decide, after, attempt)
            except (StoreUnknown, StoreRefused) as exc:
                if not attempt.sent and not undone(exc):
                    raise Degraded("the ledger does not answer; nothing was changed, ask again") from exc
                if time.monotonic() >= until:
                    log.warning("transfer unsettled: %s", exc, extra={"event": "transfer_unsettled"})
                    if attempt.sent:
                        raise Pending(order.key) from exc
                    raise Degraded("others were quicker, again and again; nothing was changed, ask again") from exc
            await asyncio.sleep(AGAIN_S)

    async def _once(
        self, order: Order, decide: Decide | None, after: After | None, attempt: _Attempt
    ) -> TransferRecord:
        # First, and without a lock: who has something is told so, whatever has ended since.
        there = await self.find(order.key)
        if there is not None:
            return same(there, order)
        try:
            async with self._pool.transaction("transfer") as conn:
                decided = order if decide is None else await decide(conn)
                if (decided.kind, decided.key) != (order.kind, order.key) or decided.request != order.request:
                    raise ValueError(f"decided {decided.kind} {decided.key}; expected {order.kind} {order.key}")
                done = await transfer(conn, self._lane, decided)
                if after is not None and not done.again:
                    await after(conn, done)
                return done
        except StoreUnknown:
            attempt.sent = True
            raise
        except KeyReused:
            raise
        except Refused:
            # The same request may have been carried out meanwhile, and be why this one is refused: the last part of a
            # share is this user's own.
            there = await (self._settled(order.key) if attempt.sent else self.find(order.key))
            if there is None:
                raise
            return same(there, order)

    async def _settled(self, key: str) -> TransferRecord | None:
        """What became of an earlier attempt whose COMMIT was sent: it holds the key's lock until its end."""
        async with self._pool.transaction("transfer settled") as conn:
            await conn.execute(statement("transfer_lock_key", self._lane), {"key": key})
            return await _stored(conn, self._lane, key)


def same(there: TransferRecord, order: Order) -> TransferRecord:
    """What stands under the key, if it is what was asked for. Raises KeyReused."""
    if (there.kind, there.request, there.reverses) != (order.kind, dict(order.request), order.reverses):
        raise KeyReused("this key stands for another request; expected a new key")
    return there


async def _stored(conn: Connection, lane: Lane, key: str) -> TransferRecord | None:
    row = await (await conn.execute(statement("transfer_by_key", lane), {"key": key})).fetchone()
    return None if row is None else _done(row)


def _done(row: tuple[Any, ...]) -> TransferRecord:
    number, kind, request, reverses, at_us, was_reversed, *columns = row
    return TransferRecord(number, kind, request, reverses, at_us, _legs(*columns), again=True, reversed=was_reversed)


def _legs(accounts: list[str], currencies: list[Any], amounts: list[int]) -> tuple[Leg, ...]:
    return tuple(Leg(*leg) for leg in zip(accounts, currencies, amounts, strict=True))


async def _reversed(conn: Connection, lane: Lane, number: int) -> tuple[Leg, ...]:
    """The legs that undo a transfer. Whoever reverses the same one, under another key, waits until this one's end."""
    await conn.execute(statement("transfer_lock_key", lane), {"key": f"reverses:{number}"})
    row = await (await conn.execute(statement("transfer_legs", lane), {"transfer": number})).fetchone()
    if row is None:
        raise NotFound(f"no transfer {number}")
    *columns, is_reversal, was_reversed, kind = row
    if kind in FINAL_KINDS:
        raise Final(f"transfer {number} is a {kind}, on which others have built; it is never reversed")
    if is_reversal:
        raise NotReversible(f"transfer {number} is a reversal itself; expected one that is none")
    if was_reversed:
        raise AlreadyReversed(f"transfer {number} was reversed already")
    return negated(_legs(*columns))


async def move(conn: Connection, lane: Lane, legs: tuple[Leg, ...]) -> None:
    """Locks every account with a floor, bytewise, and moves what keeps it. Raises Insufficient."""
    floored = tuple(leg for leg in legs if has_floor(leg.account))
    if not floored:
        return
    columns = columns_of(floored)
    columns["uids"] = [owner(leg.account) if leg.currency == "fen" else None for leg in floored]
    await conn.execute(statement("transfer_open_holdings", lane), columns)
    await conn.execute(statement("transfer_lock_holdings", lane), columns)
    moved = await (await conn.execute(statement("transfer_move", lane), columns)).fetchall()
    if len(moved) != len(floored):
        under = sorted({leg[:2] for leg in floored} - {(account, currency) for account, currency in moved})
        raise Insufficient(f"not enough {', '.join(f'{currency} on {account}' for account, currency in under)}")


async def _copy(conn: Connection, lane: Lane, number: int, legs: tuple[Leg, ...]) -> None:
    """Writes very many legs. Raises StoreRefused where what was written does not add up."""
    async with conn.cursor() as cursor:
        async with cursor.copy(statement("transfer_copy", lane)) as copy:
            copy.set_types(("int8", "text", "text", "int8"))
            for leg in legs:
                await copy.write_row((number, *leg))
        (off,) = await (await conn.execute(statement("transfer_off", lane), {"transfer": number})).fetchone() or (None,)
    if off != 0:
        raise StoreRefused(f"transfer {number}: its legs do not add up")


def columns_of(legs: tuple[Leg, ...]) -> dict[str, Any]:
    """Legs as a statement takes them."""
    return {
        "accounts": [leg.account for leg in legs], "currencies": [leg.currency for leg in legs],
        "amounts": [leg.amount for leg in legs],
    }  # fmt: skip


def undone(exc: Exception) -> bool:
    """Whether PostgreSQL has undone the whole transaction, and the same one may be sent again."""
    return isinstance(exc.__cause__, psycopg.Error) and exc.__cause__.sqlstate in UNDONE_STATES
