"""Seasons: opened with cards and pot paid in, shown, held while cards move, ended with a list that is frozen.

Owns the one lock that the end needs: whoever moves a card holds the season's row FOR SHARE, the end takes it FOR
UPDATE and lists in a later statement. A seed is never taken from outside. Source: docs/season.md, "Five Blessings".
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from functools import lru_cache
from typing import Any

from system.contract.errors import Degraded, SeasonEnded, StoreUnknown, UnknownSeason
from system.contract.ids import Lane
from system.ledger.access import Connection, Pool
from system.ledger.accounts import CARDS, Leg
from system.ledger.statements import statement
from system.ledger.transfer import AGAIN_S, KeyReused, Order, Transfers
from system.lottery.deck import DECK_SEED_BYTES, Deck
from system.play.cards.errors import SeasonTaken, SeasonUnpaid
from system.play.cards.models import IssuedCards, SeasonList, SeasonOrder, SeasonView
from system.play.reading import read

log = logging.getLogger("xiu.play")

BATCH_USERS = 1_000
"""Users of one batch of the pot: one transaction."""
END_WITHIN_S = 60.0
PATIENCE_S = 5.0
PAGE = 1_000


async def open_season(pool: Pool, order: SeasonOrder) -> SeasonView:
    """A season, open: cards minted, pot paid in, once. The same order again is the same season.

    Raises SeasonTaken, SeasonUnpaid, HistogramError, Degraded, Pending.
    """
    lane, number = order.lane, order.season
    deck = Deck(number, order.cards, os.urandom(DECK_SEED_BYTES))
    request = {"season": number, "cards": list(order.cards), "sponsor": order.sponsor, "pot_fen": order.pot_fen}
    legs = [Leg(f"sponsor:{order.sponsor}", "fen", -order.pot_fen), Leg(f"pot:{number}", "fen", order.pot_fen)]
    for card, count in zip(CARDS, order.cards, strict=True):
        legs += [Leg(f"mint:{number}", card, -count), Leg(f"issue:{number}", card, count)]
    made = Order("season", f"season:{number}", request, tuple(legs))

    async def decide(conn: Connection) -> Order:
        params: dict[str, Any] = {**request, "seed": deck.seed, "commitment": deck.commitment()}
        if await (await conn.execute(statement("cards_open_season", lane), params)).fetchone():
            await conn.execute(statement("cards_open_counter", lane), params)
        elif not await (await conn.execute(statement("cards_is_season", lane), params)).fetchone():
            raise SeasonUnpaid("another season is not paid out yet; expected one season at a time")
        return made

    try:
        await Transfers(pool, lane).send(made, decide)
    except KeyReused as exc:
        raise SeasonTaken(f"season {number} was opened with other figures; expected a new number") from exc
    log.info("season %d of lane %s is open", number, lane, extra={"event": "season_open"})
    return await season_after(pool, lane, number)


async def season_view(pool: Pool, lane: Lane, number: int) -> SeasonView:
    """A season as everybody may see it. Raises UnknownSeason, Degraded."""
    found = await _views(pool, lane, number)
    if not found:
        raise UnknownSeason(f"no season {number}")
    return found[0]


async def season_after(pool: Pool, lane: Lane, number: int) -> SeasonView:
    """The season that an order has made or ended, or may have. Raises StoreUnknown: to say that nothing happened, or
    that there is no such season, would be wrong.
    """
    try:
        return await season_view(pool, lane, number)
    except (Degraded, UnknownSeason) as exc:
        raise StoreUnknown(f"season {number} cannot be shown now; the same order again says what became of it") from exc


async def season_list(pool: Pool, lane: Lane) -> SeasonList:
    """Every season of the lane. Raises Degraded."""
    return SeasonList(lane=lane, seasons=await _views(pool, lane, None))


async def _views(pool: Pool, lane: Lane, number: int | None) -> tuple[SeasonView, ...]:
    names = (
        "season", "state", "cards", "issued", "pot_fen", "paid_fen", "sponsor", "commitment", "seed", "ended_us",
        "blessings", "each_fen",
    )  # fmt: skip
    rows = await read(pool, lane, "cards_seasons", {"season": number})
    found = (dict(zip(names, row, strict=True)) for row in rows)
    return tuple(
        SeasonView(**{**row, "cards": tuple(row["cards"]), "seed": row["seed"] and row["seed"].hex()}, lane=lane)
        for row in found
    )


async def issued(pool: Pool, lane: Lane, number: int, first: int) -> IssuedCards:
    """The kinds that were drawn, in their order, from card `first` on. Raises UnknownSeason, Degraded."""
    await season_view(pool, lane, number)
    rows = await read(pool, lane, "cards_issued", {"season": number, "first": first, "limit": PAGE})
    following = str(first + PAGE) if len(rows) == PAGE else None
    return IssuedCards(season=number, first=first, kinds=tuple(kind for _, kind in rows), next=following)


async def hold(conn: Connection, lane: Lane, number: int) -> Deck:
    """Holds the season, which is open, until the transaction's end. Raises UnknownSeason, SeasonEnded."""
    row = await (await conn.execute(statement("cards_hold_season", lane), {"season": number})).fetchone()
    if row is None:
        raise UnknownSeason(f"no season {number}")
    state, cards, seed = row
    if state != "open":
        raise SeasonEnded(f"season {number} has ended")
    return _deck(number, tuple(cards), bytes(seed))


@lru_cache(maxsize=16)
def _deck(number: int, cards: tuple[int, ...], seed: bytes) -> Deck:
    return Deck(number, cards, seed)


async def end_season(pool: Pool, lane: Lane, number: int, batch_users: int = BATCH_USERS) -> SeasonView:
    """Ends the season: the list of who has combined and what each gets is frozen and committed. Paid by `pot`.

    Safe to repeat. Raises UnknownSeason, StoreUnknown (it may have ended).
    """
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            async with pool.transaction("end a season", timeout_s=END_WITHIN_S) as conn:
                await _freeze(conn, lane, number, batch_users)
            break
        except StoreUnknown:
            if time.monotonic() >= until:
                raise
        await asyncio.sleep(AGAIN_S)
    return await season_after(pool, lane, number)


def shares_of(pot_fen: int, users: int) -> tuple[int, int]:
    """(fen of each, the same for all; fen that remain)."""
    return divmod(pot_fen, users) if users else (0, pot_fen)


async def _freeze(conn: Connection, lane: Lane, number: int, size: int) -> None:
    async def run(name: str, **params: Any) -> Any:
        return await conn.execute(statement(name, lane), {"season": number, **params})

    await run("cards_end_turn")
    row = await (await run("cards_end_season")).fetchone()
    if row is None:
        raise UnknownSeason(f"no season {number}")
    state, pot_fen = row
    if state != "open":
        return
    ((users,),) = await (await run("cards_count_blessings")).fetchall()
    each, rest = shares_of(pot_fen, users)
    if users:
        await run("cards_freeze_batches", users=users, size=size, each=each)
        await run("cards_freeze_shares", size=size, each=each)
    if rest:
        await run("cards_freeze_last", batch=-(-users // size), kind="rest" if users else "back", fen=rest)
    await run("cards_frozen", users=users, each=each)
    log.info("season %d of lane %s has ended, %d blessings", number, lane, users, extra={"event": "season_ended"})
