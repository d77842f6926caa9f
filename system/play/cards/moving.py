"""Cards that come and go: drawn for a ticket or a tie, given, asked for, combined. Each is one transfer.

Owns keys and legs. Refuses to decide what a user has: the ledger does, under the lock. Locks: season, counter, ask,
key, holdings. Source: docs/season.md, "Five Blessings".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from system.contract.ids import Lane
from system.ledger.access import Connection, Pool
from system.ledger.accounts import CARDS, Leg, user
from system.ledger.interactions import interact, pair
from system.ledger.statements import statement
from system.ledger.transfer import After, Decide, Insufficient, KeyReused, Order, Pending, TransferRecord, Transfers
from system.play.cards.errors import (
    AskAnswered,
    AskedOneself,
    AskMismatch,
    CardNotOwned,
    CombinedAlready,
    GiftToOneself,
    KindsMissing,
    NoCardsLeft,
    TicketForeign,
    TicketOtherLane,
    TieMissing,
    UnknownAsk,
)
from system.play.cards.metrics import moved
from system.play.cards.models import AskView, CardAsk, CardMoved, Cards, Combining, DrawnBy, Gift, TieCard
from system.play.cards.seasons import hold
from system.play.reading import read
from system.tickets import TicketOffice

ASKS_SHOWN = 50
TIES_SHOWN = 200
_ASK = ("ask", "season", "asker", "asked", "kind", "at_us", "gift")


async def cards_of(pool: Pool, lane: Lane, uid: int) -> Cards:
    """What a user holds, is asked for, and may draw for new ties. Raises Degraded."""
    held = dict(await read(pool, lane, "cards_held", {"uid": uid}))
    asks = await read(pool, lane, "cards_asks", {"uid": uid, "limit": ASKS_SHOWN})
    ties = await read(pool, lane, "cards_ties", {"uid": uid, "limit": TIES_SHOWN})
    return Cards(
        uid=uid, lane=lane, cards=tuple(held.get(card, 0) for card in CARDS), blessings=held.get("blessing", 0),
        asks=tuple(AskView(**dict(zip(_ASK, row, strict=True))) for row in asks),
        ties=tuple(friend for (friend,) in ties),
    )  # fmt: skip


async def redeem(pool: Pool, office: TicketOffice, lane: Lane, uid: int, text: str) -> CardMoved:
    """The season's next card for a ticket, once: the ticket again gives the same answer.

    Raises TicketForged, TicketOtherLane, TicketForeign, NoCardsLeft, UnknownSeason, SeasonEnded, Degraded.
    """
    ticket = office.read(text)
    if ticket.lane != lane:
        raise TicketOtherLane(f"this ticket is of lane {ticket.lane}; expected one of {lane}")
    if ticket.uid != uid:
        raise TicketForeign("this ticket is another user's")
    # The key has no key id in it: a ticket that two keys have signed is one ticket.
    key = f"ticket:{ticket.season}:{ticket.round}:{uid}:{ticket.second}"
    request = {"season": ticket.season, "round": ticket.round, "second": ticket.second}
    return await draw(pool, lane, uid, ticket.season, "ticket", key, request)


async def for_tie(pool: Pool, lane: Lane, uid: int, order: TieCard) -> CardMoved:
    """The season's next card for a tie that was made while the season is open, once for each of the two.

    Raises SelfTie, TieMissing, NoCardsLeft, UnknownSeason, SeasonEnded, Degraded.
    """
    lo, hi = pair(uid, order.friend)
    key = f"tie:{order.season}:{lo}:{hi}:{uid}"
    request = {"season": order.season, "lo": lo, "hi": hi}

    async def need_tie(conn: Connection) -> None:
        row = await (await conn.execute(statement("cards_new_tie", lane), request)).fetchone()
        if row is None:
            raise TieMissing(
                f"no tie with user {order.friend} was made in season {order.season}; an imported one is none"
            )

    return await draw(pool, lane, uid, order.season, "tie", key, request, need_tie)


async def draw(
    pool: Pool,
    lane: Lane,
    uid: int,
    season: int,
    what: DrawnBy,
    key: str,
    request: dict[str, Any],
    need: Callable[[Connection], Awaitable[None]] | None = None,
) -> CardMoved:
    """The season's n-th card, n from its counter, to a user. `need` refuses whoever has no right to one.

    Raises NoCardsLeft, UnknownSeason, SeasonEnded, Degraded, what `need` raises.
    """

    async def decide(conn: Connection) -> Order:
        deck = await hold(conn, lane, season)
        if need is not None:
            await need(conn)
        ((n,),) = await (await conn.execute(statement("cards_next", lane), {"season": season})).fetchall()
        if n >= deck.size:
            raise NoCardsLeft(f"all {deck.size} cards of season {season} are with somebody; ask a friend for one")
        kind = deck.kind(n)
        params = {"season": season, "n": n, "kind": kind, "key": key}
        if not await (await conn.execute(statement("cards_draw", lane), params)).fetchone():
            return Order(what, key, request)  # drawn just now by the same request: the transfer is found by its key
        card = CARDS[kind - 1]
        return Order(what, key, request, (Leg(f"issue:{season}", card, -1), Leg(user(uid), card, 1)))

    return await _sent(pool, lane, uid, season, what, Order(what, key, request), decide)


async def give(pool: Pool, lane: Lane, uid: int, gift: Gift) -> CardMoved:
    """A card to another user, once for a key; with `ask` it fulfils that request.

    Raises GiftToOneself, CardNotOwned, UnknownAsk, AskAnswered, AskMismatch, SeasonEnded, KeyReused, Degraded.
    """
    if gift.to == uid:
        raise GiftToOneself("the gift is to its giver; expected another user")
    card = CARDS[gift.kind - 1]
    key = f"gift:{uid}:{gift.key}"
    request = {"season": gift.season, "to": gift.to, "kind": gift.kind, "whom": gift.whom, "ask": gift.ask}
    order = Order("gift", key, request, (Leg(user(uid), card, -1), Leg(user(gift.to), card, 1)))

    async def after(conn: Connection, done: TransferRecord) -> None:
        await interact(conn, lane, "card", uid, gift.to, done.at_us, key)

    async def decide(conn: Connection) -> Order:
        await hold(conn, lane, gift.season)
        if gift.ask is not None:
            await _fulfil(conn, lane, uid, gift, key)
        return order

    try:
        return await _sent(pool, lane, uid, gift.season, "gift", order, decide, f"gift_{gift.whom}", after)
    except Insufficient as exc:
        raise CardNotOwned(f"no card of kind {gift.kind} to give") from exc


async def _fulfil(conn: Connection, lane: Lane, uid: int, gift: Gift, key: str) -> None:
    params = {"ask": gift.ask, "asked": uid, "key": key}
    row = await (await conn.execute(statement("cards_ask_lock", lane), params)).fetchone()
    if row is None:
        raise UnknownAsk(f"nobody asked this user under number {gift.ask}")
    season, asker, kind, answered = row
    if (season, asker, kind) != (gift.season, gift.to, gift.kind):
        raise AskMismatch(f"user {asker} asked for a card of kind {kind} in season {season}")
    if answered not in (None, key):
        raise AskAnswered("this request was fulfilled already")
    await conn.execute(statement("cards_ask_fulfil", lane), params)


async def ask(pool: Pool, lane: Lane, uid: int, asking: CardAsk) -> AskView:
    """Asks a friend for a kind; the friend may give, or not. Raises AskedOneself, UnknownSeason, SeasonEnded."""
    if asking.friend == uid:
        raise AskedOneself("the friend is the user; expected another user")
    params = {"season": asking.season, "asker": uid, "asked": asking.friend, "kind": asking.kind}
    async with pool.transaction("ask for a card") as conn:
        await hold(conn, lane, asking.season)
        row = None
        while row is None:  # it may be fulfilled between the two statements
            row = await (await conn.execute(statement("cards_ask", lane), params)).fetchone()
            row = row or await (await conn.execute(statement("cards_ask_open", lane), params)).fetchone()
    return AskView(**dict(zip(_ASK, row, strict=True)))


async def combine(pool: Pool, lane: Lane, uid: int, order: Combining) -> CardMoved:
    """One card of each kind becomes a blessing, all five or none, once a season.

    Raises KindsMissing, CombinedAlready, UnknownSeason, SeasonEnded, Degraded.
    """
    season = order.season
    legs = [Leg(user(uid), "blessing", 1), Leg(f"mint:{season}", "blessing", -1)]
    for card in CARDS:
        legs += [Leg(user(uid), card, -1), Leg(f"mint:{season}", card, 1)]
    made = Order("combine", f"combine:{season}:{uid}", {"season": season, "key": order.key}, tuple(legs))

    async def decide(conn: Connection) -> Order:
        await hold(conn, lane, season)
        return made

    try:
        return await _sent(pool, lane, uid, season, "combine", made, decide)
    except KeyReused as exc:
        raise CombinedAlready(f"this user has combined in season {season}") from exc
    except Insufficient as exc:
        raise KindsMissing("a card of each of the five kinds is needed, all at once; nothing was taken") from exc


async def _sent(
    pool: Pool,
    lane: Lane,
    uid: int,
    season: int,
    what: Any,
    order: Order,
    decide: Decide,
    counted: str = "",
    after: After | None = None,
) -> CardMoved:
    try:
        done = await Transfers(pool, lane).send(order, decide, after)
    except Pending:
        return CardMoved(state="pending", what=what, season=season)
    if not done.again:
        moved(lane, counted or what)
    kind = None if what == "combine" else _kind(done, user(uid))
    return CardMoved(
        state="done", what=what, season=season, kind=kind, at_us=done.at_us, again=done.again, reversed=done.reversed
    )


def _kind(done: TransferRecord, account: str) -> int | None:
    """The kind of the card that moved into or out of the account."""
    return next((CARDS.index(leg.currency) + 1 for leg in done.legs if leg.account == account), None)
