"""Money that leaves a wallet, and what an operator puts back. Each is one transfer (docs/season.md).

Owns the keys and legs of both. Refuses to decide what there is to spend: the ledger does, under the account's lock.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from system.contract.errors import Conflict, Refused
from system.contract.ids import Lane
from system.contract.people import need_real_name
from system.ledger.access import Pool
from system.ledger.accounts import Leg, user
from system.ledger.transfer import (
    After,
    AlreadyReversed,
    Decide,
    Insufficient,
    KeyReused,
    Order,
    Pending,
    TransferRecord,
    Transfers,
)
from system.play.wallet.models import Reversal, Spending, TransferLeg, TransferView
from system.play.wallet.reading import award_view

SPENT = "platform:spent"
"""Where spent money goes: to whoever was paid, outside of this system."""


class MoneyProcessing(Conflict):
    """What is settled is not enough, and the award that is counted on is not posted yet. Ask again."""

    code = "processing"


async def spend(pool: Pool, lane: Lane, uid: int, order: Spending) -> TransferView:
    """Takes the money off the user's balance. Raises NoRealName, Insufficient, MoneyProcessing, KeyReused, Degraded."""
    need_real_name(uid)
    legs = (Leg(user(uid), "fen", -order.fen), Leg(SPENT, "fen", order.fen))
    request = {"fen": order.fen, "what": order.what}
    async with counting_on(pool, lane, uid, order.award):
        return await sent(pool, lane, order.key, Order("spend", f"spend:{uid}:{order.key}", request, legs))


@asynccontextmanager
async def counting_on(pool: Pool, lane: Lane, uid: int, award: str | None) -> AsyncIterator[None]:
    """An order that takes money off the user's balance: MoneyProcessing instead of Insufficient, while the award that
    he counts on may still come.
    """
    try:
        yield
    except Insufficient as exc:
        if award is not None and await _on_its_way(pool, lane, uid, award):
            raise MoneyProcessing(f"award {award} is not in the ledger yet; ask again once it is") from exc
        raise


async def _on_its_way(pool: Pool, lane: Lane, uid: int, award: str) -> bool:
    """Whether the award may still be posted for the user. What it is worth, and whose it is, credit alone knows."""
    try:
        return (await award_view(pool, lane, uid, award)).state == "processing"
    except Refused:
        return False


async def reverse(pool: Pool, number: int, order: Reversal) -> TransferView:
    """Negates the transfer of that number, once; the same request again has the first result.

    Raises NotFound, AlreadyReversed (in other names, or for another reason), NotReversible, Final, Insufficient,
    Degraded.
    """
    request = {"by": order.by, "approved_by": order.approved_by, "why": order.why}
    made = Order("reverse", f"reverse:{number}", request, reverses=number)
    try:
        return await sent(pool, order.lane, made.key, made)
    except KeyReused as exc:
        # The key is the transfer's number: no operator gave one, and a new one would change nothing.
        raise AlreadyReversed(f"transfer {number} was reversed already, in other names or for another reason") from exc


async def sent(
    pool: Pool, lane: Lane, key: str, order: Order, after: After | None = None, decide: Decide | None = None
) -> TransferView:
    """The order's end, called `key`, as clients read it; `decide` and `after` as `Transfers.send` takes them. Raises
    Refused, Degraded.
    """
    try:
        return view(key, await Transfers(pool, lane).send(order, decide, after))
    except Pending:
        return TransferView(key=key, state="pending")


def view(key: str, done: TransferRecord) -> TransferView:
    """A transfer as clients read it."""
    legs = tuple(TransferLeg(account=leg.account, currency=leg.currency, amount=leg.amount) for leg in done.legs)
    return TransferView(
        key=key, state="done", transfer=done.transfer, at_us=done.at_us, legs=legs, again=done.again,
        reversed=done.reversed,
    )  # fmt: skip
